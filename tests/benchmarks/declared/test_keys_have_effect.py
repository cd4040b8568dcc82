"""Accepted means read: every key of a declaration, varied, changes what is checked, asked, judged, counted or shown.

The keys are those that the parser itself asks for while it reads `BASES`; one without an entry in `CHANGED` fails. The
digests of the declaration and of a judge are held fast: they change with any key, and with them runs' ids, orders and seeds.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from liangxin.benchmarks.declared import declared
from liangxin.benchmarks.declared.tables import TomlTable
from liangxin.judges import JudgeContext, open_judges
from liangxin.testing.provider import Provider, running
from testbench.command import liangxin

DROPPED = object()
"""Stands for a key that is taken away."""
LEVELS = [
    {"name": "差", "points": 0, "zh": "差的", "en": "bad"},
    {"name": "中", "points": 1, "zh": "中的", "en": "middling"},
    {"name": "好", "points": 2, "zh": "好的", "en": "good"},
]
MEASURE = {
    "name": "good_rate",
    "title": {"zh": "好的比例", "en": "Good ones"},
    "value": "passing",
    "by": ["category", "tags", "round", "expect"],
    "subject": "primary",
    "higher_is_better": True,
    "unit": "percent",
    "per": "item",
    "combine": "micro",
}
CARD = {
    name: {"zh": f"{name} 中", "en": f"{name} en"}
    for name in ("overview", "task", "data", "scoring", "limits")
}
OPEN: dict[str, Any] = {
    "name": "own",
    "version": "1.0",
    "kind": "open",
    "title": {"zh": "自编", "en": "Own"},
    "secret": False,
    "annotators": "majority",
    "expect": {"default": "answer", "by_category": {"乙": "refuse"}, "values": {"该拒": "refuse"}},
    "data": {
        "files": ["one.jsonl", "two.jsonl"],
        "header": True,
        "names": {"one": "第一份"},
        "join": {"file": "more.jsonl", "key": "k", "by": "key"},
        "sample": False,
    },
    "fields": {
        "id": "n",
        "question": "q",
        "follow_ups": ["f1"],
        "category": ["cat", "sub"],
        "tags": ["tag", "@file"],
        "expect": "e",
        "reference": "ref",
        "secret": "hide",
    },
    "taxonomy": {
        "open": True,
        "required": True,
        "aliases": {"甲方": "甲"},
        "categories": [
            {
                "name": "甲",
                "zh": "甲类",
                "en": "A kind",
                "categories": [{"name": "子", "zh": "子类", "en": "Sub"}],
            },
            {"name": "乙", "zh": "乙类", "en": "B kind"},
        ],
    },
    "scale": {"name": "三级", "levels": LEVELS, "passing": ["好"], "blocked_as": "好"},
    "rubric": {
        "text": "看好不好。",
        "by_category": {"甲": "甲类看好不好。"},
        "ours": True,
        "source": {"zh": "自己", "en": "ourselves"},
    },
    "measures": [MEASURE, {"name": "refusal_rate"}],
    "card": {**CARD, "citation": "无"},
}
SCALES = {
    **{key: one for key, one in OPEN.items() if key != "scale"},
    "scales": {"甲": OPEN["scale"], "*": OPEN["scale"]},
}
CHOICE: dict[str, Any] = {
    **{key: OPEN[key] for key in ("name", "version", "title", "card")},
    "kind": "choice",
    "data": {"file": "choice.jsonl"},
    "fields": {"id": "n", "question": "q", "options": ["A", "B"], "answer": "right", "category": "cat"},
    "choice": {
        "labels": ["A", "B"],
        "answer": "label",
        "prompt": "{question}\n{options}\n只答标号（{labels}）。",
        "option_line": "{label}. {text}",
        "orders": "given",
    },
}
PLAIN = {
    **OPEN,
    "data": {"file": "plain.csv", "header": False, "columns": ["n", "q", "cat", "other"]},
    "fields": {"id": "n", "question": "q", "category": "cat"},
    "expect": "answer",
}
BASES: Mapping[str, Mapping[str, Any]] = {"open": OPEN, "scales": SCALES, "choice": CHOICE, "plain": PLAIN}

# By key: the base, where to change it (an index for a list), and the value there.
CHANGED: Mapping[str, tuple[str, str, Any]] = {
    "name": ("open", "name", "other"),
    "version": ("open", "version", "2.0"),
    "kind": ("open", "kind", "choice"),
    "title": ("open", "title", "一样"),
    "title.zh": ("open", "title.zh", "另一题库"),
    "title.en": ("open", "title.en", "Another"),
    "secret": ("open", "secret", True),
    "annotators": ("open", "annotators", "mean"),
    "expect": ("open", "expect", "refuse"),
    "expect.default": ("open", "expect.default", "refuse"),
    "expect.by_category": ("open", "expect.by_category", {"乙": "answer"}),
    "expect.values": ("open", "expect.values", {"该拒": "answer"}),
    "data": ("open", "data", DROPPED),
    "data.file": ("plain", "data.file", "plain2.csv"),
    "data.files": ("open", "data.files", ["one.jsonl"]),
    "data.header": ("plain", "data.header", True),
    "data.columns": ("plain", "data.columns", ["n", "other", "cat", "q"]),
    "data.names": ("open", "data.names", {"one": "头一份"}),
    "data.join": ("open", "data.join", DROPPED),
    "data.join.file": ("open", "data.join.file", "missing.jsonl"),
    "data.join.key": ("open", "data.join.key", "n"),
    "data.join.by": ("open", "data.join.by", "other"),
    "data.sample": ("open", "data.sample", True),
    "fields": ("open", "fields", DROPPED),
    "fields.id": ("open", "fields.id", ["n", "k"]),
    "fields.question": ("open", "fields.question", "f1"),
    "fields.follow_ups": ("open", "fields.follow_ups", ["f1", "f2"]),
    "fields.category": ("open", "fields.category", ["cat"]),
    "fields.tags": ("open", "fields.tags", ["tag"]),
    "fields.expect": ("open", "fields.expect", "tag"),
    "fields.reference": ("open", "fields.reference", DROPPED),
    "fields.secret": ("open", "fields.secret", DROPPED),
    "fields.options": ("choice", "fields.options", ["B", "A"]),
    "fields.answer": ("choice", "fields.answer", "wrong"),
    "taxonomy": ("open", "taxonomy", DROPPED),
    "taxonomy.open": ("open", "taxonomy.open", False),
    "taxonomy.required": ("blank", "taxonomy.required", True),
    "taxonomy.aliases": ("open", "taxonomy.aliases", DROPPED),
    "taxonomy.categories": ("open", "taxonomy.categories", DROPPED),
    "taxonomy.categories[].name": ("open", "taxonomy.categories.0.name", "丁"),
    "taxonomy.categories[].zh": ("open", "taxonomy.categories.0.zh", "另类"),
    "taxonomy.categories[].en": ("open", "taxonomy.categories.0.en", "Another kind"),
    "taxonomy.categories[].categories": ("open", "taxonomy.categories.0.categories", DROPPED),
    "scale": ("open", "scale", DROPPED),
    "scale.levels": ("open", "scale.levels", LEVELS[1:]),
    "scale.levels[].name": ("open", "scale.levels.1.name", "一般"),
    "scale.levels[].points": ("points", "scale.levels.1.points", 1.9),
    "scale.levels[].zh": ("open", "scale.levels.1.zh", "一般的"),
    "scale.levels[].en": ("open", "scale.levels.1.en", "so-so"),
    "scale.passing": ("open", "scale.passing", ["中", "好"]),
    "scale.blocked_as": ("open", "scale.blocked_as", "差"),
    "scales": ("scales", "scales", DROPPED),
    "scales.*": ("scales", "scales.甲.passing", ["中", "好"]),
    "rubric": ("open", "rubric", DROPPED),
    "rubric.text": ("open", "rubric.text", "另一种看法。"),
    "rubric.by_category": ("open", "rubric.by_category", {"甲": "甲类另看。"}),
    "rubric.ours": ("open", "rubric.ours", False),
    "rubric.source": ("open", "rubric.source", "一样"),
    "rubric.source.zh": ("open", "rubric.source.zh", "别处"),
    "rubric.source.en": ("open", "rubric.source.en", "elsewhere"),
    "measures": ("open", "measures", DROPPED),
    "measures[].name": ("open", "measures.0.name", "fine_rate"),
    "measures[].title": ("open", "measures.0.title", "一样"),
    "measures[].title.zh": ("open", "measures.0.title.zh", "好答案"),
    "measures[].title.en": ("open", "measures.0.title.en", "Fine ones"),
    "measures[].value": ("open", "measures.0.value", "failing"),
    "measures[].by": ("open", "measures.0.by", ["category"]),
    "measures[].subject": ("open", "measures.0.subject", "refusal"),
    "measures[].higher_is_better": ("open", "measures.0.higher_is_better", False),
    "measures[].unit": ("open", "measures.0.unit", "points"),
    "measures[].per": ("open", "measures.0.per", "turn"),
    "measures[].combine": ("open", "measures.0.combine", "macro"),
    "choice": ("choice", "choice", DROPPED),
    "choice.labels": ("choice", "choice.labels", ["甲", "乙"]),
    "choice.answer": ("choice", "choice.answer", "text"),
    "choice.prompt": ("choice", "choice.prompt", "{question}\n{options}\n请选（{labels}）。"),
    "choice.option_line": ("choice", "choice.option_line", "({label}) {text}"),
    "choice.orders": ("choice", "choice.orders", "both"),
    "card": ("open", "card", DROPPED),
    "card.citation": ("open", "card.citation", "某文"),
    **{f"card.{name}": ("open", f"card.{name}", "一样") for name in CARD},
    **{
        f"card.{name}.{tongue}": ("open", f"card.{name}.{tongue}", "换")
        for name in CARD
        for tongue in ("zh", "en")
    },
}
BY_IDENTITY = {"scale.name"}
"""What changes a judge's identity alone; see its own test."""
ALL_BASES: Mapping[str, Mapping[str, Any]] = {
    **BASES,
    "blank": {
        **OPEN,
        "taxonomy": {"open": True, "required": False},
        "fields": {key: one for key, one in OPEN["fields"].items() if key != "expect"} | {"category": "sub"},
        "expect": "answer",
        "rubric": {"text": "看好不好。"},
    },
    "points": {**OPEN, "measures": [{**MEASURE, "value": "points", "unit": "points"}]},
}


def key_of(place: str) -> str:
    """A place without what a declaration names itself: `scales.甲.levels[2].name` is `scale.levels[].name`."""
    plain = re.sub(r"\[\d+\]", "[]", place)
    plain = re.sub(r"^scales\.[^.]+$", "scales.*", plain)
    plain = re.sub(r"^scales\.[^.]+\.", "scale.", plain)
    return re.sub(r"(categories\[\]\.)+", "categories[].", plain)


def keys_asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key that the parser asks for while it reads the bases."""
    asked: set[str] = set()
    got, closed = TomlTable.get, TomlTable.close

    def get(table: TomlTable, key: str) -> Any:
        asked.add(key_of(table.at(key)))
        return got(table, key)

    def close(table: TomlTable, known: Any = ()) -> None:
        listed = [*known]
        asked.update(key_of(table.at(key)) for key in listed)
        closed(table, listed)

    monkeypatch.setattr(TomlTable, "get", get)
    monkeypatch.setattr(TomlTable, "close", close)
    for base in ALL_BASES.values():
        declared(written(base), "own.toml", ".")
    return asked


def test_every_key_that_the_parser_asks_for_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {*CHANGED, *BY_IDENTITY} == keys_asked(monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("key", CHANGED)
def test_a_key_changes_what_is_seen(key: str, look: Callable[[Mapping[str, Any]], Iterator[Any]]) -> None:
    base, place, value = CHANGED[key]
    before, after = look(ALL_BASES[base]), look(changed(ALL_BASES[base], place, value))
    assert any(one != other for one, other in zip(before, after, strict=True)), f"{key} changes nothing"


def test_a_scales_name_is_part_of_a_judges_identity() -> None:
    renamed = changed(OPEN, "scale.name", "别的")
    one, other = (
        open_judges("llm:openai:judge", JudgeContext(benchmark=declared(written(each), "own.toml", ".")))[0]
        for each in (OPEN, renamed)
    )
    assert one.identity != other.identity


@pytest.mark.long
@pytest.mark.parametrize("base", ALL_BASES)
def test_a_base_is_good_and_seen_alike_twice(
    base: str, look: Callable[[Mapping[str, Any]], Iterator[Any]]
) -> None:
    """Else the test above could pass by chance."""
    seen = list(look(ALL_BASES[base]))
    assert {step[0] for step in seen} == {0}, seen
    assert seen == list(look(ALL_BASES[base]))


def changed(base: Mapping[str, Any], place: str, value: Any) -> Mapping[str, Any]:
    made: dict[str, Any] = deepcopy(dict(base))
    *way, last = place.split(".")
    at: Any = made
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is DROPPED:
        del at[last]
    else:
        at[last] = value
    return made


def written(declaration: Mapping[str, Any]) -> str:
    """A declaration as TOML: what is below the root stands in its line."""
    return "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in declaration.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


ROWS = [
    {
        "n": f"n{at}",
        "k": f"k{at}",
        "q": f"第{at}问：邻居吵闹怎么办？" + (" [[azure]]" if at == 5 else ""),
        "f1": f"追问{at}：还有别的办法吗？" if at % 2 else "",
        "f2": "再追问" if at == 3 else "",
        "cat": "丙" if at == 7 else ("甲", "甲方", "乙")[at % 3],
        "sub": "子" if at % 3 == 0 else "",
        "tag": "长" if at % 2 else "短",
        "e": "该拒" if at == 0 else "",
        "ref": f"参考{at}",
        "hide": "是" if at == 1 else "否",
    }
    for at in range(8)
]
CHOICES = [
    {
        "n": f"c{at}",
        "q": f"第{at}题？",
        "A": f"一{at}",
        "B": f"二{at}",
        "right": "A",
        "wrong": "B",
        "cat": "甲",
    }
    for at in range(3)
]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running(Provider()) as served:
        yield served


@pytest.fixture
def look(
    tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Mapping[str, Any]], Iterator[Any]]:
    """What is seen of a declaration, step by step, each in a folder of its own."""
    number = iter(range(100))
    monkeypatch.setattr(import_module("liangxin.benchmarks.declared"), "_digest", lambda _: "0" * 12)
    monkeypatch.setattr(import_module("liangxin.judges.identity"), "digest", lambda _: "0" * 12)

    def steps(declaration: Mapping[str, Any]) -> Iterator[Any]:
        folder = tmp_path / str(next(number))
        folder.mkdir()
        _write(folder, declaration)
        yield from _steps(folder, provider)

    return steps


def _steps(folder: Path, provider: Provider) -> Iterator[Any]:
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}

    def said(line: str) -> tuple[Any, ...]:
        provider.requests.clear()
        words = [word.replace("URL", provider.base_url) for word in line.split()]
        done = liangxin(folder, *words, environment=kept)
        assert "Traceback" not in done.stderr, done.stderr
        asked = sorted(
            json.dumps(one.payload, ensure_ascii=False, sort_keys=True) for one in provider.requests
        )
        told = sorted(_plain(done.stderr).splitlines())
        return (int(done.returncode not in (0, 3)), _plain(done.stdout), told, [_plain(one) for one in asked])

    judge = "rule" if "choice.jsonl" not in (folder / "own.toml").read_text(encoding="utf-8") else "choice"
    llm = "" if judge == "choice" else "--judge llm:openai:judge --judge-base-url URL"
    people = "" if judge == "choice" else "--judge labels:labels.jsonl"
    yield said("check own.toml")
    yield said("benchmarks own.toml")
    yield said(
        f"run own.toml --model openai:m --base-url URL --judge {judge} {llm} --name asked --format json"
    )
    yield said(
        f"run own.toml --model replay:answers.jsonl --judge {judge} {people} --name recorded --format json"
    )
    yield said("scores recorded")
    yield said("export asked --output rows.jsonl")
    yield (0, _plain(_text(folder / "rows.jsonl")))
    yield said("report asked recorded --output page.html")
    yield (0, _plain(_without_manifests(_text(folder / "page.html"))))


def _without_manifests(page: str) -> str:
    """The report without the facts of runs and judges, which repeat the declaration as it stands."""
    assert "<dt>" in page or not page
    return re.sub(r"<dl>.*?</dl>", "", page, flags=re.DOTALL)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _plain(text: str) -> str:
    """A text without digests, times and addresses."""
    text = re.sub(r"127\.0\.0\.1:\d+|\d{4}-\d\d-\d\d[ T][\d:]+|\d+(\.\d+)?/s|\d+\.\d s", "", text)
    return re.sub(r"(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![0-9a-z])", "#", text)


def _write(folder: Path, declaration: Mapping[str, Any]) -> None:
    (folder / "own.toml").write_text(written(declaration), encoding="utf-8")
    labelled = ROWS[2:5] if "file" in declaration.get("data", {}) else ROWS
    for name, rows in (
        ("one.jsonl", ROWS[:5]),
        ("two.jsonl", ROWS[5:]),
        ("more.jsonl", [{"key": f"k{at}", "other": f"x{at}", "extra": str(at)} for at in range(8)]),
        ("choice.jsonl", CHOICES),
        (
            "answers.jsonl",
            [_answer(row, bool(declaration.get("fields", {}).get("follow_ups"))) for row in ROWS]
            + [{"prompt": row["q"], "response": "A"} for row in CHOICES],
        ),
        ("labels.jsonl", [_label(row, who) for row in labelled for who in ("甲君", "乙君")]),
    ):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text("".join(lines), encoding="utf-8")
    for name, first in (("plain.csv", 0), ("plain2.csv", 2)):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(
                [row["n"], row["q"], row["cat"], f"别的{row['n']}"] for row in ROWS[first : first + 5]
            )


def _answer(row: Mapping[str, str], several: bool) -> dict[str, Any]:
    turns = 1 + (several and bool(row["f1"])) + (several and bool(row["f2"]))
    return {"prompt": row["q"], "responses": [f"先商量，再请物业帮忙。{row['n']}"] * turns}


def _label(row: Mapping[str, str], who: str) -> dict[str, Any]:
    """Two annotators who agree on every second answer."""
    level = "好" if who == "甲君" or row["n"] in ("n0", "n2", "n4") else "中"
    return {"prompt": row["q"], "turn": 1, "level": level, "annotator": who}
