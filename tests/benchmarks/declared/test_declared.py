"""Declarations: what a right one gives, what is said of a wrong one, and which data files are read."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liangxin.benchmarks import BENCHMARKS, declared_benchmark, open_benchmark
from liangxin.benchmarks.declared import declared
from liangxin.errors import DataError, LiangxinError
from liangxin.records import Item, Measure
from liangxin.specs import ASR, Benchmark

EXAMPLES = Path(__file__).parents[3] / "examples" / "benchmarks"

OPEN = """\
name = "mine"
kind = "open"
title = "我的"
[data]
file = "data.jsonl"
[fields]
question = "q"
category = "c"
[taxonomy]
open = false
categories = ["甲", "乙"]
aliases = { "丙" = "甲" }
[scale]
levels = [{ name = "bad", points = 0 }, { name = "good", points = 1, zh = "好", en = "good" }]
passing = ["good"]
[rubric]
text = "看看。"
[[measures]]
name = "pass_rate"
value = "passing"
[card]
overview = "o"
task = { zh = "任务", en = "task" }
data = "d"
scoring = "s"
limits = "l"
citation = "c"
"""
CHOICE = """\
name = "pick"
kind = "choice"
title = "选"
[data]
file = "data.jsonl"
[fields]
question = "q"
options = "o"
answer = "a"
[choice]
labels = ["A", "B", "C"]
answer = "index from 0"
[card]
overview = "o"
task = "t"
data = "d"
scoring = "s"
limits = "l"
citation = "c"
"""


def lines(*rows: Mapping[str, object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def items(folder: Path, text: str, data: str | bytes, name: str = "data.jsonl") -> list[Item]:
    raw = data.encode() if isinstance(data, str) else data
    (folder / name).write_bytes(raw)
    benchmark = declared(text.replace("data.jsonl", name), "mine.toml", str(folder))
    assert benchmark.declaration is not None
    return list(benchmark.declaration.items(None))


def said(text: str) -> str:
    with pytest.raises(DataError) as caught:
        declared(text, "mine.toml", ".")
    return str(caught.value)


def test_a_right_declaration_is_a_whole_benchmark(tmp_path: Path) -> None:
    found = items(tmp_path, OPEN, lines({"q": "一？", "c": " 丙 "}, {"q": "二？", "c": "乙"}))
    assert [(one.turns, one.category) for one in found] == [(("一？",), ("甲",)), (("二？",), ("乙",))]
    benchmark = declared(OPEN, "mine.toml", str(tmp_path))
    assert benchmark.card.task.en == "task"
    assert benchmark.card.overview.zh == benchmark.card.overview.en == "o"
    assert benchmark.scales["*"].passing == {"good"}
    assert benchmark.rubric.for_category(("甲",)) == "看看。"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('kind = "open"', 'kind = "opne"', "mine.toml: kind: found \"opne\", expected open or choice (did you mean 'open'?)"),
        ('kind = "open"', "", "mine.toml: kind: found nothing, expected open or choice"),
        ("[scale]", "[scael]", "mine.toml: scael: found an unknown key, expected scale"),
        ('passing = ["good"]', 'passing = ["well"]', 'mine.toml: scale.passing: found "well", expected levels of the scale: bad, good'),
        ('passing = ["good"]', 'passing = ["good"]\nblocked_as = "x"', "scale.blocked_as"),
        ("points = 0", "points = true", "mine.toml: scale.levels[1].points: found true, expected a number"),
        ("points = 0", "points = 2", "scale.levels: found [2, 1], expected the worst first"),
        ("points = 0", "points = nan", "scale.levels[1].points"),
        ('name = "good"', 'name = "bad"', "two or more levels of different names"),
        ('value = "passing"', 'value = "pasing"', "did you mean 'passing'?"),
        ('name = "pass_rate"', 'name = "合格率"', "such as pass_rate"),
        ('question = "q"', "question = 3", "mine.toml: fields.question: found 3, expected a text that is not blank"),
        ('file = "data.jsonl"', "", "mine.toml: data.file: found nothing, expected either file or files"),
        ('file = "data.jsonl"', 'file = "a"\nfiles = "b"', "expected either file or files"),
        ('file = "data.jsonl"', 'file = "a"\nheader = false', "data.columns"),
        ('categories = ["甲", "乙"]', 'categories = ["甲", "甲"]', "each category once"),
        ('text = "看看。"', 'text = "看看。"\n[rubric.by_category]\n"丁" = "x"', "rubric.by_category"),
        ('citation = "c"', "", "mine.toml: card.citation"),
        ('name = "mine"', 'name = "flames"', "a name that no built-in benchmark has"),
        ('name = "mine"', 'name = "a/b"', "letters, digits"),
        ('title = "我的"', "title = { zh = '我' }", "mine.toml: title.en"),
        ('kind = "open"', 'kind = "open"\nexpect = "refuses"', "did you mean 'refuse'?"),
        ('kind = "open"', 'kind = "open"\nsecret = "yes"', "mine.toml: secret: found \"yes\", expected true or false"),
        ('kind = "open"', 'kind = "open"\n[choice]\n', "kind = \"choice\""),
        ('name = "mine"', "name = ", "mine.toml: text: found invalid TOML"),
        ('name = "mine"', "name = 1979-05-27", "mine.toml: name: found"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_sentence_with_its_place(before: str, after: str, expected: str) -> None:
    assert before in OPEN
    with pytest.raises(DataError) as caught:
        declared(OPEN.replace(before, after, 1), "mine.toml", ".", frozenset(BENCHMARKS.names()))
    message = str(caught.value)
    assert expected in message
    assert all(line.startswith("mine.toml: ") and ", expected " in line for line in message.split("\n"))


def test_the_attack_success_rate_is_named_alone_or_with_its_own_settings() -> None:
    rate = 'name = "pass_rate"\nvalue = "passing"'

    def measure(text: str) -> Measure:
        return declared(OPEN.replace(rate, text), "mine.toml", ".", frozenset()).measures[0]

    assert measure('name = "asr"') == replace(ASR, by=("category", "tags"))
    assert measure('name = "asr"\nsubject = "safety"') == replace(
        ASR, by=("category", "tags"), subject="safety"
    )
    assert measure('name = "asr"\ncombine = "macro"\nper = "turn"\nby = ["round"]') == replace(
        ASR, by=("round",), combine="macro", per="turn"
    )
    assert measure('name = "break_rate"\nvalue = "failing"').higher_is_better is False
    for named in ('name = "asr"', 'name = "asr"\nby = ["tags"]', 'name = "x"\nvalue = "failing"'):
        text = OPEN.replace(rate, named).replace('passing = ["good"]', "")
        with pytest.raises(DataError, match="expected a scale whose `passing` names the levels that pass"):
            declared(text, "mine.toml", ".", frozenset())


def test_all_mistakes_are_said_at_once() -> None:
    message = said(OPEN.replace('passing = ["good"]', 'passing = ["x"]').replace("[rubric]", "[rubrik]"))
    assert "scale.passing" in message
    assert "rubrik: found an unknown key, expected rubric (did you mean that?)" in message


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('labels = ["A", "B", "C"]', 'labels = ["A", "a"]', "choice.labels"),
        ('labels = ["A", "B", "C"]', 'labels = ["A", "Other"]', "short labels"),
        ("[choice]", '[choice]\nprompt = "{question}"', "a text with {options}"),
        ("[choice]", '[choice]\nprompt = "{question}{options}{x}"', 'choice.prompt: found "{x}"'),
        ("[card]", "[scale]\n[card]", "the labels of [choice] are the scale"),
        ('answer = "index from 0"', 'answer = "letter"', "choice.answer"),
        ('answer = "a"', "", "fields.answer"),
    ],
)
def test_mistakes_of_a_choice(before: str, after: str, expected: str) -> None:
    assert expected in said(CHOICE.replace(before, after, 1))


def test_files_that_are_missing_or_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b'name = "\xff\xfe"')
    (tmp_path / "folder.toml").mkdir()
    for name, expected in (("bad", "not UTF-8"), ("no", "no such file"), ("folder", "directory")):
        with pytest.raises(LiangxinError, match=expected):
            open_benchmark(str(tmp_path / f"{name}.toml"))
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(DataError, match="TOML"):
        open_benchmark(str(tmp_path / "deep.toml"))


def test_choices_are_asked_with_their_labels(tmp_path: Path) -> None:
    (one, two) = items(
        tmp_path,
        CHOICE,
        lines({"q": "{options}?", "o": ["x", "y"], "a": 1}, {"q": "?", "o": ["x", "y", "{q}"], "a": "0"}),
    )
    assert (one.choices, one.answer, one.stem) == (("x", "y"), "B", "{options}?")
    assert one.turns[0].startswith("{options}?\n\nA. x\nB. y\n\n")
    assert "（A、B）" in one.turns[0]
    assert two.answer == "A"
    assert "C. {q}" in two.turns[0]
    assert declared(CHOICE, "m", ".").scales["*"].options == ("A", "B", "C")


@pytest.mark.parametrize(
    ("given_as", "answer", "gold"),
    [("index from 1", 2, "B"), ("label", " B ", "B"), ("text", "y", "B"), ("index from 0", 1.0, "B")],
)
def test_answers_are_given_in_several_ways(tmp_path: Path, given_as: str, answer: object, gold: str) -> None:
    text = CHOICE.replace("index from 0", given_as)
    (one,) = items(tmp_path, text, lines({"q": "?", "o": ["x", "y"], "a": answer}))
    assert one.answer == gold


@pytest.mark.parametrize(
    ("o", "a"),
    [
        (["x"], 0),
        (["x", "y"], 2),
        (["x", "y"], "A"),
        (["x", ""], 0),
        (["x", "y"], True),
        ("xy", 0),
        (["x"] * 4, 0),
        (["x", "y"], None),
    ],
)
def test_bad_choices_name_file_row_and_field(tmp_path: Path, o: object, a: object) -> None:
    with pytest.raises(DataError, match=r"data\.jsonl:2: [oa]: found .*, expected "):
        items(tmp_path, CHOICE, lines({"q": "?", "o": ["x", "y"], "a": 0}, {"q": "!", "o": o, "a": a}))


def test_both_orders_are_one_pair(tmp_path: Path) -> None:
    text = CHOICE.replace("[choice]", '[choice]\norders = "both"')
    first, second = items(tmp_path, text, lines({"q": "?", "o": ["x", "y"], "a": 0}))
    assert (first.choices, first.answer) == (("x", "y"), "A")
    assert (second.choices, second.answer) == (("y", "x"), "B")
    assert first.pair == second.pair
    assert first.id != second.id


def test_options_in_columns_and_labels_of_ones_own(tmp_path: Path) -> None:
    text = CHOICE.replace('options = "o"', 'options = ["o1", "o2", "o3"]').replace(
        '["A", "B", "C"]', '["甲", "乙", "丙"]'
    )
    (one,) = items(tmp_path, text, "q,o1,o2,o3,a\n问,一,二,,1\n", "data.csv")
    assert (one.choices, one.answer) == (("一", "二"), "乙")


ROWS = [{"q": "一？", "c": "甲"}, {"q": "二？", "c": "乙"}]


def as_csv(header: bool) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows(([["q", "c"]] if header else []) + [[row["q"], row["c"]] for row in ROWS])
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("d.jsonl", lines(*ROWS).encode()),
        ("d.json", lines(*ROWS).encode()),
        ("d.json", json.dumps(ROWS, ensure_ascii=False, indent=1).encode()),
        ("d.json", json.dumps({"1": ROWS[0], "2": ROWS[1]}, indent=1).encode()),
        ("d.json", json.dumps({"x": ROWS}).encode()),
        ("d.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
        ("d.csv", as_csv(header=True).encode("utf-8-sig")),
        ("d.csv", as_csv(header=True).encode("gb18030")),
        ("d.csv.gz", gzip.compress(as_csv(header=True).replace("\r\n", "\n").encode(), mtime=0)),
    ],
)
def test_every_format_gives_the_same_items(tmp_path: Path, name: str, data: bytes) -> None:
    found = items(tmp_path, OPEN, data, name)
    assert [(one.turns[0], one.category[0]) for one in found] == [("一？", "甲"), ("二？", "乙")]


def test_a_spreadsheet_and_a_table_without_a_header(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in ROWS:
        book.active.append([row["q"], row["c"]])
    book.save(tmp_path / "d.xlsx")
    (tmp_path / "d.csv").write_text(as_csv(header=False), encoding="utf-8")
    for name in ("d.xlsx", "d.csv"):
        text = OPEN.replace('"data.jsonl"', f'"{name}"\nheader = false\ncolumns = ["q", "c"]')
        declaration = declared(text, "m", str(tmp_path)).declaration
        assert declaration is not None
        assert [one.category for one in declaration.items(None)] == [("甲",), ("乙",)]


def test_json_rows_know_their_line(tmp_path: Path) -> None:
    data = '[\n {"q": "一？",\n  "c": "甲"},\n\n {"q": "", "c": "乙"}\n]'
    with pytest.raises(DataError, match=r"d\.json:5: q: found \"\", expected a text"):
        items(tmp_path, OPEN, data, "d.json")


@pytest.mark.parametrize(
    "data",
    [
        "[1]",
        "[{}",
        '{"a": {}, "a": {}}',
        "[{}] x",
        '{"a": 1}',
        "[",
        '{"a"}',
        "[{},,{}]",
        '[{"q": NaN}]',
        "[]",
        "{}",
        "",
        "[" * 99_999,
        '{"a": [1]}',
    ],
)
def test_broken_documents_are_one_sentence(tmp_path: Path, data: str) -> None:
    with pytest.raises(DataError) as caught:
        items(tmp_path, OPEN, data, "d.json")
    assert "\n" not in str(caught.value)


def test_several_files_with_the_category_in_their_names(tmp_path: Path) -> None:
    for name in ("甲.csv", "b.csv"):
        (tmp_path / name).write_text(f"{name}问一\n{name}问二\n", encoding="utf-8-sig")
    text = OPEN.replace(
        'file = "data.jsonl"', 'files = "*.csv"\nheader = false\ncolumns = ["q"]\nnames = { b = "乙" }'
    )
    declaration = declared(
        text.replace('category = "c"', 'category = "@file"'), "m", str(tmp_path)
    ).declaration
    assert declaration is not None
    assert sorted(one.category[0] for one in declaration.items(None)) == ["乙", "乙", "甲", "甲"]
    before = declaration.digest(None)
    (tmp_path / "b.csv").write_text("改\n", encoding="utf-8")
    assert declaration.digest(None) != before


def test_a_second_file_is_joined_by_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = CHOICE.replace('"data.jsonl"', '"data.jsonl"\njoin = { file = "answers.json", key = "n" }')
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"7": {"a": 1, "n": 7}, "8": {"a": 0}}))
    (one,) = items(tmp_path, text, lines({"n": 7, "q": "?", "o": ["x", "y"]}))
    assert one.answer == "B"
    assert not caplog.messages, "every field is read, the key by the join"
    wrong: list[tuple[dict[str, object], str]] = [
        ({"n": 9}, "a key of answers.json"),
        ({"n": 7, "a": 0}, "the same as row 1 of"),
        ({}, "a key"),
    ]
    for row, expected in wrong:
        with pytest.raises(DataError, match=expected):
            items(tmp_path, text, lines({**row, "q": "?", "o": ["x", "y"]}))
    answers.unlink()
    with pytest.raises(DataError, match=r"data\.join\.file: found no file"):
        items(tmp_path, text, lines({"n": 7, "q": "?", "o": ["x", "y"]}))


def test_follow_ups_expectations_tags_and_ids(tmp_path: Path) -> None:
    text = OPEN.replace(
        'question = "q"',
        'question = "q"\nfollow_ups = ["f1", "f2"]\nid = "n"\nexpect = "e"\ntags = ["t"]\nreference = "r"',
    )
    text = text.replace(
        "[scale]", '[expect]\nvalues = { "应拒答" = "refuse" }\nby_category = { "乙" = "answer" }\n[scale]', 1
    )
    rows: list[Mapping[str, object]] = [
        {"n": 1, "q": "一", "f1": "二", "c": "甲", "e": "应拒答", "t": "难", "r": "参考"},
        {"n": "b", "q": "三", "c": "乙"},
    ]
    one, two = items(tmp_path, text, lines(*rows))
    assert (one.id, one.turns, one.expect, one.tags, one.reference) == (
        "1",
        ("一", "二"),
        "refuse",
        ("难",),
        "参考",
    )
    assert (two.id, two.turns, two.expect) == ("b", ("三",), "answer")
    with pytest.raises(DataError, match=r"data\.jsonl:1: f1: "):
        items(tmp_path, text, lines({"n": 1, "q": "一", "f2": "二", "c": "甲"}))
    with pytest.raises(DataError, match=r"the same item as data\.jsonl:1"):
        items(tmp_path, text, lines(rows[0], rows[0]))


def test_a_category_outside_a_closed_taxonomy_and_a_reserved_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'data\.jsonl:1: c: found "丁", expected one of 甲, 乙'):
        items(tmp_path, OPEN, lines({"q": "?", "c": "丁"}))
    with pytest.raises(DataError, match="not already a group"):
        items(tmp_path, OPEN.replace("open = false", "open = true"), lines({"q": "?", "c": "overall"}))


SECRET = "这是一句绝不能外传的题目内容"


@pytest.mark.parametrize(
    "text",
    [
        OPEN.replace('kind = "open"', 'kind = "open"\nsecret = true'),
        OPEN.replace('question = "q"', 'question = "q"\nsecret = "s"'),
    ],
)
@pytest.mark.parametrize("data", [
    lines({"q": "?", "c": SECRET, "s": True}),
    lines({"q": "?", "c": "甲", "s": SECRET}),
    json.dumps(SECRET, ensure_ascii=False) + "\n",
    lines({"q": [SECRET], "c": "甲", "s": "是"}),
])  # fmt: skip
def test_no_message_quotes_a_secret_row(tmp_path: Path, text: str, data: str) -> None:
    try:
        items(tmp_path, text, data)
    except DataError as error:
        assert SECRET[:6] not in str(error)
        assert "data.jsonl:1: " in str(error)
        assert "expected " in str(error)
    else:
        assert "secret = true" in text  # the mark's own column is not read then


def test_the_version_follows_what_is_declared_and_not_where_the_data_lies() -> None:
    first = declared(OPEN, "a.toml", "/x").version
    assert first.startswith("1.0+")
    assert declared("# c\n" + OPEN.replace('"data.jsonl"', '"other.jsonl"'), "b.toml", "/y").version == first
    assert declared(OPEN.replace("看看。", "再看看。"), "a.toml", "/x").version != first


def same(one: Benchmark, other: Benchmark) -> bool:
    names = (
        "name",
        "version",
        "title",
        "kind",
        "scales",
        "rubric",
        "measures",
        "taxonomy",
        "card",
        "annotators",
    )
    return all(getattr(one, name) == getattr(other, name) for name in names)


@pytest.mark.parametrize("name", ["refusal-bank", "safetybench", "jade", "xsafety"])
def test_an_example_comes_back_from_its_stored_text(name: str) -> None:
    benchmark = open_benchmark(str(EXAMPLES / f"{name}.toml"))
    assert benchmark.declaration is not None
    again = declared_benchmark(json.loads(json.dumps(benchmark.declaration.text)), "gone/away.toml")
    assert same(benchmark, again)


KEYS = ("name", "kind", "title", "data", "fields", "taxonomy", "scale", "scales", "rubric", "measures", "card", "choice", "expect", "secret", "file", "question", "levels", "points", "passing", "labels", "zh", "en", "by", "value", "join", "x")  # fmt: skip
LEAF = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=True),
    st.sampled_from(["", "open", "choice", "A", "甲", "passing", "*", "{question}"]),
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan"
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), TREE, max_size=6), st.sampled_from([OPEN, CHOICE]))
def test_a_random_declaration_is_read_or_said_to_be_wrong(changes: dict[str, Any], base: str) -> None:
    head = "".join(f"{key} = {toml(value)}\n" for key, value in changes.items())
    kept = "".join(line + "\n" for line in base.split("\n") if line.split(" = ")[0] not in changes)
    for text in (head, head + kept):
        try:
            benchmark = declared(text, "m.toml", ".")
        except DataError as error:
            assert all(line.startswith("m.toml: ") for line in str(error).split("\n"))
        else:
            assert same(benchmark, declared_benchmark(text, "m.toml"))


CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.lists(st.text(max_size=3), max_size=4),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.sampled_from(["q", "c", "o", "a"]), CELL), max_size=4),
    st.sampled_from([OPEN, CHOICE]),
)
def test_random_rows_are_read_or_said_to_be_wrong(
    tmp_path: Path, rows: list[dict[str, object]], base: str
) -> None:
    try:
        found = items(tmp_path, base, lines(*rows))
    except DataError as error:
        assert "data.jsonl" in str(error)
    else:
        assert len(found) == len(rows)
