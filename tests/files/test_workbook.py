"""Workbooks as Excel, WPS, LibreOffice and ill will write them: what is there is read, what is not is said."""

from __future__ import annotations

import io
import logging
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook as OpenpyxlWorkbook

from liangxin.benchmarks import open_benchmark
from liangxin.data import items_of
from liangxin.errors import DataError
from liangxin.files import read_rows
from liangxin.files.workbook_cells import unescaped
from liangxin.files.workbook_limits import WorkbookLimits
from liangxin.models.recorded.replay import ReplayModel
from liangxin.records import Item
from testbench.books import blanks_xml, book_of, sheet_xml, strings_xml, styles_xml

CASES = Path(__file__).parent / "cases"
HEAD = ["id", "prompt"]


def kept(folder: Path, content: bytes, name: str = "data.xlsx") -> str:
    place = folder / name
    place.write_bytes(content)
    return str(place)


def values(path: str, limits: WorkbookLimits | None = None) -> list[dict[str, object]]:
    return [dict(row.values) for row in read_rows(path, limits=limits)]


@pytest.mark.parametrize("name", ["base.xlsx", "wps_short.xlsx", "wps_a1.xlsx"])
def test_a_dimension_that_is_too_small_hides_no_row(name: str) -> None:
    benchmark = open_benchmark("sc-safety")
    items = list(items_of(benchmark, str(CASES / "wps-dimension-rows" / name), ""))
    base = list(items_of(benchmark, str(CASES / "wps-dimension-rows" / "base.xlsx"), ""))
    assert [one.turns for one in items] == [one.turns for one in base]
    assert len(items) == 5


@pytest.mark.parametrize("dimension", ["A1", "A1:A2", "A1:B2", "B2:C3", "A1:XFD1048576", "nonsense"])
def test_no_dimension_is_believed_in_rows_or_columns(tmp_path: Path, dimension: str) -> None:
    rows = [["id", "prompt", "response"], ["a", "b", "c"], ["d", "e", "f"]]
    path = kept(tmp_path, book_of({"S": sheet_xml(rows, dimension)}))
    assert [list(one.values()) for one in values(path)] == rows[1:]


def test_a_formula_without_a_value_is_an_error_that_names_its_cell() -> None:
    with pytest.raises(
        DataError, match=r"followup\.xlsx:7: cell E7: found a formula without .*open the workbook"
    ):
        list(items_of(open_benchmark("sc-safety"), str(CASES / "formula-without-value/followup.xlsx"), ""))
    with pytest.raises(DataError, match=r"answers\.xlsx:2: cell B2: found a formula without a stored value"):
        ReplayModel(str(CASES / "formula-without-value/answers.xlsx"))


def test_a_formula_with_a_value_is_its_value(tmp_path: Path) -> None:
    cells = ['<c r="A2" t="str"><f>"x"&amp;1</f><v>x1</v></c>', '<c r="B2" t="str"><f>""</f><v></v></c>']
    path = kept(tmp_path, book_of({"S": sheet_xml([HEAD, cells, ["y", "z"]])}))
    assert values(path) == [{"id": "x1"}, {"id": "y", "prompt": "z"}]


@pytest.mark.parametrize("error", ["#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!"])
def test_an_error_value_is_an_error_that_names_its_cell(tmp_path: Path, error: str) -> None:
    cells = ["x", f'<c r="B2" t="e"><v>{error}</v></c>']
    path = kept(tmp_path, book_of({"S": sheet_xml([HEAD, cells])}))
    with pytest.raises(DataError) as found:
        values(path)
    assert f"{path}:2: cell B2: found the error value {error}, expected a value; mend the cell" in str(
        found.value
    )
    headed = kept(tmp_path, book_of({"S": sheet_xml([["id", cells[1].replace("B2", "B1")], ["x", "y"]])}))
    with pytest.raises(DataError, match="cell B1: found the error value"):
        values(headed)


def test_the_sheet_that_was_read_is_said_and_a_cover_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sheets = {
        "封面": sheet_xml([["某某项目"], ["二〇二六年"]]),
        "数据": sheet_xml([HEAD, ["a", "b"]]),
        "备用": sheet_xml([HEAD, ["c", "d"]]),
        "空": sheet_xml([]),
    }
    with caplog.at_level(logging.WARNING):
        assert values(kept(tmp_path, book_of(sheets))) == [{"id": "a", "prompt": "b"}]
    (said,) = caplog.messages
    assert 'read the sheet "数据" alone; not read: "封面", "备用"' in said
    assert "空" not in said


def test_a_hidden_sheet_is_read_only_where_no_other_is(tmp_path: Path) -> None:
    sheets = {"a": sheet_xml([HEAD, ["1", "hidden"]]), "b": sheet_xml([HEAD, ["2", "shown"]])}
    assert values(kept(tmp_path, book_of(sheets, hidden=["a"]))) == [{"id": "2", "prompt": "shown"}]
    assert values(kept(tmp_path, book_of(sheets, hidden=["a", "b"]))) == [{"id": "1", "prompt": "hidden"}]


def test_one_sheet_is_read_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert values(kept(tmp_path, book_of({"a": sheet_xml([HEAD, ["1", "x"]]), "b": sheet_xml([])})))
    assert not caplog.messages


def test_a_chart_before_the_worksheet_is_passed_over() -> None:
    items = list(items_of(open_benchmark("sc-safety"), str(CASES / "odd-workbooks/chartfirst.xlsx"), ""))
    assert len(items) == 5


def test_a_workbook_of_charts_alone_is_one_sentence(tmp_path: Path) -> None:
    relations = zipfile.ZipFile(io.BytesIO(book_of({"S": ""}))).read("xl/_rels/workbook.xml.rels").decode()
    chart = relations.replace("/worksheet", "/chartsheet").replace("chartsheets/", "worksheets/")
    path = kept(tmp_path, book_of({"S": sheet_xml([])}, {"xl/_rels/workbook.xml.rels": chart}))
    with pytest.raises(DataError, match="no worksheet, only charts"):
        values(path)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("一_x000D_二", "一\r二"),
        ("一_x000d_\n二", "一\r\n二"),
        ("_x005F_x000D_", "_x000D_"),
        ("_x0009_a", "\ta"),
        ("_xD83D__xDE00_", "😀"),
        ("_x000G_ _x00D_", "_x000G_ _x00D_"),
    ],
)
def test_escapes_are_the_characters_that_they_stand_for(tmp_path: Path, stored: str, text: str) -> None:
    shared = strings_xml([f"<t>{stored}</t>"])
    rows = [HEAD, [stored, '<c r="B2" t="s"><v>0</v></c>']]
    path = kept(tmp_path, book_of({"S": sheet_xml(rows)}, {"xl/sharedStrings.xml": shared}))
    assert values(path) == [{"id": text, "prompt": text}]


def test_runs_are_joined_and_readings_of_characters_left_out(tmp_path: Path) -> None:
    rich = "<r><t>你</t></r><r><rPr><b/></rPr><t>好</t></r><rPh sb='0' eb='1'><t>ni</t></rPh>"
    inline = f'<c r="A2" t="inlineStr"><is>{rich}</is></c>'
    rows = [HEAD, [inline, '<c r="B2" t="s"><v>0</v></c>']]
    path = kept(tmp_path, book_of({"S": sheet_xml(rows)}, {"xl/sharedStrings.xml": strings_xml([rich])}))
    assert values(path) == [{"id": "你好", "prompt": "你好"}]


def test_cells_without_places_and_prefixes_of_names_are_read(tmp_path: Path) -> None:
    plain = sheet_xml([HEAD, ["a", "b"]]).replace(' r="1"', "").replace(' r="2"', "")
    for place in ("A1", "B1", "A2", "B2"):
        plain = plain.replace(f' r="{place}"', "")
    prefixed = plain.replace("xmlns=", "xmlns:x=")
    for tag in ("worksheet", "sheetData", "row", "is"):
        prefixed = prefixed.replace(f"<{tag}", f"<x:{tag}").replace(f"</{tag}", f"</x:{tag}")
    prefixed = (
        prefixed.replace("<c ", "<x:c ")
        .replace("</c>", "</x:c>")
        .replace("<t ", "<x:t ")
        .replace("</t>", "</x:t>")
    )
    for sheet in (plain, prefixed):
        assert values(kept(tmp_path, book_of({"S": sheet}))) == [{"id": "a", "prompt": "b"}]


def test_numbers_dates_and_truth_values(tmp_path: Path) -> None:
    cells = [
        '<c r="A2"><v>12315</v></c>',
        '<c r="B2"><v>0.5</v></c>',
        '<c r="C2" t="b"><v>1</v></c>',
        '<c r="D2" s="0"><v>45292</v></c>',
        '<c r="E2"><v>1.2E3</v></c>',
    ]
    path = kept(
        tmp_path, book_of({"S": sheet_xml([list("abcde"), cells])}, {"xl/styles.xml": styles_xml(1, 14)})
    )
    assert values(path) == [{"a": 12315, "b": 0.5, "c": True, "d": datetime(2024, 1, 1), "e": 1200.0}]


def test_answers_that_the_table_program_took_for_something_else_are_their_text(tmp_path: Path) -> None:
    rows = [["id", "response"], ["a", '<c r="B2" t="b"><v>1</v></c>'], ["b", '<c r="B3"><v>3.0</v></c>']]
    model = ReplayModel(kept(tmp_path, book_of({"S": sheet_xml(rows)})))
    given = [model.recorded(Item(id=one, turns=("",), category=()), 1, 1).text for one in ("a", "b")]
    assert given == ["TRUE", "3"]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row>"}, "is damaged"),
        ({"xl/worksheets/sheet1.xml": ""}, "is missing"),
        ({"xl/workbook.xml": "<workbook"}, "is damaged"),
        ({"xl/workbook.xml": ""}, "it has no"),
        ({"xl/sharedStrings.xml": "<sst><si><t>"}, "is damaged"),
        ({"xl/styles.xml": "no"}, "is damaged"),
        ({"xl/workbook.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><workbook>&b;</workbook>"}, "document type"),
        (
            {"xl/worksheets/sheet1.xml": sheet_xml([HEAD, ['<c r="A2" t="s"><v>7</v></c>']])},
            "cell A2: no shared text",
        ),
        (
            {"xl/worksheets/sheet1.xml": sheet_xml([HEAD, ['<c r="A2"><v>12a</v></c>']])},
            "cell A2: the number",
        ),
        (
            {"xl/worksheets/sheet1.xml": sheet_xml([HEAD, ['<c r="ZZZ2"><v>1</v></c>']])},
            "beyond the last column",
        ),
    ],
)
def test_a_damaged_part_is_one_sentence(tmp_path: Path, parts: dict[str, str], problem: str) -> None:
    path = kept(tmp_path, book_of({"S": sheet_xml([HEAD, ["a", "b"]])}, parts))
    with pytest.raises(DataError, match=problem) as found:
        values(path)
    assert "\n" not in str(found.value)


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_any_damaged_byte_gives_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    content = bytearray((CASES / "wps-dimension-rows" / "base.xlsx").read_bytes())
    content[at % len(content)] = byte
    try:
        values(kept(tmp_path_factory.mktemp("books"), bytes(content)))
    except DataError as error:
        assert "\n" not in str(error)


def test_an_old_workbook_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"an old workbook \(\.xls\)"):
        values(kept(tmp_path, b"\xd0\xcf\x11\xe0" + bytes(600)))


FEW = WorkbookLimits(cells=1_000, strings=10, characters=1_000, styles=10, parts=20, unpacked=1 << 20)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (book_of({"S": blanks_xml(1)}), "1,000 cells, blank ones included"),
        (book_of({"S": sheet_xml([HEAD, ["x" * 2000, ""]])}), "1,000 characters"),
        (
            book_of({"S": sheet_xml([])}, {"xl/sharedStrings.xml": strings_xml(["<t>x</t>"] * 11)}),
            "10 different texts",
        ),
        (
            book_of({"S": sheet_xml([])}, {"xl/sharedStrings.xml": strings_xml([f"<t>{'x' * 1001}</t>"])}),
            "1,000 char",
        ),
        (book_of({"S": sheet_xml([])}, {"xl/styles.xml": styles_xml(11)}), "10 cell formats"),
        (book_of({"S": sheet_xml([]) + " " * (2 << 20)}), "1 MB in one part"),
        (book_of({"S": sheet_xml([])}, {f"xl/{one}.bin": "x" for one in range(20)}), "20 parts"),
        (
            book_of(
                {"S": sheet_xml([HEAD, *[['<c t="s"><v>0</v></c>']] * 20])},
                {"xl/sharedStrings.xml": strings_xml([f"<t>{'x' * 90}</t>"])},
            ),
            "1,000 characters",
        ),
    ],
)
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    assert len(content) < 10_000
    with pytest.raises(DataError, match=f"more than {said}.*it was not read"):
        values(kept(tmp_path, content), FEW)


def test_a_million_blank_cells_are_nothing(tmp_path: Path) -> None:
    path = kept(tmp_path, book_of({"S": blanks_xml(1_000)}))
    assert Path(path).stat().st_size < 13_000
    with pytest.raises(DataError, match="is empty"):
        values(path)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(TEXT)
def test_what_openpyxl_writes_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    plain = "".join(one for one in text if one >= " " and one not in "\ufffe\uffff") or "x"
    book = OpenpyxlWorkbook()
    assert book.active is not None
    book.active.append(["a", "b"])
    book.active.append(["x", None])
    cell = book.active.cell(2, 2)
    cell.value = plain
    cell.data_type = "s"
    path = str(tmp_path_factory.mktemp("books") / "data.xlsx")
    book.save(path)
    assert values(path) == [{"a": "x", "b": unescaped(plain)}]
