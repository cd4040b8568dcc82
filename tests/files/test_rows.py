"""Every encoding, line ending and defect that a user's file can have."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from liangxin.errors import DataError
from liangxin.files import file_digest, read_rows, show

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.lists(
    st.dictionaries(TEXT, TEXT | st.integers(-(2**53), 2**53) | st.none()), min_size=1, max_size=8
)


def written(folder: Path, content: bytes, name: str = "data.jsonl") -> str:
    place = folder / name
    place.write_bytes(content)
    return str(place)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_json_lines_in_every_encoding(tmp_path: Path, encoding: str, newline: str, packed: bool) -> None:
    text = newline.join(['{"prompt": "你好，世界"}', "", '{"prompt": "第二行\\u2028内"}', "", ""])
    content = text.encode(encoding)
    path = written(tmp_path, gzip.compress(content) if packed else content, "data.jsonl" + ".gz" * packed)
    rows = list(read_rows(path))
    assert [(row.number, row.values) for row in rows] == [
        (1, {"prompt": "你好，世界"}),
        (3, {"prompt": "第二行\u2028内"}),
    ]


@given(rows=ROWS)
def test_json_lines_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    path = written(tmp_path_factory.mktemp("files"), content)
    assert [dict(row.values) for row in read_rows(path)] == rows


@given(content=st.binary(min_size=1, max_size=200))
def test_any_bytes_give_rows_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("files")
    for name in ("data.jsonl", "data.csv", "data.xlsx"):
        try:
            list(read_rows(written(folder, content, name)))
        except DataError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("[1]", "found [1]"),
        ('{"a": 1', "found invalid JSON"),
        ('{"a": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('"text"', 'found "text"'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, found: str) -> None:
    path = written(tmp_path, b'{"a": 1}\n\n' + line.encode())
    with pytest.raises(DataError, match="expected one JSON object a line") as caught:
        list(read_rows(path))
    assert str(caught.value).startswith(f"{path}:3: line: ")
    assert found in str(caught.value)


def test_unwritable_characters_become_replacement_characters(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"\\ud800key": ["a\\udfffb", {"x": "nul\\u0000"}], "pair": "\\ud83d\\ude00"}')
    (row,) = read_rows(path)
    assert row.values == {"\ufffdkey": ["a\ufffdb", {"x": "nul\ufffd"}], "pair": "😀"}


def test_csv_counts_physical_lines_and_leaves_blank_cells_out(tmp_path: Path) -> None:
    content = '问题,追问,备注\r\n"一\r\n二",三,\r\n,,\r\n四,五,六\r\n'.encode("gb18030")
    rows = list(read_rows(written(tmp_path, content, "data.csv")))
    assert [(row.number, dict(row.values)) for row in rows] == [
        (2, {"问题": "一\r\n二", "追问": "三"}),
        (5, {"问题": "四", "追问": "五", "备注": "六"}),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("a,a\n1,2\n", "twice"), ("a,b\n1,2,3\n", "3 cells"), ('a\n"open\n', "broken csv")],
)
def test_a_bad_csv_is_named(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        list(read_rows(written(tmp_path, content.encode(), "data.csv")))


@given(
    rows=st.lists(
        st.lists(st.text('你好,"\n a1', min_size=1).filter(str.strip), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_csv_comes_back_as_written(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["one", "two"], *rows])
    path = written(tmp_path_factory.mktemp("files"), stream.getvalue().encode(), "data.csv")
    assert [list(row.values.values()) for row in read_rows(path)] == rows


def test_xlsx_names_sheet_rows(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for cells in (["能力", "问题"], [None, None], ["传统安全", "你好"], ["指令攻击", 3]):
        sheet.append(cells)
    book.save(tmp_path / "data.xlsx")
    rows = list(read_rows(str(tmp_path / "data.xlsx")))
    assert [(row.number, dict(row.values)) for row in rows] == [
        (3, {"能力": "传统安全", "问题": "你好"}),
        (4, {"能力": "指令攻击", "问题": 3}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("data.jsonl", b"", "is empty"),
        ("data.jsonl", b"\n \n", "is empty"),
        ("data.csv", b"a,b\n", "is empty"),
        ("data.jsonl", b'{"a": "\xff\xff"}', "neither UTF-8 nor GB18030"),
        ("data.jsonl.gz", b"\x1f\x8bbroken", "gzip data is damaged"),
        ("data.xlsx", b"no workbook", "not an xlsx workbook"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        list(read_rows(written(tmp_path, content, name)))


def test_missing_paths_and_directories(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        list(read_rows(str(tmp_path / "absent.jsonl")))
    with pytest.raises(DataError, match="is a directory"):
        file_digest(str(tmp_path))


def test_the_digest_is_of_the_bytes_on_disk(tmp_path: Path) -> None:
    content = gzip.compress(b"{}")
    path = written(tmp_path, content, "data.jsonl.gz")
    assert file_digest(path) == hashlib.sha256(content).hexdigest()


@given(value=st.text())
def test_shown_cells_are_short_and_cannot_steer_a_terminal(value: str) -> None:
    shown = show(value)
    assert len(shown) <= 40
    assert shown.isprintable()
