from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest

from liangxin.benchmarks import BENCHMARKS
from liangxin.records import Dialogue, Exchange, Item, Reply, ReplyStatus, Verdict
from liangxin.report.picking import ANSWER_LIMIT, RANDOM_SHOWN, WORST_SHOWN, Picked, pick
from liangxin.store import JudgeRecord, RunRecord, StoredDialogue, StoredVerdict

FLAMES = BENCHMARKS.get("flames")
CHOICE = BENCHMARKS.get("cvalues-choice")
PRIMARY = JudgeRecord(key=1, identity="llm:x@1", spec="llm:x", subject="primary", manifest={})
REFUSAL = JudgeRecord(key=2, identity="rule@2", spec="rule", subject="refusal", manifest={})
RUN = RunRecord(
    key=1, id="0123456789ab", name=None, dataset=1, benchmark="flames", version="1.0", data_sha256="0" * 64,
    model="m", trials=1, units=1, sample=False, created=0.0, manifest={},
)  # fmt: skip

ANSWERED = Reply(text="答")


def stored(
    number: int,
    levels: Mapping[int, str | tuple[str, ...]],
    *,
    item: Item | None = None,
    reply: Reply = ANSWERED,
) -> StoredDialogue:
    """A dialogue of one turn with levels by judge's key (several: an annotator each)."""
    about = item or Item(id=f"i{number}", turns=("问",), category=("Safety", "Mental harm"))
    exchange = Exchange(turn=1, prompt="问", reply=reply)
    dialogue = Dialogue(key=f"{number:016x}", item=about, model="m", trial=1, exchanges=(exchange,))
    rulings = {
        (judge, 1, str(place)): StoredVerdict(verdict=Verdict(level=level, reason="因"), attempt=1)
        for judge, found in levels.items()
        for place, level in enumerate((found,) if isinstance(found, str) else found)
    }
    return StoredDialogue(rank=number, dialogue=dialogue, rulings=rulings)


def keys(shown: Picked) -> list[int]:
    return [int(one.key, 16) for one in shown.worst]


def test_the_worst_stand_first_and_the_best_are_not_among_them() -> None:
    levels = ["3", "2", "1", "3", "1", "2"]
    found = pick((stored(k, {1: level}) for k, level in enumerate(levels)), RUN, FLAMES, [PRIMARY])
    assert sorted(keys(found)[:2]) == [2, 4]
    assert sorted(keys(found)[2:]) == [1, 5]
    assert found.by == PRIMARY
    assert [one.turns[0].rulings[0].tone for one in found.worst] == ["bad", "bad", "middle", "middle"]


def test_the_first_judge_with_levels_decides_one_on_the_benchmarks_scale_before_others() -> None:
    both = [stored(0, {1: "3", 2: "complied"}), stored(1, {1: "1", 2: "refused"})]
    assert keys(pick(both, RUN, FLAMES, [REFUSAL, PRIMARY])) == [1]
    only_refusal = [stored(0, {2: "complied"}), stored(1, {2: "refused"})]
    found = pick(only_refusal, RUN, FLAMES, [PRIMARY, REFUSAL])
    assert (found.by, keys(found)) == (REFUSAL, [0])
    unjudged = pick([stored(0, {})], RUN, FLAMES, [PRIMARY])
    assert (unjudged.by, unjudged.worst, len(unjudged.random)) == (None, (), 1)


def test_a_refusal_that_was_not_due_is_the_worst() -> None:
    item = Item(id="a", turns=("问",), category=("Safety",), expect="answer")
    due = replace(item, id="b", expect="refuse")
    found = pick(
        [
            stored(0, {2: "refused"}, item=item),
            stored(1, {2: "complied"}, item=item),
            stored(2, {2: "complied"}, item=due),
            stored(3, {2: "refused"}, item=due),
        ],
        RUN,
        FLAMES,
        [REFUSAL],
    )
    assert sorted(keys(found)) == [0, 2]
    assert {one.turns[0].rulings[0].tone for one in found.worst} == {"bad"}


def test_a_choice_is_worst_where_it_is_wrong() -> None:
    item = Item(id="a", turns=("问",), category=("law",), answer="回复1", choices=("甲", "乙"))
    levels = ["回复1", "回复2", "Other", "Refuse"]
    found = pick((stored(k, {1: v}, item=item) for k, v in enumerate(levels)), RUN, CHOICE, [PRIMARY])
    assert keys(found)[0] == 1
    assert sorted(keys(found)) == [1, 2, 3]
    assert found.worst[0].gold == "回复1"


def test_several_annotators_count_by_their_mean() -> None:
    found = pick(
        [stored(0, {1: ("1", "3", "3")}), stored(1, {1: ("1", "1", "3")}), stored(2, {1: ("3", "3", "3")})],
        RUN,
        FLAMES,
        [PRIMARY],
    )
    assert keys(found) == [1, 0]
    assert [ruling.annotator for ruling in found.worst[0].turns[0].rulings] == ["0", "1", "2"]


def test_a_level_that_is_on_no_scale_is_shown_and_orders_nothing() -> None:
    found = pick([stored(0, {1: "9<b>"})], RUN, FLAMES, [PRIMARY])
    assert found.by is None
    ruling = found.random[0].turns[0].rulings[0]
    assert (ruling.level, ruling.name, ruling.tone) == (None, "9<b>", "plain")


def test_ties_and_the_random_ones_are_drawn_by_the_runs_identity() -> None:
    def drawn(run: RunRecord, order: Iterable[int]) -> Picked:
        return pick((stored(k, {1: "1"}) for k in order), run, FLAMES, [PRIMARY])

    found = drawn(RUN, range(200))
    assert (len(found.worst), len(found.random), found.dialogues) == (WORST_SHOWN, RANDOM_SHOWN, 200)
    again = drawn(RUN, reversed(range(200)))
    assert (again.worst, again.random) == (found.worst, found.random)
    other = drawn(replace(RUN, id="ba9876543210"), range(200))
    assert keys(other) != keys(found)
    assert keys(found) != list(range(WORST_SHOWN))
    assert {one.key for one in found.random} != {one.key for one in found.worst[:RANDOM_SHOWN]}


@pytest.mark.parametrize("first", ["1", "2"])
def test_only_the_worst_stay_whatever_comes_first(first: str) -> None:
    levels = {k: first if k < 50 else {"1": "2", "2": "1"}[first] for k in range(100)}
    found = pick((stored(k, {1: level}) for k, level in levels.items()), RUN, FLAMES, [PRIMARY])
    assert len(found.worst) == WORST_SHOWN
    assert {levels[key] for key in keys(found)} == {"1"}


def test_what_was_not_asked_is_not_shown() -> None:
    silent = stored(0, {}, reply=Reply(status=ReplyStatus.NOT_ASKED))
    found = pick([silent], RUN, FLAMES, [PRIMARY])
    assert (found.dialogues, found.random) == (1, ())


def test_groups_and_blocked_sides_are_counted() -> None:
    item = Item(id="a", turns=("问",), category=("甲", "乙"), tags=("easy",))
    details = ["input: code 1301", "output: content_filter", "output: x", "?"]
    found = pick(
        (
            stored(k, {}, item=item, reply=Reply(status=ReplyStatus.FILTERED, detail=detail))
            for k, detail in enumerate(details)
        ),
        RUN,
        FLAMES,
        [PRIMARY],
    )
    assert found.categories == {"甲", "甲/乙"}
    assert found.tags == {"easy"}
    assert found.blocked == {"input": 1, "output": 2, "unknown": 1}


@pytest.mark.parametrize("level", ["1", "3"])
def test_long_answers_are_cut_and_never_held_together(level: str) -> None:
    size = 200_000

    def long() -> Iterator[StoredDialogue]:
        for number in range(400):
            yield stored(number, {1: level}, reply=Reply(text=f"{number:06}" + "长" * size))

    tracemalloc.start()
    found = pick(long(), RUN, FLAMES, [PRIMARY])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * size, "a few answers at most (two bytes a character), not the run"
    assert {one.turns[0].answer.cut for one in found.random} == {size + 6 - ANSWER_LIMIT}
