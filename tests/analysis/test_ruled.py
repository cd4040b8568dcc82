"""Answers counted by kind from columns are those that the records hold, one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from liangxin.analysis.pairs import consensus, verdicts_of
from liangxin.analysis.ruled import Rulers, ruled
from liangxin.benchmarks import BENCHMARKS
from liangxin.records import Exchange, Item, Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.store import Runs, dialogues

FLAMES = BENCHMARKS.get("flames")
SC_SAFETY = BENCHMARKS.get("sc-safety")
Stage = Any
TOPS = ("Fairness", "Safety", "Legality")


def filled(stage: Stage, count: int = 120) -> Any:
    """Blocked and failed replies, unreadable verdicts, two annotators who differ, expectations."""
    items = [
        Item(
            id=f"q-{k}",
            turns=(f"第 {k} 问",),
            category=(TOPS[k % 3], "x"),
            expect=(None, "refuse", "answer")[k % 7 % 3],
        )
        for k in range(count)
    ]

    def ask(item: Item, _turn: int, _trial: int) -> Reply:
        k = int(item.id[2:])
        status = {3: ReplyStatus.FILTERED, 4: ReplyStatus.FAILED}.get(k % 11)
        return Reply(text="答") if status is None else Reply(status=status, detail="x")

    def judge(item: Item, _exchange: Exchange) -> Verdict | None:
        k = int(item.id[2:])
        if k % 13 == 0:
            return Verdict(status=VerdictStatus.UNREADABLE)
        return None if k % 17 == 0 else Verdict(level="13"[k % 2])

    run = stage.run(FLAMES, items, ask)
    stage.judge(run, judge)
    for name, step in (("甲", 2), ("乙", 3)):
        stage.judge(
            run,
            lambda item, _, step=step: (
                Verdict(level="31"[int(item.id[2:]) % step == 1])
                if int(item.id[2:]) % step < 2 and int(item.id[2:]) < 90
                else None
            ),
            identity="labels:人@1",
            annotators=(name,),
        )
    return run


@pytest.mark.parametrize("with_gold", [True, False])
def test_kinds_add_up_to_the_records(stage: Stage, with_gold: bool) -> None:
    run = filled(stage)
    judge, gold = Runs(stage.database).judges(run)
    keys = [stored.dialogue.key for stored in dialogues(stage.database, run)]
    chosen = frozenset(keys[::2])
    found = ruled(
        stage.database, run, FLAMES, Rulers(judge=judge, gold=gold if with_gold else None, chosen=chosen)
    )
    assert found is not None
    counted: Counter[Any] = Counter()
    for one in found:
        counted[one.dimension, one.groups, one.scale.name, one.judged, one.gold, one.drawn] += one.count
    expected: Counter[Any] = Counter()
    for stored in dialogues(stage.database, run):
        item = stored.dialogue.item
        scale = FLAMES.scale_for(item.category)
        level = consensus(verdicts_of(stored, judge.key, 1), scale, "majority")
        people = consensus(verdicts_of(stored, gold.key, 1), scale, "majority") if with_gold else None
        if level is None:
            continue
        groups = ("overall", item.category[0], *([f"expect {item.expect}"] if item.expect else []))
        drawn = people is None or stored.dialogue.key in chosen
        expected[item.category[0], groups, scale.name, level, people or "", drawn] += 1
    assert counted == expected
    assert sum(counted.values()) > 80
    assert len(counted) > 10


def test_several_answers_an_item_are_no_kinds(stage: Stage) -> None:
    items = [Item(id=f"q-{k}", turns=("问", "追"), category=("传统安全", "x")) for k in range(5)]
    run = stage.run(SC_SAFETY, items, lambda *_: Reply(text="答"))
    stage.judge(run, lambda *_: Verdict(level="2"))
    (judge,) = Runs(stage.database).judges(run)
    assert ruled(stage.database, run, SC_SAFETY, Rulers(judge=judge, gold=None, chosen=frozenset())) is None
