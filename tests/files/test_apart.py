"""Strangers' workbooks are read in a process that can be ended."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from liangxin.errors import DataError
from liangxin.files import apart, read_rows
from liangxin.files.apart import rows_apart, sheets_apart
from liangxin.files.workbook_cells import CellFault
from testbench.books import blanks_xml, book_of, sheet_xml, strings_xml, styles_xml

ROWS = [["id", "prompt"], *[[f"q{number}", f"问{number}"] for number in range(600)]]


def kept(folder: Path, content: bytes) -> str:
    place = folder / "data.xlsx"
    place.write_bytes(content)
    return str(place)


def children() -> set[str]:
    return {
        one
        for one in (place.name for place in Path("/proc").iterdir())
        if one.isdigit() and _parent(one) == os.getpid()
    }


def _parent(process: str) -> int:
    try:
        return int(Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_the_rows_are_those_of_the_command_line(tmp_path: Path) -> None:
    path = kept(tmp_path, book_of({"S": sheet_xml(ROWS)}))
    assert list(rows_apart(path)) == list(read_rows(path))


def test_what_the_reader_says_is_heard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = kept(tmp_path, book_of({"封面": sheet_xml([["x"]]), "S": sheet_xml(ROWS)}))
    told: list[str] = []
    with caplog.at_level(logging.WARNING):
        assert len(list(rows_apart(path, told=told))) == 600
        assert list(read_rows(path))
    assert told == caplog.messages
    assert 'read the sheet "S" alone; not read: "封面"' in told[0]


def test_an_error_is_the_same_error(tmp_path: Path) -> None:
    path = kept(tmp_path, book_of({"S": sheet_xml([*ROWS, ["x", '<c r="B602" t="e"><v>#N/A</v></c>']])}))
    with pytest.raises(DataError, match=r"data\.xlsx:602: cell B602: found the error value #N/A"):
        list(rows_apart(path))


def test_sheets_by_name_with_their_faults(tmp_path: Path) -> None:
    fault = '<c r="A2"><f>1+1</f></c>'
    path = kept(
        tmp_path,
        book_of({"a": sheet_xml([["x"], [fault]]), "b": sheet_xml([["y"]]), "c": sheet_xml([["z"]])}),
    )
    found = list(sheets_apart(path, ("a", "c")))
    assert [(row.sheet, row.number) for row in found] == [("a", 1), ("a", 2), ("c", 1)]
    assert found[1].values == {0: CellFault(kind="formula", shown='"=1+1"')}


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    before = children()
    path = kept(tmp_path, book_of({"S": blanks_xml(1_900)}))
    with pytest.raises(DataError, match=r"takes more than 0\.3 seconds to read"):
        list(rows_apart(path, seconds=0.3))
    assert children() <= before


def test_what_takes_too_much_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is the process's own: here the process has less than it needs to begin with."""
    monkeypatch.setattr(
        apart, "_COMMAND", ("-c", "import resource; resource.setrlimit(resource.RLIMIT_AS, (1, 1))")
    )
    with pytest.raises(DataError, match="takes more than 1024 MB of memory to read"):
        list(rows_apart(kept(tmp_path, book_of({"S": sheet_xml(ROWS)}))))


def test_a_reader_that_is_left_is_ended(tmp_path: Path) -> None:
    before = children()
    rows = rows_apart(kept(tmp_path, book_of({"S": sheet_xml(ROWS)})))
    assert next(iter(rows)).number == 2
    rows.close()  # type: ignore[attr-defined]
    assert children() <= before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (book_of({"S": blanks_xml(2_100)}), "3,000,000 cells"),
        (book_of({"S": sheet_xml([])}, {"xl/styles.xml": styles_xml(70_000)}), "65,536 cell formats"),
        (
            book_of(
                {"S": sheet_xml([["x"], *[['<c t="s"><v>0</v></c>']] * 1_100])},
                {"xl/sharedStrings.xml": strings_xml([f"<t>{'x' * 100_000}</t>"])},
            ),
            "100,000,000 characters",
        ),
        (book_of({"S": sheet_xml([]) + " " * (301 << 20)}), "300 MB in one part"),
    ],
)
def test_bombs_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    assert len(content) < 400_000
    with pytest.raises(DataError, match=f"more than {said}"):
        list(rows_apart(kept(tmp_path, content)))
