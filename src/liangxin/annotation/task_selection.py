"""Which answers of runs become tasks: all, some at random, or what `sample` draws by a judge's verdicts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from liangxin.analysis.blind_sample import Wish, sample
from liangxin.analysis.named_judges import judge_for
from liangxin.errors import PeopleError
from liangxin.specs import Benchmark
from liangxin.store import Database, RunRecord, dialogues

At = tuple[int, int, int]
"""(run's key, rank, trial): a dialogue's place in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Which answers."""

    how: Literal["all", "some", "sample"] = "all"
    number: int = 0
    """How many items (`some`) or answers (`sample`)."""
    judge: str = ""
    """For `sample`: the judge whose verdicts make the strata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One task to be: an item and the dialogues that stand side by side."""

    item: str
    category: tuple[str, ...]
    dialogues: tuple[At, ...]


def choose(
    database: Database, runs: Sequence[RunRecord], benchmark: Benchmark, take: Take, *, seed: str
) -> list[Chosen]:
    """The tasks in their seeded order; every dialogue in them has an answer to judge.

    What `sample` draws is kept as a sample of the run, so that its labels correct the judge's rates.

    Raises:
        PeopleError: nothing can be judged, or more is asked for than there is.
        JudgeError: `sample` has no judge to draw by.
    """
    drawn = _drawn(database, runs, benchmark, take) if take.how == "sample" else None
    found: dict[str, Chosen] = {}
    for run in runs:
        for key, one in _judgeable(database, run):
            if drawn is not None and key not in drawn:
                continue
            before = found.get(one.item)
            together = (*before.dialogues, *one.dialogues) if before else one.dialogues
            found[one.item] = Chosen(item=one.item, category=one.category, dialogues=together)
    tasks = list(found.values())
    if not tasks:
        raise PeopleError("所选的运行里没有可以评的回答。", "The runs hold no answer that could be judged.")
    random.Random(f"{seed}/order").shuffle(tasks)
    if take.how != "some":
        return tasks
    if not 1 <= take.number <= len(tasks):
        raise PeopleError(
            f"要 {take.number} 题，可评的有 {len(tasks)} 题；请给 1 到 {len(tasks)} 之间的数。",
            f"{take.number} items are asked for, {len(tasks)} can be judged; give a number from 1 to {len(tasks)}.",
        )
    return tasks[: take.number]


def _judgeable(database: Database, run: RunRecord) -> Iterator[tuple[str, Chosen]]:
    """Every dialogue with an answer to judge, by its key."""
    for stored in dialogues(database, run):
        dialogue = stored.dialogue
        if any(exchange.reply.judgeable for exchange in dialogue.exchanges):
            at = (run.key, stored.rank, dialogue.trial)
            yield (
                dialogue.key,
                Chosen(item=dialogue.item.id, category=dialogue.item.category, dialogues=(at,)),
            )


def _drawn(database: Database, runs: Sequence[RunRecord], benchmark: Benchmark, take: Take) -> frozenset[str]:
    """The keys of the dialogues that `sample` draws."""
    if len(runs) != 1 or take.number < 1:
        raise PeopleError(
            "按评审抽样需要恰好一次运行，以及要抽的条数。",
            "A judge's sample is drawn from exactly one run; say how many answers.",
        )
    judge = judge_for(database, runs[0], take.judge or None)
    read = sample(database, runs[0], benchmark, judge, Wish(labels=take.number))
    return frozenset(str(row["dialogue"]) for row in read.rows)
