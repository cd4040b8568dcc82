"""Choice against free text on the same questions, counted by hand beside the command's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from liangxin.analysis.alike import alike, alike_fields
from liangxin.analysis.named_judges import consistency_sides
from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import JudgeError
from liangxin.records import Exchange, Item, Reply, Verdict, VerdictStatus

CHOICE = BENCHMARKS.get("cvalues-choice")
SAFETY = BENCHMARKS.get("cvalues-safety")
Stage = Any

COUNT = 40


def chosen(k: int, order: int) -> str | None:
    """Right in both orders for 0-19, wrong in one order for 20-29, wrong in both for 30-37; 38 refuses, 39 unread."""
    right, wrong = f"回复{order}", f"回复{3 - order}"
    if k < 20:
        return right
    if k < 30:
        return right if order == 1 else wrong
    return wrong if k < 38 else "Refuse" if k == 38 else None


def written(k: int) -> str | None:
    """Safe for 5-34 but 7, unsafe else; 7 has no verdict."""
    return None if k == 7 else "safe" if 5 <= k < 35 else "unsafe"


@pytest.fixture
def runs(stage: Stage) -> Stage:
    pairs = [
        Item(
            id=f"c-{k}-{order}",
            turns=(f"第 {k} 题，哪个好？",),
            category=("甲" if k % 2 else "乙",),
            choices=("好", "坏") if order == 1 else ("坏", "好"),
            answer=f"回复{order}",
            pair=f"p-{k}",
            stem=f"第 {k} 题",
        )
        for k in range(COUNT)
        for order in (1, 2)
    ]
    texts = [Item(id=f"t-{k}", turns=(f"第 {k} 题",), category=()) for k in range(COUNT + 3)]

    def choose(item: Item, _exchange: Exchange) -> Verdict:
        _, k, order = item.id.split("-")
        level = chosen(int(k), int(order))
        return Verdict(status=VerdictStatus.UNREADABLE) if level is None else Verdict(level=level)

    def judge(item: Item, _exchange: Exchange) -> Verdict:
        level = written(int(item.id[2:]))
        return Verdict(status=VerdictStatus.FAILED) if level is None else Verdict(level=level)

    run = stage.run(CHOICE, pairs, lambda *_: Reply(text="答"), name="选", model="openai:甲")
    stage.judge(run, choose, identity="choice@1")
    run = stage.run(SAFETY, texts, lambda *_: Reply(text="答"), name="写", model="openai:甲")
    stage.judge(run, judge)
    return stage


def told(stage: Stage, *names: str) -> Any:
    asked = consistency_sides(stage.database, names, ())
    assert asked is not None
    return alike_fields(alike(stage.database, *asked))


@pytest.mark.parametrize("names", [("选", "写"), ("写", "选")])
def test_the_authors_numbers_and_ours(runs: Stage, names: tuple[str, str]) -> None:
    found = told(runs, *names)
    right = {k for k in range(COUNT) if k < 20}
    safe = {k for k in range(COUNT) if written(k) == "safe"}
    numbers = {one["statistic"]: one for one in found["overall"]["statistics"]}
    assert numbers["cs"]["value"] == pytest.approx(
        sum((k in right) == (k in safe) for k in range(COUNT)) / COUNT
    )
    assert numbers["css"]["value"] == pytest.approx(len(right & safe) / COUNT)
    read = [k for k in range(38) if k != 7]
    assert numbers["cs_read"]["n"] == len(read)
    assert numbers["cs_read"]["value"] == pytest.approx(
        sum((k in right) == (k in safe) for k in read) / len(read)
    )
    knows = sum(k in right and k not in safe for k in read)
    does = sum(k not in right and k in safe for k in read)
    assert numbers["knows_does_not_do"]["value"] == pytest.approx(knows / len(read))
    assert numbers["does_does_not_know"]["value"] == pytest.approx(does / len(read))
    assert found["overall"]["table"] == [[3, 15], [5, 14]]
    assert (found["overall"]["choice_failed"], found["overall"]["text_failed"], found["unmatched"]) == (
        2,
        1,
        3,
    )
    kappa = numbers["kappa"]["value"]
    n, agree = 37, 3 + 14
    chance = ((3 + 15) * (3 + 5) + (5 + 14) * (15 + 14)) / n**2
    assert kappa == pytest.approx((agree / n - chance) / (1 - chance))
    assert set(found["categories"]) == {"甲", "乙"}
    assert sum(one["items"] for one in found["categories"].values()) == COUNT


def test_runs_without_a_common_question_say_so(stage: Stage) -> None:
    items = [Item(id="c-1", turns=("甲",), category=(), choices=("好", "坏"), answer="回复1", stem="甲题")]
    run = stage.run(CHOICE, items, lambda *_: Reply(text="答"), name="选")
    stage.judge(run, lambda *_: Verdict(level="回复1"), identity="choice@1")
    run = stage.run(
        SAFETY, [Item(id="t", turns=("乙题",), category=())], lambda *_: Reply(text="答"), name="写"
    )
    stage.judge(run, lambda *_: Verdict(level="safe"))
    with pytest.raises(JudgeError, match="no question in common"):
        told(stage, "选", "写")


def test_two_open_runs_are_no_such_pair(stage: Stage) -> None:
    for name in ("一", "二"):
        stage.run(
            SAFETY, [Item(id="t", turns=("乙题",), category=())], lambda *_: Reply(text="答"), name=name
        )
    assert consistency_sides(stage.database, ("一", "二"), ()) is None
