"""What goes out: no cell is a formula, and what comes back is what went out, through spreadsheets too."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from liangxin.errors import LiangxinError
from liangxin.files import read_rows, writing
from liangxin.files.cut import CELL, CUT, cut_from, may_be_cut
from liangxin.files.guards import quoted, unquoted
from liangxin.files.writing import FORMATS, Format, write_rows, write_xlsx
from liangxin.zh import clean_text

SIGNS = "=+-@＝＋－＠\t\r\n'"
ANSWERS = (
    "=cmd|' /C calc'!A0",
    "- 第一\n- 第二",
    "+86 10 1234",
    "@某人",
    "＝1＋1",
    "－1",
    "\t缩进",
    "\r\n开头",
    "一\r二",
    "一\r\n二\r",
    "'=1+1",
    "''-x",
    "'-h' 选项是什么？",
    "_x000D_",
    "一_x000D_\n二",
    "控制\x07字\x1b符",
    "#N/A",
    "007",
    "1.10",
    "+5",
    "-0",
    "2024-01-02",
    "2024年1月2日",
    "1/2",
    "12:30",
    "50%",
    "1e5",
    "TRUE",
    "Jan 5",
    "5 March 2024",
    "12345678901234567890",
    '"引号", 逗号; 分号',
    " 空格 ",
    "\ufeffBOM",
    "😀",
)
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text(SIGNS + '1.0,;"x'),
    st.sampled_from(ANSWERS),
)


def back(folder: Path, content: bytes, form: Format) -> list[Any]:
    place = folder / f"rows.{form}"
    place.write_bytes(content)
    return [row.values.get("response") for row in read_rows(str(place))]


def rows_of(*answers: str) -> list[dict[str, object]]:
    return [
        {"id": f"f{number}", "turn": 1, "dialogue": f"d{number}", "response": one, "level": ""}
        for number, one in enumerate(answers)
    ]


@pytest.mark.parametrize("form", FORMATS)
@given(answers=st.lists(TEXT, min_size=1, max_size=6))
@example(answers=list(ANSWERS))
def test_every_answer_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, form: Format, answers: list[str]
) -> None:
    content = write_rows(rows_of(*answers), form)
    empty = "" if form == "jsonl" else None
    assert back(tmp_path_factory.mktemp("rows"), content, form) == [one or empty for one in answers]


@given(answers=st.lists(TEXT, min_size=1, max_size=6))
@example(answers=list(ANSWERS))
def test_a_workbook_that_openpyxl_saved_has_the_same_answers(
    tmp_path_factory: pytest.TempPathFactory, answers: list[str]
) -> None:
    book = load_workbook(io.BytesIO(write_rows(rows_of(*answers), "xlsx")))
    stream = io.BytesIO()
    book.save(stream)
    found = back(tmp_path_factory.mktemp("rows"), stream.getvalue(), "xlsx")
    assert found == [one or None for one in answers]


@given(TEXT)
def test_a_guard_is_taken_away_whatever_it_stands_before(text: str) -> None:
    assert unquoted(quoted(text)) == text


@given(st.text(SIGNS + "cmd1", min_size=1))
def test_no_csv_cell_begins_a_formula(text: str) -> None:
    content = write_rows(rows_of(text), "csv").decode("utf-8-sig")
    (_, row) = csv.reader(io.StringIO(content, newline=""))
    assert row[3][0] not in SIGNS.replace("'", "") or float(row[3]) < 0


@given(TEXT.filter(bool))
def test_no_cell_of_a_workbook_is_a_formula(text: str) -> None:
    book = load_workbook(io.BytesIO(write_rows(rows_of(text), "xlsx")))
    cell = book.worksheets[0]["D2"]
    assert cell.data_type == "s"
    if text[0] in "=+-@" and not text[1:2].isdigit():
        assert cell.quotePrefix, "else it becomes a formula once a person edits it"


def test_an_apostrophe_of_a_foreign_csv_stays(tmp_path: Path) -> None:
    place = tmp_path / "data.csv"
    place.write_text("id,prompt\n1,'-h' 选项是什么？\n", encoding="utf-8")
    (row,) = read_rows(str(place))
    assert row.values["prompt"] == "'-h' 选项是什么？"


def test_what_is_written_in_the_sheet_is_what_is_seen(tmp_path: Path) -> None:
    """A carriage return is stored as OOXML wants it; the words `_x000D_` are not one."""
    book = load_workbook(io.BytesIO(write_rows(rows_of("一\r二", "_x000D_"), "xlsx")))
    assert [book.worksheets[0][place].value for place in ("D2", "D3")] == ["一_x000D_二", "_x005F_x000D_"]


@pytest.mark.parametrize(
    "answer", ["长" * 40_000, "=" * 40_000, "\x07" * 20_000, "😀" * 20_000, "行\r\n" * 15_000]
)
def test_what_fits_no_cell_is_cut_and_known(tmp_path: Path, answer: str) -> None:
    (found,) = back(tmp_path, write_rows(rows_of(answer), "xlsx"), "xlsx")
    assert found.endswith(CUT)
    plain, whole = (one.replace("\r\n", "\n").strip() for one in (found, answer))
    assert may_be_cut(plain)
    assert cut_from(plain, whole)
    assert not cut_from(plain, "别" + whole)
    stored = load_workbook(io.BytesIO(write_rows(rows_of(answer), "xlsx"))).worksheets[0]["D2"].value
    assert len(str(stored).encode("utf-16-le")) // 2 <= CELL


def test_a_sheet_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_ROWS", 2)
    rows = rows_of("a", "b", "c")
    with pytest.raises(LiangxinError, match="a sheet holds 2 rows, and there are more; write csv"):
        write_xlsx(io.BytesIO(), rows, list(rows[0]))
    assert write_xlsx(io.BytesIO(), rows[:2], list(rows[0])) == 2


OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def saved_by_libreoffice(folder: Path, place: Path, form: str) -> Path:
    """The same file, opened and saved by LibreOffice (csv: UTF-8, as its dialogue offers it)."""
    assert OFFICE is not None
    told = {"csv": "csv:Text - txt - csv (StarCalc):44,34,76,1", "xlsx": "xlsx:Calc MS Excel 2007 XML"}
    out = folder / "saved"
    command = [
        OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore",
        *([f"--infilter={told['csv'].partition(':')[2]}"] if place.suffix == ".csv" else []),
        "--convert-to", told[form], "--outdir", str(out), str(place),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    made = out / f"{place.stem}.{form}"
    assert made.exists(), done.stdout + done.stderr
    return made


def plain(text: object) -> str:
    return str(text).replace("\r\n", "\n").replace("\r", "\n").strip()


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_sheet_that_libreoffice_saved_has_the_same_answers(tmp_path: Path, form: Format) -> None:
    answers = [one for one in ANSWERS if clean_text(one) == one]
    place = tmp_path / f"read.{form}"
    place.write_bytes(write_rows(rows_of(*answers), form))
    rows = [row.values for row in read_rows(str(saved_by_libreoffice(tmp_path, place, form)))]
    assert [row["dialogue"] for row in rows] == [f"d{number}" for number in range(len(answers))]
    assert [plain(row.get("response", "")) for row in rows] == [plain(one) for one in answers]


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_libreoffice_finds_no_formula(tmp_path: Path, form: Format) -> None:
    place = tmp_path / f"read.{form}"
    place.write_bytes(
        write_rows(rows_of("=1+1", '=HYPERLINK("http://x")', "+1+1", "-1+1", "@SUM(1)", "\t=1+1"), form)
    )
    cells = load_workbook(saved_by_libreoffice(tmp_path, place, "xlsx")).worksheets[0]["D"]
    assert {cell.data_type for cell in cells} == {"s"}
