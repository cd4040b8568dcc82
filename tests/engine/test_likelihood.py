"""Choices by likelihood through the engine: identity, windows, old stores, failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from liangxin.benchmarks import open_benchmark, sample_path
from liangxin.engine.identity import identity_fields, manifest, run_id
from liangxin.engine.run import run_benchmark
from liangxin.engine.session import Session
from liangxin.engine.stored import chosen_by
from liangxin.errors import UsageError
from liangxin.models.base import Likelihood, NotWeighed
from liangxin.records import Message, Reply, ReplyStatus
from liangxin.specs import Generation, RunSpec
from liangxin.store import Database, Runs, dialogues
from liangxin.store.schema import ITEMS

BENCHMARK = open_benchmark("cvalues-choice")
SAMPLE = str(sample_path(BENCHMARK))
SPEC = RunSpec(benchmark="cvalues-choice", model="hf:made")


class Weigher:
    """Likes long texts and the label 回复2; notes what it is asked."""

    identity = "made"
    whole_texts = True
    window = 50

    def __init__(self, fails: str = "") -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.fails = fails
        self.waiting = 0
        self.most = 0

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        raise AssertionError("asked to write")

    async def loglikelihoods(
        self, messages: Sequence[Message], continuations: Sequence[str]
    ) -> Sequence[Likelihood]:
        self.asked.append((messages[-1].content, tuple(continuations)))
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await asyncio.sleep(0)
        self.waiting -= 1
        if self.fails and self.fails in messages[-1].content:
            raise NotWeighed("too long for it")
        return [
            Likelihood(logprob=float(len(one)) - 1000 + one.endswith("2"), tokens=1) for one in continuations
        ]

    async def aclose(self) -> None:
        pass


class Mute:
    """Writes, and gives no likelihoods."""

    identity = "mute"

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        return Reply(text="回复1")

    async def aclose(self) -> None:
        pass


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Session]:
    def make(model: Weigher | Mute) -> Session:
        return Session(database=Database(str(tmp_path / "store.db")), tell=lambda _: None, model=model)

    return make


def replies(session: Session, run: str) -> dict[str, Reply]:
    record = Runs(session.database).find(run)
    return {
        one.dialogue.item.id: one.dialogue.exchanges[0].reply for one in dialogues(session.database, record)
    }


def test_the_identity_of_a_run_that_generates_is_what_it_was() -> None:
    plain = identity_fields(SPEC, BENCHMARK, "d" * 64, "made")
    assert "choose_by" not in plain
    assert run_id(plain) == "281c6617b630"
    ids = {run_id(plain)}
    for how in ("label", "text", "text-normalised"):
        fields = identity_fields(replace(SPEC, choose_by=how), BENCHMARK, "d" * 64, "made")
        assert fields == {**plain, "choose_by": how}
        assert manifest(replace(SPEC, choose_by=how), fields)["identity"] == fields
        ids.add(run_id(fields))
    assert len(ids) == 4


def test_labels_choose_and_everything_counts_as_before(session: Callable[..., Session]) -> None:
    model = Weigher()
    made = session(model)
    result = run_benchmark(made, replace(SPEC, choose_by="label"), BENCHMARK, SAMPLE)
    scores = {score.measure: score for score in result.judges[0].scores if score.group == "overall"}
    # It always says 回复2: half of the rows are right, and the position decides every pair.
    assert (scores["acc"].value, scores["acc_star"].value) == (50.0, 50.0)
    assert result.judges[0].position_bias is not None
    assert dict(result.replies) == {ReplyStatus.OK: 80}
    assert {options for _, options in model.asked} == {("回复1", "回复2")}
    assert model.most == model.window
    for reply in replies(made, result.run.id).values():
        assert reply.text == "回复2"
        assert json.loads(reply.detail)["logprob"] == [-997.0, -996.0]
    made.database.close()


def test_texts_choose_after_the_question_alone(session: Callable[..., Session]) -> None:
    model = Weigher()
    made = session(model)
    result = run_benchmark(made, replace(SPEC, choose_by="text"), BENCHMARK, SAMPLE)
    items = {item.id: item for item in Runs(made.database).items(result.run.dataset)}
    assert all(item.stem and item.stem in item.turns[0] for item in items.values())
    assert {asked for asked, _ in model.asked} == {item.stem for item in items.values()}
    for identifier, reply in replies(made, result.run.id).items():
        first, second = items[identifier].choices
        if len(first) != len(second):
            assert reply.text == ("回复1" if len(first) > len(second) else "回复2")
    made.database.close()


def test_a_store_from_before_the_stems_gives_the_same(session: Callable[..., Session]) -> None:
    model = Weigher()
    made = session(model)
    spec = replace(SPEC, choose_by="label")
    before = run_benchmark(made, spec, BENCHMARK, SAMPLE)
    with made.database.begin() as connection:
        for row in connection.execute(select(ITEMS.c.id, ITEMS.c.content)).all():
            content = json.loads(row.content)
            del content["stem"]
            text = json.dumps(content, ensure_ascii=False)
            connection.execute(update(ITEMS).where(ITEMS.c.id == row.id).values(content=text))
    model.asked.clear()
    result = run_benchmark(made, replace(SPEC, choose_by="text"), BENCHMARK, SAMPLE)
    assert result.run.dataset == before.run.dataset
    stems = {item.stem for item in Runs(made.database).items(result.run.dataset)}
    assert {asked for asked, _ in model.asked} == stems
    assert "" not in stems
    made.database.close()


def test_what_cannot_be_weighed_has_failed_and_is_asked_again(session: Callable[..., Session]) -> None:
    made = session(Weigher(fails="旧手机"))
    spec = replace(SPEC, choose_by="label")
    first = run_benchmark(made, spec, BENCHMARK, SAMPLE)
    failed = {key for key, reply in replies(made, first.run.id).items() if reply.status is ReplyStatus.FAILED}
    assert failed
    assert first.failure_count == len(failed)
    again = Weigher()
    assert isinstance(made.model, Weigher)
    result = run_benchmark(replace(made, model=again), spec, BENCHMARK, SAMPLE)
    assert (result.failure_count, len(again.asked)) == (0, len(failed))
    made.database.close()


class Untaught(Weigher):
    """A base model: it would write anything."""

    has_chat_template = False

    async def reply(self, messages: Sequence[Message], generation: Generation) -> Reply:
        return Reply(text="回复1")


class Taught(Untaught):
    """As a chat model says of itself."""

    has_chat_template = True


def test_a_base_model_chooses_by_label_where_nothing_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    made = Session(database=Database(str(tmp_path / "store.db")), tell=told.append, model=Untaught())
    result = run_benchmark(made, SPEC, BENCHMARK, SAMPLE)
    named = run_benchmark(made, replace(SPEC, choose_by="label"), BENCHMARK, SAMPLE)
    assert chosen_by(result.run) == "label"
    assert result.run.id == named.run.id
    assert {reply.text for reply in replies(made, result.run.id).values()} == {"回复2"}
    assert sum("--choose-by generation" in sentence for sentence in told) == 1
    flames = open_benchmark("flames")
    open_run = run_benchmark(made, SPEC, flames, str(sample_path(flames))).run
    assert chosen_by(open_run) == "generation"
    made.database.close()


@pytest.mark.parametrize("model", [Taught(), Mute()])
def test_any_other_model_writes_where_nothing_is_said(
    session: Callable[..., Session], model: Weigher | Mute
) -> None:
    made = session(model)
    result = run_benchmark(made, SPEC, BENCHMARK, SAMPLE)
    assert chosen_by(result.run) == "generation"
    assert {reply.text for reply in replies(made, result.run.id).values()} == {"回复1"}
    made.database.close()


def test_a_run_begun_by_generation_goes_on_so(session: Callable[..., Session]) -> None:
    made = session(Untaught())
    begun = run_benchmark(made, replace(SPEC, choose_by="generation", limit=3), BENCHMARK, SAMPLE)
    assert "choose_by" not in begun.run.manifest["identity"]
    on = run_benchmark(made, replace(SPEC, limit=5), BENCHMARK, SAMPLE)
    assert (on.run.id, on.run.units) == (begun.run.id, 5)
    assert {reply.text for reply in replies(made, on.run.id).values()} == {"回复1"}
    other = run_benchmark(made, replace(SPEC, trials=2), BENCHMARK, SAMPLE)
    assert chosen_by(other.run) == "label", "another run is begun as the model can"
    made.database.close()


def test_open_questions_offer_no_choice(session: Callable[..., Session]) -> None:
    made = session(Weigher())
    flames = open_benchmark("flames")
    with pytest.raises(UsageError, match="flames asks open"):
        run_benchmark(made, replace(SPEC, choose_by="label"), flames, str(sample_path(flames)))
    made.database.close()


def test_a_model_without_likelihoods_is_told_who_has_them(session: Callable[..., Session]) -> None:
    made = session(Mute())
    with pytest.raises(UsageError, match=r"gguf\[:PATH\] and hf:PATH"):
        run_benchmark(made, replace(SPEC, choose_by="label"), BENCHMARK, SAMPLE)
    labels_only = Weigher()
    labels_only.whole_texts = False
    with pytest.raises(UsageError, match="only labels"):
        run_benchmark(replace(made, model=labels_only), replace(SPEC, choose_by="text"), BENCHMARK, SAMPLE)
    assert not Runs(made.database).all()
    made.database.close()
