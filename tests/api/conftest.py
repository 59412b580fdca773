"""Fixtures shared with the tests of the commands."""

from tests.cli.conftest import clips as clips
from tests.cli.conftest import colours as colours
from tests.cli.conftest import indexed as indexed
from tests.cli.conftest import indexed_home as indexed_home
from tests.cli.conftest import starter as starter
from tests.cli.conftest import tiny as tiny
from tests.cli.conftest import vifi as vifi
