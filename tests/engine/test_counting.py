"""The columnar pass against the records: every count, failure, score and bias the same to the last bit."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.analysis.values import unit_names, unit_values
from liangxin.benchmarks import open_benchmark
from liangxin.engine import results
from liangxin.engine.results import plan_of, run_result
from liangxin.judges import judge_traits
from liangxin.measures import position_bias
from liangxin.measures.formulas import formula_of
from liangxin.measures.intervals import Value
from liangxin.measures.tally import Tally
from liangxin.records import Item, Outcome, Reply, ReplyStatus, TurnOutcome, Verdict, VerdictStatus
from liangxin.specs import Benchmark
from liangxin.store import (
    Database,
    JudgeRecord,
    NewRun,
    RunRecord,
    Runs,
    StoredDialogue,
    Writer,
    columns,
    dialogues,
)
from liangxin.store.judgements import AttemptKey

OPEN, ROUNDS, CHOICE = (open_benchmark(name) for name in ("flames", "sc-safety", "cvalues-choice"))
STORED = [status for status in ReplyStatus if status is not ReplyStatus.NOT_ASKED]


@dataclass(frozen=True)
class Stored:
    """A drawn run: what is asked of each place, attempt by attempt."""

    benchmark: Benchmark
    items: Sequence[Item]
    trials: int
    limit: int
    judges: Sequence[str]
    turns: Sequence[tuple[int, int, int, int, Reply]]
    """(rank, trial, turn, attempt, reply)"""
    rulings: Sequence[tuple[int, int, int, int, int, str, Verdict]]
    """(rank, trial, turn, attempt, judge, annotator, verdict)"""


@st.composite
def items_of(draw: st.DrawFn, benchmark: Benchmark) -> list[Item]:
    paths: list[tuple[str, ...]] = [
        (top.name, below.name) for top in benchmark.taxonomy for below in top.below
    ] or [(top.name,) for top in benchmark.taxonomy]
    found = []
    for k in range(draw(st.integers(0, 6))):
        base = Item(
            id=f"i{k}",
            turns=("问",) * draw(st.integers(1, 3) if benchmark is ROUNDS else st.just(1)),
            category=draw(st.sampled_from(paths[:4])),
            tags=draw(st.sampled_from([(), ("easy",)])),
            expect=draw(st.sampled_from([None, "refuse", "answer"])),
        )
        if benchmark is not CHOICE:
            found.append(base)
            continue
        golds = draw(st.sampled_from([("回复1", "回复2"), ("回复2", "回复1"), ("回复1",)]))
        pair = replace(base, choices=("甲", "乙"), pair=f"p{k}")
        found.extend(replace(pair, id=f"i{k}-{gold}", answer=gold) for gold in golds)
    return found


def verdicts(levels: Sequence[str]) -> st.SearchStrategy[Verdict]:
    given_level = st.sampled_from(levels).map(lambda level: Verdict(level=level))
    other = st.sampled_from([status for status in VerdictStatus if status is not VerdictStatus.GIVEN])
    return st.one_of(given_level, given_level, other.map(lambda status: Verdict(status=status, reason="因")))


@st.composite
def stored(draw: st.DrawFn) -> Stored:
    benchmark = draw(st.sampled_from([OPEN, ROUNDS, CHOICE]))
    items = draw(items_of(benchmark))
    trials = draw(st.integers(1, 3))
    judges = [f"judge-{k}" for k in range(draw(st.integers(0, 2)))]
    levels = [level.name for level in benchmark.scales["*"].levels]
    places = [
        (rank, trial, turn)
        for rank, item in enumerate(items)
        for trial in range(1, trials + 1)
        for turn in range(1, len(item.turns) + 1)
    ]
    turns: list[tuple[int, int, int, int, Reply]] = []
    rulings: list[tuple[int, int, int, int, int, str, Verdict]] = []
    for place in places:
        for attempt in range(1, draw(st.integers(0, 3)) + 1):
            status = draw(st.sampled_from([*[ReplyStatus.OK] * 5, *STORED]))
            text = draw(st.sampled_from(["", "答"])) if status is ReplyStatus.TRUNCATED else "答"
            text = text if status in (ReplyStatus.OK, ReplyStatus.TRUNCATED) else ""
            turns.append((*place, attempt, Reply(text=text, status=status, detail="因由"[:attempt])))
    beyond = [(rank, trials + 1, 1) for rank in range(len(items))]
    beyond += [(rank, 1, len(item.turns) + 1) for rank, item in enumerate(items)]
    strays = draw(st.lists(st.sampled_from(beyond), unique=True)) if beyond else []
    for place in [*places, *strays]:
        for judge in range(len(judges)):
            for annotator in draw(st.sampled_from([[], [""], [""], ["甲", "乙"], ["甲", "乙", "丙"]])):
                ruled = draw(st.lists(verdicts(levels), min_size=1, max_size=2))
                rulings.extend((*place, at, judge, annotator, one) for at, one in enumerate(ruled, start=1))
    units = len({item.unit for item in items})
    return Stored(benchmark, items, trials, draw(st.integers(0, units)), judges, turns, rulings)


def write(one: Stored, database: Database) -> tuple[RunRecord, list[JudgeRecord]]:
    runs = Runs(database)
    dataset = runs.add_dataset(one.benchmark.name, "1", "0" * 64, reversed(one.items))
    new = NewRun(
        id="abcdef012345",
        name=None,
        dataset=dataset,
        benchmark=one.benchmark.name,
        model="replay:x",
        trials=one.trials,
        sample=False,
        manifest={},
    )
    ranks = {unit: k for k, unit in enumerate(dict.fromkeys(item.unit for item in one.items))}
    # The last item of the file comes first, so that ranks and positions differ.
    order = [(ranks[item.unit], len(one.items) - 1 - rank) for rank, item in enumerate(one.items)]
    run = runs.update(runs.create(new, order), name=None, units=one.limit)
    judges = [
        runs.add_judge(run, identity, spec, "primary", {}, judge_traits(spec))
        for identity, spec in zip(one.judges, cycle(("labels:x", "rule")), strict=False)
    ]
    with Writer(database) as writer:
        for rank, trial, turn, attempt, reply in one.turns:
            writer.turn(AttemptKey(run.key, rank, trial, turn, attempt), reply)
        for rank, trial, turn, attempt, judge, annotator, verdict in one.rulings:
            writer.judgement(
                AttemptKey(run.key, rank, trial, turn, attempt), judges[judge].key, annotator, verdict
            )
    return run, judges


def outcome_of(one: StoredDialogue, judge: int) -> Outcome:
    """A stored dialogue as one judge's scores see it; every annotator's verdict counts."""
    by_turn: dict[int, list[Verdict]] = {}
    for (key, turn, _annotator), ruling in one.rulings.items():
        if key == judge:
            by_turn.setdefault(turn, []).append(ruling.verdict)
    return Outcome(
        item=one.dialogue.item,
        trial=one.dialogue.trial,
        turns=tuple(
            TurnOutcome(
                turn=exchange.turn,
                status=exchange.reply.status,
                verdicts=tuple(by_turn.get(exchange.turn, ())),
            )
            for exchange in one.dialogue.exchanges
        ),
    )


def values_by_records(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord
) -> list[object]:
    """What each unit adds to each measure's groups, and how many units each group has, unit by unit."""
    told: list[object] = []
    plan = plan_of(run, benchmark, judge)
    for measure in plan.measures:
        if not formula_of(measure).decided:
            continue
        groups: dict[str, dict[str, Value]] = {}
        planned: Counter[str] = Counter()
        tally = Tally(plan, measure)
        outcomes = (outcome_of(one, judge.key) for one in dialogues(database, run))
        for unit, found in groupby(outcomes, key=lambda outcome: outcome.item.unit):
            unit_outcomes = list(found)
            planned.update(tally.groups_of(unit_outcomes))
            for group, value in tally.values(unit_outcomes).items():
                groups.setdefault(group, {})[unit] = value
        told.append((measure.name, list(groups.items()), planned))
    return told


def values_by_columns(
    database: Database, run: RunRecord, benchmark: Benchmark, judge: JudgeRecord
) -> list[object]:
    names = unit_names(database, run)
    return [
        (
            values.measure.name,
            [
                (
                    group,
                    {
                        names[unit]: (total, size)
                        for unit, total, size in zip(units.units, units.totals, units.sizes, strict=True)
                    },
                )
                for group, units in values.groups.items()
            ],
            values.planned,
        )
        for values in unit_values(database, run, benchmark, judge)
    ]


def by_records(
    database: Database, run: RunRecord, benchmark: Benchmark, judges: Sequence[JudgeRecord]
) -> dict[str, object]:
    """What the pass should come to, dialogue by dialogue."""
    replies: Counter[str] = Counter()
    verdicts: dict[int, Counter[str]] = {judge.key: Counter() for judge in judges}
    failures: list[str] = []
    scorers = {judge.key: results._scorers(run, benchmark, judge, judges) for judge in judges}
    for one in dialogues(database, run):
        for exchange in one.dialogue.exchanges:
            reply, where = exchange.reply, f"{one.dialogue.item.id} turn {exchange.turn}: "
            replies[str(reply.status)] += 1
            if reply.status is ReplyStatus.FAILED:
                failures.append(where + (reply.detail or "no answer"))
            for judge in judges if reply.judgeable else ():
                ruled = [
                    ruling.verdict
                    for (key, turn, _), ruling in one.rulings.items()
                    if (key, turn) == (judge.key, exchange.turn)
                ]
                if not ruled:
                    absent = "unlabelled" if judge.spec.startswith("labels:") else "not judged"
                    verdicts[judge.key][absent] += 1
                    continue
                best = next((one for one in ruled if one.status is VerdictStatus.GIVEN), ruled[0])
                verdicts[judge.key][str(best.status)] += 1
                if best.status is VerdictStatus.FAILED:
                    failures.append(where + f"judge: {best.reason or 'no verdict'}")
        for judge in judges:
            for scorer in scorers[judge.key]:
                scorer.add(outcome_of(one, judge.key))
    return {
        "replies": replies,
        "verdicts": list(verdicts.values()),
        "failures": tuple(failures[:20]),
        "failure_count": len(failures),
        "scores": [tuple(s for scorer in mine for s in scorer.scores()) for mine in scorers.values()],
        "bias": [
            position_bias(outcome_of(one, judge.key) for one in dialogues(database, run))
            if benchmark.kind == "choice"
            else None
            for judge in judges
        ],
    }


def check(one: Stored, folder: Path) -> None:
    database = Database(str(folder / "store.db"))
    try:
        run, judges = write(one, database)
        found = run_result(database, run, one.benchmark, judges)
        expected = by_records(database, run, one.benchmark, judges)
        for judge in judges:
            by_unit = values_by_columns(database, run, one.benchmark, judge)
            assert by_unit == values_by_records(database, run, one.benchmark, judge)
    finally:
        database.close()
    assert {
        "replies": found.replies,
        "verdicts": [judge.verdicts for judge in found.judges],
        "failures": found.failures,
        "failure_count": found.failure_count,
        "scores": [judge.scores for judge in found.judges],
        "bias": [judge.position_bias for judge in found.judges],
    } == expected


@settings(deadline=None, max_examples=60)
@given(one=stored(), cells=st.sampled_from([1, 7, 100_000]))
def test_columns_and_records_agree(one: Stored, cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(columns, "_CELLS", cells)
        patch.setattr(columns, "_FETCH", 3)
        check(one, Path(folder))


@settings(deadline=None, max_examples=15)
@given(one=stored())
def test_where_the_database_cannot_cut_items_down(one: Stored) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(columns, "_JSON", (99,))
        patch.setattr(columns, "_SPARSE", 0)
        check(one, Path(folder))
