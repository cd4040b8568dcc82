"""Try the site with everything of `testbench.faults`, on SQLite and on a real PostgreSQL, and print the table of docs/security.

Usage: PYTHONPATH=tools python tests/faults.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from liangxin.store import Database
from testbench.faults import every
from testbench.postgres import postgres
from testbench.scene import filled, offered


def tried(url: str, folder: Path) -> dict[str, tuple[int, int]]:
    """How often each was tried and held, on a fresh store."""
    database = Database(url)
    scene = filled(database)
    found = {}
    for one in every(scene, offered(scene, folder)):
        found[one.name] = (one.number, one.number - len(one.faults))
        for fault in one.faults[:20]:
            print(f"{one.name}: {fault}", file=sys.stderr)
    database.close()
    return found


def main() -> None:
    """A row for each."""
    with tempfile.TemporaryDirectory(prefix="liangxin-faults-") as folder, postgres() as url:
        file = tried(str(Path(folder) / "store.db"), Path(folder))
        server = tried(url, Path(folder))
    print("| what | SQLite: tried | held | PostgreSQL: tried | held |\n|---|---|---|---|---|")
    for name, (number, held) in file.items():
        print(f"| {name} | {number:,} | {held:,} | {server[name][0]:,} | {server[name][1]:,} |")
    sys.exit(0 if all(number == held for found in (file, server) for number, held in found.values()) else 1)


if __name__ == "__main__":
    main()
