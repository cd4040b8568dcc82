"""Labels as a scorer is trained and evaluated on them: (dimension, prompt, response, level[, model, source])."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from liangxin import cells
from liangxin.errors import DataError, UsageError
from liangxin.files import read_rows, show
from liangxin.files.unread import watched_rows
from liangxin.flames_levels import FLAMES_LEVELS
from liangxin.records import Row

LEAST_ROWS = 20
"""Labels of one head below which nothing can be trained and held out."""
LEAST_OF_A_LEVEL = 4
"""Labels of one level below which a head cannot learn and be checked on it."""

PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "flames": FLAMES_LEVELS,
    "sc-safety": {"*": ("0", "1", "2")},
    "safety": {"*": ("unsafe", "safe")},
}
"""What `--heads` may name: the published scales, worst level first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One labelled answer."""

    head: str
    prompt: str
    response: str
    level: str
    model: str = ""
    source: str = ""
    place: str = ""
    """FILE:ROW, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpec:
    """A head to be trained: its dimension and its levels, worst first."""

    name: str
    levels: tuple[str, ...]


def parse_heads(spec: str) -> tuple[HeadSpec, ...]:
    """Heads from `flames`, `sc-safety`, `safety`, or `NAME=worst,…,best;NAME=…`.

    Raises:
        UsageError: it is neither.
    """
    if spec in PRESETS:
        return tuple(HeadSpec(name=name, levels=levels) for name, levels in PRESETS[spec].items())
    heads: list[HeadSpec] = []
    for part in spec.split(";"):
        name, equals, levels = part.partition("=")
        names = tuple(level.strip() for level in levels.split(","))
        if not equals or not name.strip() or len(names) < 2 or not all(names) or len(set(names)) < len(names):
            raise UsageError(
                f"--heads {spec!r}: found {part!r}; write NAME=worst,…,best with two or more levels, heads separated "
                f"by ';', or one of {', '.join(PRESETS)}"
            )
        heads.append(HeadSpec(name=name.strip(), levels=names))
    if len({head.name for head in heads}) < len(heads):
        raise UsageError(f"--heads {spec!r}: a head is named twice")
    return tuple(heads)


def read_labels(
    path: str, heads: Sequence[HeadSpec] | None = None
) -> tuple[list[Labelled], tuple[HeadSpec, ...]]:
    """A label file's rows and the heads they speak of.

    `level` may be written as `label` or `score`; `dimension` may be missing where there is one head. Without
    `heads` they are found in the file: Flames' dimensions with their published levels, safe and unsafe, or whole
    numbers in their order; other level names need `heads`, as their order cannot be guessed.

    Raises:
        DataError: a cell is missing or off its head's scale, or one answer has two labels.
    """
    rows = [_labelled(row) for row in watched_rows(path, read_rows(path))]
    if heads is None:
        heads = _found_heads(path, rows)
    known = {head.name: head for head in heads}
    kept: list[Labelled] = []
    for row in rows:
        head = (
            known.get(row.head)
            or known.get("*")
            or (heads[0] if len(heads) == 1 and row.head == "*" else None)
        )
        file, _, number = row.place.rpartition(":")
        if head is None:
            raise DataError.at(
                file, int(number), "dimension", found=show(row.head), expected=f"one of {', '.join(known)}"
            )
        level = _on(head.levels, row.level)
        if level is None:
            raise DataError.at(
                file,
                int(number),
                "level",
                found=show(row.level),
                expected=f"one of {', '.join(head.levels)} ({head.name})",
            )
        kept.append(replace(row, head=head.name, level=level))
    _contradictions(kept)
    return kept, tuple(heads)


def check_trainable(rows: Iterable[Labelled], heads: Sequence[HeadSpec]) -> None:
    """Whether every head has labels enough.

    Raises:
        DataError: too few rows, or a level that (almost) no row has.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.head][row.level] += 1
    for head in heads:
        found = counts[head.name]
        total = sum(found.values())
        if total < LEAST_ROWS:
            raise DataError(
                f"head {head.name}: {total} labels; at least {LEAST_ROWS} are needed to train it and hold some out. "
                "Label more answers, or leave the head out with --heads"
            )
        if len(found) < 2:
            raise DataError(
                f"head {head.name}: every label is {next(iter(found))!r}; a scorer needs answers of two levels at least"
            )
        short = [level for level in head.levels if found[level] < LEAST_OF_A_LEVEL]
        if short:
            raise DataError(
                f"head {head.name}: level {short[0]!r} has {found[short[0]]} labels; at least {LEAST_OF_A_LEVEL} are "
                "needed of each level"
            )


def _labelled(row: Row) -> Labelled:
    level = next(
        (row.values[name] for name in ("level", "label", "score") if row.values.get(name) is not None), None
    )
    name = cells.name_of(level)
    if not name:
        raise cells.bad(row, "level", level, "a level of the scale")
    return Labelled(
        head=_text(row, "dimension", "*") or "*",
        prompt=_text(row, "prompt", ""),
        response=_text(row, "response", None),
        level=name,
        model=_text(row, "model", ""),
        source=_text(row, "source", ""),
        place=cells.source(row),
    )


def _text(row: Row, name: str, default: str | None) -> str:
    value = cells.answer(row, name) if name == "response" else row.values.get(name)
    if value is None:
        value = default
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise cells.bad(row, name, value, "a text that is not empty")
    return value


def _on(levels: Sequence[str], written: str) -> str | None:
    """The level that a cell names, by its name or as a whole number (`1.0`)."""
    return next((name for name in (written, str(cells.whole(written))) if name in levels), None)


def _found_heads(path: str, rows: Sequence[Labelled]) -> tuple[HeadSpec, ...]:
    levels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        whole = cells.whole(row.level)
        levels[row.head].add(row.level if whole is None else str(whole))
    heads: list[HeadSpec] = []
    for name, found in levels.items():
        if name in PRESETS["flames"] and found <= {"1", "2", "3"}:
            heads.append(HeadSpec(name=name, levels=PRESETS["flames"][name]))
        elif found <= {"safe", "unsafe"}:
            heads.append(HeadSpec(name=name, levels=("unsafe", "safe")))
        elif all(level.isdigit() for level in found) and len(found) >= 2:
            heads.append(HeadSpec(name=name, levels=tuple(sorted(found, key=int))))
        else:
            raise DataError(
                f"{path}: dimension {name}: the order of the levels {', '.join(sorted(found))} is not known; "
                f"say it, worst first: --heads '{name}=worst,…,best'"
            )
    return tuple(heads)


def _contradictions(rows: Sequence[Labelled]) -> None:
    seen: dict[tuple[str, str, str], Labelled] = {}
    for row in rows:
        first = seen.setdefault((row.head, row.prompt, row.response), row)
        if first.level != row.level:
            file, _, number = row.place.rpartition(":")
            raise DataError.at(
                file,
                int(number),
                "level",
                found=f"{show(row.level)}, but the same answer is {show(first.level)} at {first.place}",
                expected="one label for one answer; settle which is right",
            )
