"""SQL is where the two databases are, of videos and of concepts: everything else asks them by their methods."""

import re
from pathlib import Path

import vifi_cli

PACKAGE = Path(vifi_cli.__file__).parent
SQL = re.compile(r"\.execute(many)?\(|\w\.db\b|\bSELECT .* FROM\b|\bimport sqlite_utils|\bfrom sqlite_utils")
CATALOG, CONCEPTS = PACKAGE / "index" / "catalog", PACKAGE / "index" / "concepts"
WITH_SQL = {*CATALOG.glob("*.py"), CONCEPTS / "database.py", CONCEPTS / "store.py"}


def test_sql_is_with_the_databases_alone() -> None:
    assert any(SQL.search(file.read_text()) for file in WITH_SQL)
    found = [
        f"{file.relative_to(PACKAGE)}: {match[0]}"
        for file in PACKAGE.rglob("*.py")
        if file not in WITH_SQL
        for match in SQL.finditer(file.read_text())
    ]
    assert found == []
