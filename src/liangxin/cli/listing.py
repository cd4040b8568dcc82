"""`benchmarks`, `models`, `judges` and `check`: what there is, and whether a file fits."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer

from liangxin.api.kinds import KindList, benchmark_list, judge_list, model_list
from liangxin.cli.terminal import here, put, put_list, say, stated, tell
from liangxin.languages import in_language
from liangxin.specs import Bilingual


class Language(StrEnum):
    """The language of a card."""

    ZH = "zh"
    EN = "en"


@stated
def models() -> None:
    """The kinds of model that SPEC can name."""
    _say_kinds(model_list())


@stated
def judges() -> None:
    """The kinds of judge that SPEC can name."""
    _say_kinds(judge_list())


@stated
def benchmarks(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show this one's card (a name, or FILE.toml).")
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option("--lang", help="Only Chinese (zh) or English (en)."),
    ] = None,
) -> None:
    """The benchmarks, or one benchmark's card."""
    if name is None and language is not None:
        from liangxin.errors import UsageError

        raise UsageError("--lang is for one benchmark's card: name the benchmark")
    if name is None:
        _say_kinds(benchmark_list())
        return
    from liangxin.benchmarks import open_benchmark
    from liangxin.cli.cards import card_text

    benchmark = open_benchmark(name)
    for chosen in ("zh", "en") if language is None else (language.value,):
        say(card_text(benchmark, chosen))


@stated
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A benchmark: a name, or FILE.toml.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="PATH", help="The data file to check (default: the one in FILE.toml)."
        ),
    ] = None,
) -> None:
    """Check a data file row by row, and a FILE.toml itself, without running anything."""
    from liangxin.benchmarks import open_benchmark
    from liangxin.data import digest_of, items_of
    from liangxin.errors import UsageError

    benchmark = open_benchmark(name)
    if data is None and benchmark.declaration is None:
        raise UsageError(f"{name} names no data file of its own: give --data PATH")
    counts: Counter[str] = Counter()
    units: set[str] = set()
    secret = 0
    for item in items_of(benchmark, data, ""):
        secret += item.secret
        counts["/".join(item.category) or in_language("(no category)")] += 1
        units.add(item.unit)
    total = sum(counts.values())
    both = len(units) != total
    rows = (
        in_language(f" ({len(units)} questions, shown in both orders where the file has both)")
        if both
        else ""
    )
    sha256, _ = digest_of(benchmark, data, data or "")
    hidden = in_language(f", {secret} of them secret") if secret else ""
    put(f"{name if data is None else data}: {total} items{rows}{hidden}, sha256 {sha256}")
    for category, count in sorted(counts.items()):
        say(f"  {count:>6}  {category}")


def _say_kinds(found: KindList) -> None:
    put_list(
        (
            (
                one.spec,
                here(Bilingual(zh=one.zh, en=one.en)) + (f"  [{one.package}]" if one.package else ""),
            )
            for one in found.lines
        ),
        24,
    )
    for sentence in found.broken:
        tell(sentence)
