"""Asking: what is sent, what ends a dialogue, what is asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liangxin.engine.pool import Stop
from liangxin.engine.prepare import identify, prepare
from liangxin.errors import AccessDenied, DataError, StoreError
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Endpoint, Generation, RunSpec
from liangxin.store import Database, RunRecord, Runs, dialogues
from liangxin.store.life.states import rename_run

SPEC = RunSpec(benchmark="bench", model="fake:m", endpoint=Endpoint(connections=3))
Fake = Callable[..., Any]


def good(messages: Sequence[Message]) -> Reply:
    return Reply(text=f"答：{messages[-1].content}")


def statuses(database: Database, run: RunRecord) -> dict[str, list[str]]:
    return {
        f"{one.dialogue.item.id}/{one.dialogue.trial}": [str(e.reply.status) for e in one.dialogue.exchanges]
        for one in dialogues(database, run)
    }


def test_the_models_own_answers_are_in_the_history(bench: Any, fake: Fake) -> None:
    model = fake(good)
    bench.collect(model, replace(SPEC, system="你是助手", limit=1))
    first, second = model.asked
    assert [(m.role, m.content[0]) for m in first] == [("system", "你"), ("user", "问")]
    assert [m.role for m in second] == ["system", "user", "assistant", "user"]
    assert second[2].content == f"答：{second[1].content}"


@pytest.mark.parametrize(
    ("reply", "second"),
    [
        (Reply(status=ReplyStatus.FILTERED), "not_asked"),
        (Reply(status=ReplyStatus.EMPTY), "not_asked"),
        (Reply(status=ReplyStatus.FAILED), "not_asked"),
        (Reply(status=ReplyStatus.TRUNCATED, reasoning="想"), "not_asked"),
        (Reply(status=ReplyStatus.TRUNCATED, text="半句"), "ok"),
    ],
)
def test_what_ends_a_dialogue(bench: Any, fake: Fake, reply: Reply, second: str) -> None:
    model = fake(lambda messages: reply if len(messages) == 1 else good(messages))
    run = bench.collect(model, SPEC)
    assert set(map(tuple, statuses(bench.database, run).values())) == {(str(reply.status), second)}


def test_only_what_failed_is_asked_again(bench: Any, fake: Fake) -> None:
    broken = {"问1", "追2"}

    def flaky(messages: Sequence[Message]) -> Reply:
        asked = messages[-1].content
        return Reply(status=ReplyStatus.FAILED, detail="HTTP 500") if asked in broken else good(messages)

    run = bench.collect(fake(flaky), SPEC)
    found = statuses(bench.database, run)
    assert found["i1/1"] == ["failed", "not_asked"]
    assert found["i2/1"] == ["ok", "failed"]
    again = fake(good)
    assert bench.collect(again, SPEC) == run
    assert sorted(conversation[-1].content for conversation in again.asked) == ["追1", "追2", "问1"]
    assert set(map(tuple, statuses(bench.database, run).values())) == {("ok", "ok")}
    third = fake(good)
    bench.collect(third, SPEC)
    assert third.asked == []


def test_a_larger_limit_extends_the_run_and_a_smaller_one_leaves_it(bench: Any, fake: Fake) -> None:
    first = fake(good)
    small = bench.collect(first, replace(SPEC, limit=2))
    second = fake(good)
    large = bench.collect(second, SPEC)
    assert (small.id, small.units, large.units) == (large.id, 2, 4)
    assert len(first.asked) == len(second.asked) == 4
    assert bench.collect(fake(good), replace(SPEC, limit=1)).units == 4


def test_trials_are_asked_each_with_a_seed_of_its_own(bench: Any, fake: Fake) -> None:
    model = fake(good)
    spec = replace(SPEC, trials=3, seed=7, limit=1, generation=Generation(seed=7))
    run = bench.collect(model, spec)
    assert Counter(model.seeds) == {7: 2, 8: 2, 9: 2}
    assert len(statuses(bench.database, run)) == 3


def test_other_settings_are_another_run(bench: Any, fake: Fake) -> None:
    others: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"identity": "other"}, {}),
        ({}, {"system": "x"}),
        ({}, {"seed": 1}),
        ({}, {"trials": 2}),
        ({}, {"generation": Generation(temperature=0.5)}),
        ({}, {"generation": Generation(max_tokens=5)}),
    ]
    ids = {bench.run(fake(good, **who), replace(SPEC, **change)).id for who, change in others}
    assert len(ids) == len(others)
    changes: list[dict[str, Any]] = [{}, {"limit": 2}, {"judges": ("rule",)}, {"name": "n"}]
    changes.append({"endpoint": Endpoint(connections=9)})
    assert len({bench.run(fake(good), replace(SPEC, **change)).id for change in changes}) == 1


def test_a_refused_key_stops_the_run_and_keeps_what_was_answered(bench: Any, fake: Fake) -> None:
    def refuse_later(messages: Sequence[Message]) -> Reply:
        if len(model.asked) > 4:
            raise AccessDenied("401")
        return good(messages)

    model = fake(refuse_later)
    with pytest.raises(AccessDenied):
        bench.collect(model, replace(SPEC, endpoint=Endpoint(connections=1)))
    kept = statuses(bench.database, bench.run(model, SPEC))
    assert sum(status == "ok" for both in kept.values() for status in both) == 4


def test_a_defect_in_an_adapter_is_a_failure_of_one_reply(bench: Any, fake: Fake) -> None:
    def broken(messages: Sequence[Message]) -> Reply:
        if messages[-1].content == "问1":
            raise KeyError("sk-secret")
        return good(messages)

    run = bench.collect(fake(broken), SPEC)
    assert statuses(bench.database, run)["i1/1"] == ["failed", "not_asked"]
    details = [e.reply.detail for one in dialogues(bench.database, run) for e in one.dialogue.exchanges]
    assert "adapter error: KeyError" in details
    assert not any("secret" in detail for detail in details)


def test_a_stop_takes_up_nothing_new(bench: Any, fake: Fake) -> None:
    stop = Stop()

    def answer(messages: Sequence[Message]) -> Reply:
        stop.interrupt()
        return good(messages)

    model = fake(answer)
    run = bench.collect(model, replace(SPEC, endpoint=Endpoint(connections=1)), stop)
    assert len(model.asked) == 1
    assert Counter(s for both in statuses(bench.database, run).values() for s in both) == {
        "ok": 1,
        "not_asked": 7,
    }


def test_names(bench: Any, fake: Fake) -> None:
    first = bench.run(fake(good), replace(SPEC, name="mine"))
    assert bench.run(fake(good), SPEC).name == "mine"
    with pytest.raises(StoreError, match=r"in the store as 'mine' .* `liangxin runs rename mine other`"):
        bench.run(fake(good), replace(SPEC, name="other"))
    assert rename_run(bench.database, first, "other").name == "other"
    assert bench.run(fake(good), replace(SPEC, name="other")).id == first.id
    with pytest.raises(StoreError, match="belongs to run"):
        bench.run(fake(good), replace(SPEC, name="other", seed=3))
    # A recorded file that changed is a new run of the same name, and the first keeps its answers.
    moved = bench.run(fake(good, identity="fake, changed"), replace(SPEC, name="other"))
    assert (moved.name, moved.id != first.id) == ("other", True)


def test_equal_rows_are_an_error_that_names_both(bench: Any, fake: Fake, tmp_path: Path) -> None:
    data = tmp_path / "twice.jsonl"
    data.write_text('{"id": "a", "question": "x"}\n\n{"id": "a", "question": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"twice.jsonl:3: id: found the same item as row 1"):
        bench.run(fake(good), replace(SPEC, data=str(data)))


def test_a_prompt_template_is_in_the_manifest(bench: Any, fake: Fake) -> None:
    run, _ = prepare(
        Runs(bench.database),
        SPEC,
        bench.benchmark,
        str(bench.data),
        identify(SPEC, bench.benchmark, str(bench.data), "fake"),
        "用户：{}\n助手：",
    )
    assert run.manifest["template"] == "用户：{}\n助手："
    assert "template" not in bench.run(fake(good), replace(SPEC, seed=9)).manifest
