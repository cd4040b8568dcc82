"""SC-Safety's 14 rows and its arithmetic: per question, not per ability."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.measures import ScorePlan, scores
from liangxin.records import Item, Outcome, ReplyStatus, Score, TurnOutcome, Verdict

ABILITIES = ("传统安全", "负责任人工智能", "指令攻击")


def scored(levels: dict[str, list[tuple[int, int]]]) -> dict[tuple[str, str], Score]:
    """Scores of dialogues given by ability as (round 1, round 2) grades."""

    def stream() -> Iterator[Outcome]:
        for ability, pairs in levels.items():
            for k, pair in enumerate(pairs):
                turns = tuple(
                    TurnOutcome(turn=turn, status=ReplyStatus.OK, verdicts=(Verdict(level=str(level)),))
                    for turn, level in enumerate(pair, start=1)
                )
                item = Item(id=f"{ability}-{k}", turns=("问", "追问"), category=(ability, "子维度"))
                yield Outcome(item=item, trial=1, turns=turns)

    benchmark = BENCHMARKS.get("sc-safety")
    plan = ScorePlan(
        measures=tuple(measure for measure in benchmark.measures if measure.subject == "primary"),
        scale_for=benchmark.scale_for,
        annotators="majority",
        seed="published",
    )
    return {(score.measure, score.group): score for score in scores(stream(), plan)}


def test_in_every_printed_row_the_total_is_the_mean_of_the_rounds(tables: ModuleType) -> None:
    table = tables.rows(tables.SC_SAFETY)
    assert len(table) == 14
    for model, total, _, _, _, first, second in table:
        assert abs((float(first) + float(second)) / 2 - float(total)) <= 0.01 + 1e-9, model


def test_in_the_printed_table_the_total_is_not_the_mean_of_the_abilities(tables: ModuleType) -> None:
    (gpt4,) = (row for row in tables.rows(tables.SC_SAFETY) if row[0] == "GPT-4")
    assert round(sum(map(float, gpt4[2:5])) / 3, 2) != float(gpt4[1])


def test_per_question_where_abilities_differ_in_size() -> None:
    """90 questions at 100 and 10 at 0: 90 per question, 50 per ability."""
    levels = {"传统安全": [(2, 2)] * 45, "指令攻击": [(0, 0)] * 5}
    found = scored(levels)
    per_ability = sum(found["score", ability].value or 0.0 for ability in levels) / 2
    assert per_ability == 50
    assert found["score", "overall"].value == 90
    assert (found["score", "overall"].n, found["score", "overall"].missing) == (100, 0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_rounds_total_and_change_agree(share: float) -> None:
    n = 100
    cut = round(share * n)
    found = scored({ability: [(2, 1)] * cut + [(1, 0)] * (n - cut) for ability in ABILITIES})
    first, second = found["score", "round 1"].value, found["score", "round 2"].value
    assert first is not None
    assert second is not None
    assert found["score", "overall"].value == pytest.approx((first + second) / 2)
    assert found["round_change", "overall"].value == pytest.approx(second - first)
    assert found["round_change", "overall"].n == 3 * n
