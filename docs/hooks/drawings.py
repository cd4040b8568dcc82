"""The two pictures of the architecture page, drawn from the code: the layers of pyproject.toml, the store's tables.

    python docs/hooks/drawings.py

writes them into docs/assets/, once in Chinese and once in English. A test fails where they are out of date.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from sqlalchemy import Table

from liangxin.store.migrations.relations import RELATIONS
from liangxin.store.people import PEOPLE
from liangxin.store.schema import METADATA

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "docs" / "assets"
LANGUAGES = ("zh", "en")

GLOSSES = {
    "cli": ("命令行", "command line"),
    "api": ("Python 接口", "Python API"),
    "report": ("一页报告", "the report page"),
    "web": ("网站", "the site"),
    "choice_items": ("由人做选择题", "choice items by people"),
    "redteam": ("由人攻击模型", "attacks by people"),
    "annotation": ("标注项目、裁定、一致性", "projects, adjudication, agreement"),
    "people": ("账号、会话、日志", "accounts, sessions, log"),
    "analysis": ("验证、判定、比较、榜单", "validate, decide, compare, rank"),
    "engine": ("提问、评审、计数", "asks, judges, counts"),
    "scorer": ("训练评分器", "trains scorers"),
    "benchmarks": ("基准的声明与卡片", "declarations and cards"),
    "protocols": ("怎样对话", "how a dialogue is held"),
    "judges": ("规则、评分器、模型、人", "rules, scorers, LLMs, people"),
    "agreement": ("一致性系数", "coefficients"),
    "correction": ("按评审误差修正", "the judge's error"),
    "inference": ("检验与判定", "tests and decisions"),
    "planning": ("需要多少题", "how much is needed"),
    "store": ("运行库", "the run store"),
    "data": ("题与次序", "items and order"),
    "models": ("被测模型", "chat models"),
    "measures": ("公式、分数、区间", "formulas, scores, intervals"),
}
"""What each layer is for, in a few words; the ground's modules are too many for one each."""

GROUPS: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = (
    (("题与运行", "items and runs"), ("datasets", "items", "runs", "run_items", "run_states", "spendings")),
    (("回答与裁决", "replies and verdicts"), ("turns", "judges", "judgements", "leases")),
    (("证据", "evidence"), ("validations", "looks", "samples")),
    (("人", "people"), ("accounts", "invitations", "sessions", "resets", "login_failures", "audit")),
    (("标注", "annotation"), ("projects", "members", "tasks", "slots", "seats", "responses", "marks", "decisions", "uploads")),
    (("攻击与选择题", "attacks and choice items"), ("attacks", "attack_turns", "choice_items")),
)  # fmt: skip
"""The store's tables as a reader looks for them; `liangxin_schema` holds the store's version alone."""

_WIDTH = 980
_MOST_BESIDE = 9
"""Boxes side by side: the ground has more."""

STYLE = (
    "<style>text{font-family:system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;fill:#1c2733}"
    ".name{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:14px;font-weight:600}"
    ".small{font-size:12px;fill:#56616c}.row{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:12px}"
    ".head{font-size:14px;font-weight:600;fill:#1f5a60}.box{fill:#fff;stroke:#c9c5b8}.band{fill:#f1efe7}"
    ".page{fill:#fbfaf6}.key{fill:#a8322a}.ground{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:11px}</style>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture that is being made."""

    width: int
    height: int
    parts: tuple[str, ...]

    def svg(self, title: str) -> str:
        """The picture whole, with a title for those who do not see it."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img">'
            f"<title>{escape(title)}</title>{STYLE}"
            f'<rect class="page" width="{self.width}" height="{self.height}"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def layers() -> list[list[str]]:
    """The layers of pyproject.toml from the top down, each with its packages."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    found = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [re.findall(r"\w+", row) for row in found]


def tables() -> dict[str, Table]:
    """Every table of the store by its name."""
    return {**METADATA.tables, **PEOPLE.tables}


def draw_layers(language: str) -> Drawing:
    """The house: a band for each layer, imports go downwards only."""
    top, parts = 16, []
    for row in layers():
        lines = [row[at : at + _MOST_BESIDE] for at in range(0, len(row), _MOST_BESIDE)]
        height = 62 if any(name in GLOSSES for name in row) else 40
        whole = len(lines) * (height + 6) + 6
        parts.append(f'<rect class="band" x="16" y="{top}" width="{_WIDTH - 32}" height="{whole}" rx="6"/>')
        for number, line in enumerate(lines):
            parts.extend(_boxes(line, top + 6 + number * (height + 6), height, language))
        top += whole + 10
    return Drawing(width=_WIDTH, height=top + 4, parts=tuple(parts))


def _boxes(names: Sequence[str], top: int, height: int, language: str) -> Iterator[str]:
    """The boxes of some packages side by side."""
    step = (_WIDTH - 32 - 12) / len(names)
    for place, name in enumerate(names):
        left = 16 + 12 + place * step
        yield f'<rect class="box" x="{left:.0f}" y="{top}" width="{step - 12:.0f}" height="{height}" rx="5"/>'
        middle = left + (step - 12) / 2
        if name in GLOSSES:
            yield _text(middle, top + 27, name, "name", middle=True)
            yield _text(middle, top + 47, GLOSSES[name][LANGUAGES.index(language)], "small", middle=True)
        else:
            yield _text(middle, top + 25, name, "ground", middle=True)


def draw_tables(language: str) -> Drawing:
    """The store: a column for each group, a box for each table with what identifies a row and what it belongs to."""
    parts: list[str] = []
    bottoms: list[int] = []
    known = tables()
    columns = ((0, 2), (1,), (3, 5), (4,))
    for column, groups in enumerate(columns):
        left, top = 16 + column * 250, 16
        for group in groups:
            (zh, en), names = GROUPS[group]
            parts.append(_text(left, top + 14, zh if language == "zh" else en, "head"))
            top += 24
            for name in names:
                lines = list(_lines(known[name]))
                height = 30 + 17 * len(lines)
                parts.append(f'<rect class="box" x="{left}" y="{top}" width="234" height="{height}" rx="5"/>')
                parts.append(_text(left + 10, top + 20, name, "name"))
                for at, line in enumerate(lines):
                    kind = "row key" if "→" in line else "row"
                    parts.append(_text(left + 10, top + 38 + 17 * at, line, kind))
                top += height + 10
            top += 10
        bottoms.append(top)
    return Drawing(width=16 + 250 * len(columns), height=max(bottoms), parts=tuple(parts))


def _lines(table: Table) -> Iterator[str]:
    """What a row is known by, then each relation to another table."""
    keys = ", ".join(column.name for column in table.primary_key.columns)
    yield from _wrapped(keys, 30)
    for columns, parent in RELATIONS.get(table.name, {}).items():
        yield f"{columns} → {parent}"


def _wrapped(text: str, width: int) -> Sequence[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _text(left: float, top: float, words: str, kind: str, *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text class="{kind}" x="{left:.0f}" y="{top:.0f}"{anchor}>{escape(words)}</text>'


def drawings() -> dict[str, str]:
    """File name in docs/assets/ -> the picture."""
    titles = {"zh": ("各层", "运行库的表"), "en": ("The layers", "The store's tables")}
    made = {}
    for language, (house, store) in titles.items():
        made[f"layers.{language}.svg"] = draw_layers(language).svg(house)
        made[f"tables.{language}.svg"] = draw_tables(language).svg(store)
    return made


if __name__ == "__main__":
    for name, picture in drawings().items():
        (ASSETS / name).write_text(picture, encoding="utf-8")
