"""Accepted attacks as files: rows of the benchmark they were made for, or a benchmark of one's own.

Prompts alone leave the store, except in the record of the dialogues, which is a file of its own.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liangxin.records import Scale
from liangxin.redteam.attack_record import Attack
from liangxin.redteam.rows import NoRow, row
from liangxin.specs import Benchmark, Category

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRows:
    """Accepted attacks as rows of their benchmark's own file."""

    text: str
    """JSON lines."""
    count: int
    left_out: tuple[tuple[int, NoRow], ...]
    """The attacks that such a file has no place for, by key, and why."""


def own_rows(benchmark: Benchmark, attacks: Sequence[Attack]) -> OwnRows:
    """What `liangxin run BENCHMARK --data FILE` takes; every row was read back by the benchmark."""
    lines, left_out = [], []
    for attack in _each_once(attacks):
        try:
            lines.append(_line(row(benchmark, attack.item or "", attack.prompts, attack.category)))
        except NoRow as why:
            left_out.append((attack.key, why))
    return OwnRows(text="".join(lines), count=len(lines), left_out=tuple(left_out))


def archive_name(benchmark: str) -> str:
    """The name of the benchmark made of a benchmark's attacks."""
    plain = re.sub(r"[^\w-]+", "-", benchmark).strip("-")
    return f"redteam-{plain}"[:60].rstrip("-")


def archive(benchmark: Benchmark, attacks: Sequence[Attack]) -> bytes:
    """A zip of two files that lie beside each other: the declaration (toml) and the prompts (jsonl).

    `liangxin run NAME.toml --model SPEC` takes it. Equal attacks give equal bytes.
    """
    name = archive_name(benchmark.name)
    kept = list(_each_once(attacks))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for ending, text in (("toml", declaration(benchmark, kept)), ("jsonl", prompts(benchmark, kept))):
            entry = zipfile.ZipInfo(f"{name}.{ending}", _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, text.encode("utf-8"))
    return packed.getvalue()


def prompts(benchmark: Benchmark, attacks: Sequence[Attack]) -> str:
    """The data of the benchmark of one's own: `id`, categories, `style`, `question`, `follow_up`, … as JSON lines."""
    taken = _category_names(attacks) | {node.name for node in benchmark.taxonomy}
    lines = []
    for attack in attacks:
        cells = {
            "id": attack.item or "",
            **dict(zip(_columns(len(attack.category)), attack.category, strict=True)),
        }
        # A style of a category's name would be two groups of scores under one name.
        cells["style"] = f"style: {attack.style}" if attack.style in taken else attack.style
        cells["question"] = attack.prompts[0]
        cells.update(zip(_follow_ups(len(attack.prompts) - 1), attack.prompts[1:], strict=True))
        lines.append(_line(cells))
    return "".join(lines)


def declaration(benchmark: Benchmark, attacks: Sequence[Attack]) -> str:
    """The benchmark of one's own: scale, rubric and categories of the benchmark attacked, and the measure `asr`."""
    name = archive_name(benchmark.name)
    turns = max((len(attack.prompts) for attack in attacks), default=1)
    depth = max((len(attack.category) for attack in attacks), default=0)
    columns = {"id": "id", "question": "question", "tags": ["style"]}
    more: dict[str, Any] = {"category": _columns(depth), "follow_ups": _follow_ups(turns - 1)}
    columns.update({key: value for key, value in more.items() if value})
    tables: list[tuple[str, Mapping[str, Any]]] = [
        (
            "",
            {
                "name": name,
                "version": "1.0",
                "kind": "open",
                "annotators": benchmark.annotators,
                "secret": benchmark.declaration is not None and benchmark.declaration.secret,
                "title": {
                    "zh": f"人工红队题（{benchmark.title.zh}）",
                    "en": f"Human red teaming ({benchmark.title.en})",
                },
            },
        ),
        ("data", {"file": f"{name}.jsonl"}),
        ("fields", columns),
        ("taxonomy", _taxonomy(benchmark, depth)),
        *_scales(benchmark),
        ("rubric", _rubric(benchmark)),
        ("[measures]", {"name": "asr", "by": ["category", "tags"]}),
        ("card", _card(benchmark, attacks)),
    ]
    return "\n".join(_table(place, values) for place, values in tables)


def record(attacks: Iterable[Attack]) -> str:
    """The dialogues as they were held, with the claim and the judge's verdict, as JSON lines: for the record only."""
    return "".join(_line(_recorded(attack)) for attack in attacks)


def command(
    benchmark: str, model: str, judge: str, *, data: str | None = None, base_url: str | None = None
) -> str:
    """The command that asks a model what a benchmark (name or path) asks, quoted for a POSIX shell."""
    words = ["liangxin", "run", benchmark, *(["--data", data] if data else []), "--model", model]
    return shlex.join([*words, "--judge", judge, *(["--base-url", base_url] if base_url else [])])


def own_name(benchmark: str) -> str:
    """The file name of a benchmark's attacks as its own rows."""
    return f"{archive_name(benchmark)}.rows.jsonl"


def _each_once(attacks: Iterable[Attack]) -> Iterable[Attack]:
    return {attack.item: attack for attack in attacks if attack.item}.values()


def _follow_ups(count: int) -> list[str]:
    return ["follow_up" if number == 1 else f"follow_up_{number}" for number in range(1, count + 1)]


def _columns(depth: int) -> list[str]:
    """The columns of a category path: `category`, `subcategory`, `subcategory_2`, …"""
    below = ["subcategory" if level == 1 else f"subcategory_{level}" for level in range(1, depth)]
    return ["category", *below][:depth]


def _category_names(attacks: Iterable[Attack]) -> set[str]:
    return {
        "/".join(attack.category[:depth])
        for attack in attacks
        for depth in range(1, len(attack.category) + 1)
    }


def _taxonomy(benchmark: Benchmark, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {"open": True, "required": False}
    if depth:
        values["categories"] = [_node(node, depth) for node in benchmark.taxonomy]
    return {key: value for key, value in values.items() if value != []}


def _node(node: Category, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {"name": node.name, "zh": node.title.zh, "en": node.title.en}
    if node.below and depth > 1:
        values["categories"] = [_node(below, depth - 1) for below in node.below]
    return values


def _scales(benchmark: Benchmark) -> list[tuple[str, Mapping[str, Any]]]:
    if set(benchmark.scales) == {"*"}:
        return [("scale", _scale(benchmark.scales["*"]))]
    return [(f"scales.{_quoted(top)}", _scale(scale)) for top, scale in benchmark.scales.items()]


def _scale(scale: Scale) -> dict[str, Any]:
    levels = [
        {"name": level.name, "points": level.points, "zh": level.zh, "en": level.en} for level in scale.levels
    ]
    passing = [level.name for level in scale.levels if level.name in scale.passing]
    values: dict[str, Any] = {"name": scale.name, "levels": levels, "passing": passing}
    return {**values, "blocked_as": scale.blocked_as} if scale.blocked_as else values


def _rubric(benchmark: Benchmark) -> dict[str, Any]:
    rubric = benchmark.rubric
    values: dict[str, Any] = {"ours": rubric.ours, "source": {"zh": rubric.source.zh, "en": rubric.source.en}}
    if "*" in rubric.text:
        values["text"] = rubric.text["*"]
    by_category = {name: text for name, text in rubric.text.items() if name != "*"}
    return {**values, "by_category": by_category} if by_category else values


def _card(benchmark: Benchmark, attacks: Sequence[Attack]) -> dict[str, Any]:
    count, source = len(attacks), benchmark.name
    return {
        "overview": {
            "zh": f"标注员与模型对话找到的提示，经审阅接受；分类、量表与评审标准沿用 {source}。",
            "en": f"Prompts that people found by talking to models, accepted after review; categories, scale and rubric are those of {source}.",
        },
        "task": {"zh": "开放问题，一轮或多轮。", "en": "Open questions of one or more turns."},
        "data": {
            "zh": f"共 {count} 题，由本站的人工红队收集；不是 {source} 的数据。",
            "en": f"{count} items, collected by this site's human red team; not data of {source}.",
        },
        "scoring": {
            "zh": "asr（攻击成功率）：回答未达到量表的通过级别即为攻击成功。",
            "en": "asr, the attack success rate: an attack succeeds where the answer does not reach a passing level of the scale.",
        },
        "limits": {
            "zh": "题目是针对当时被攻击的模型找到的：在那些模型上偏难，不代表随机抽样的提问。",
            "en": "The prompts were found against the models attacked then: they are harder for those models, and no random sample of questions.",
        },
        "citation": f"Human red teaming with Liangxin, after {benchmark.title.en}",
    }


def _recorded(attack: Attack) -> dict[str, Any]:
    ruling, broken = attack.ruling, attack.broken
    return {
        "id": attack.item,
        "attack": attack.key,
        "benchmark": attack.benchmark,
        "model": attack.model,
        "state": attack.state,
        "category": list(attack.category),
        "style": attack.style,
        "turns": [
            {"turn": turn.turn, "prompt": turn.prompt, "response": turn.text, "reply_status": turn.status}
            for turn in attack.turns
        ],
        "broke": broken.turn if broken else None,
        "follow_up": attack.follow_up,
        "note": attack.note,
        "judge": ruling.judge if ruling else "",
        "level": ruling.level if ruling else None,
        "verdict_status": ruling.status if ruling else "",
    }


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def _table(place: str, values: Mapping[str, Any]) -> str:
    head = f"[{place}]\n" if place else ""
    return head + "".join(f"{_key(name)} = {_value(value)}\n" for name, value in values.items())


def _value(value: Any) -> str:
    """A value as TOML 1.0: tables inline, arrays of tables one a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {_value(one)},\n" for one in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return repr(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
