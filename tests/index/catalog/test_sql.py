"""SQL is in one folder: everything else asks the catalogue by its methods."""

import re
from pathlib import Path

import vifi_cli

PACKAGE = Path(vifi_cli.__file__).parent
SQL = re.compile(r"\.execute(many)?\(|\w\.db\b|\bSELECT .* FROM\b|\bimport sqlite_utils|\bfrom sqlite_utils")


def test_sql_is_in_the_catalog_alone() -> None:
    assert any(SQL.search(file.read_text()) for file in (PACKAGE / "index" / "catalog").glob("*.py"))
    found = [
        f"{file.relative_to(PACKAGE)}: {match[0]}"
        for file in PACKAGE.rglob("*.py")
        if file.parent != PACKAGE / "index" / "catalog"
        for match in SQL.finditer(file.read_text())
    ]
    assert found == []
