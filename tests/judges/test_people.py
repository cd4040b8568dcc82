"""`people:PROJECT` stands for what people said on the site; it asks nobody."""

from __future__ import annotations

import asyncio

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.errors import JudgeError
from liangxin.judges import JudgeContext, open_judges
from liangxin.records import Case
from liangxin.store import JudgeRecord

ENTERED = JudgeRecord(
    key=1, identity="people:甲@0123", spec="people:甲", subject="primary", manifest={"a": 1}
)


def test_it_is_the_judge_that_the_site_entered() -> None:
    flames = BENCHMARKS.get("flames")
    (judge,) = open_judges("people:甲", JudgeContext(benchmark=flames, entered=(ENTERED,)))
    assert (judge.identity, judge.subject, judge.manifest()) == ("people:甲@0123", "primary", {"a": 1})
    scale = judge.scale_for(("Legality",))
    case = Case(
        item_id="i", category=("Legality",), dialogue="d", trial=1, turn=1, history=(), prompt="问", answer="答", scale=scale
    )  # fmt: skip
    assert asyncio.run(judge.rule([case])) == [None]
    assert len(scale.levels) == 2


@pytest.mark.parametrize(
    ("spec", "said"), [("people:乙", "no project '乙'"), ("people", "lacks its project")]
)
def test_an_unknown_project_is_said(spec: str, said: str) -> None:
    context = JudgeContext(benchmark=BENCHMARKS.get("flames"), entered=(ENTERED,))
    with pytest.raises(JudgeError, match=said):
        open_judges(spec, context)
