"""A chat with an attacked model, and a judge's verdict on one of its answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from liangxin.benchmarks.flames import BENCHMARK as FLAMES
from liangxin.engine import chatting
from liangxin.engine.chatting import (
    Attacked,
    ChatVerdict,
    Referee,
    RefereeSettings,
    conversation,
    judge_kinds,
    model_kinds,
    open_attacked,
)
from liangxin.errors import AccessDenied, UnknownName, UsageError
from liangxin.records import Case, Exchange, Message, Reply, ReplyStatus, Scale, Verdict, VerdictStatus
from liangxin.specs import REFUSAL, Endpoint, Generation
from liangxin.testing.provider import Provider

CATEGORY = ("Legality", "Law violation")


def said(*pairs: tuple[str, Reply]) -> list[Exchange]:
    return [
        Exchange(turn=turn, prompt=prompt, reply=reply) for turn, (prompt, reply) in enumerate(pairs, start=1)
    ]


async def take(attacked: Attacked, exchanges: Sequence[Exchange], prompt: str) -> tuple[list[str], Reply]:
    found = [piece async for piece in attacked.turns(exchanges, prompt)]
    reply = found.pop()
    assert isinstance(reply, Reply)
    return [str(piece) for piece in found], reply


def test_a_turn_that_has_no_answer_is_not_told_to_the_model() -> None:
    blocked = Reply(status=ReplyStatus.FILTERED, text="半句", detail="output: x")
    exchanges = said(("一", Reply(text="甲")), ("二", blocked), ("三", Reply(text="乙", reasoning="想")))
    told = [(message.role, message.content) for message in conversation(exchanges, "四", "守规矩")]
    assert told == [
        ("system", "守规矩"),
        ("user", "一"),
        ("assistant", "甲"),
        ("user", "三"),
        ("assistant", "乙"),
        ("user", "四"),
    ]
    assert conversation([], "一") == (Message(role="user", content="一"),)


def test_several_people_chat_with_one_model_and_see_pieces() -> None:
    async def job() -> None:
        async with Provider() as provider:
            endpoint = Endpoint(base_url=provider.base_url, api_key="sk-test-0123456789abcdefghij")
            attacked = open_attacked("openai:m", endpoint, Generation(temperature=0.5), "守规矩")
            await attacked.ready()
            history = said(("早", Reply(text="早上好")))
            talks = await asyncio.gather(*(take(attacked, history, f"问{k}") for k in range(5)))
            assert all("".join(pieces) == reply.text and len(pieces) > 3 for pieces, reply in talks)
            messages: Any = provider.requests[0].payload["messages"]
            assert [one["role"] for one in messages] == ["system", "user", "assistant", "user"]
            assert provider.requests[0].payload["temperature"] == 0.5
            with pytest.raises(AccessDenied):
                await take(attacked, [], "问[[401]]")
            await attacked.aclose()
            assert "sk-test" not in repr(attacked)

    asyncio.run(job())


def test_a_scripted_model_answers_in_one_piece(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text('{"match": "", "text": "好的"}\n', encoding="utf-8")

    async def job() -> None:
        attacked = open_attacked(f"scripted:{script}", Endpoint())
        assert await take(attacked, [], "问") == (["好的"], Reply(text="好的"))
        await attacked.aclose()

    asyncio.run(job())


def test_what_cannot_be_chatted_with_says_so_at_once(tmp_path: Path) -> None:
    recorded = tmp_path / "answers.jsonl"
    recorded.write_text('{"id": "a", "response": "好"}\n', encoding="utf-8")
    with pytest.raises(UnknownName, match="opnai"):
        open_attacked("opnai:m", Endpoint())
    with pytest.raises(UsageError, match="lacks a name"):
        open_attacked("openai", Endpoint())
    with pytest.raises(UsageError, match="nobody can chat with it"):
        open_attacked(f"replay:{recorded}", Endpoint())
    with pytest.raises(UsageError, match="for a chat name one of rule"):
        Referee(RefereeSettings(benchmark=FLAMES, judge="labels:x.jsonl"))
    with pytest.raises(UnknownName):
        Referee(RefereeSettings(benchmark=FLAMES, judge="ruel"))
    assert {"openai", "gguf"} <= set(model_kinds())
    assert judge_kinds()[0] == "rule"
    assert not {"labels", "people", "choice"} & set(judge_kinds())


def rule(
    settings: RefereeSettings, exchanges: Sequence[Exchange], turn: int, *, times: int = 1
) -> list[ChatVerdict]:
    async def job() -> list[ChatVerdict]:
        referee = Referee(settings)
        try:
            asked = (referee.rule(exchanges, turn, CATEGORY, "attack-1") for _ in range(times))
            return (await asyncio.gather(*asked))[-1]
        finally:
            await referee.aclose()

    return asyncio.run(job())


def test_the_default_judge_reads_refusal() -> None:
    settings = RefereeSettings(benchmark=FLAMES)
    exchanges = said(
        ("一", Reply(text="抱歉，我不能提供这方面的帮助。")), ("二", Reply(text="可以，先打开窗户。"))
    )
    (refused,) = rule(settings, exchanges, 1)
    (complied,) = rule(settings, exchanges, 2)
    assert refused.judge.startswith("rule@")
    assert (refused.scale, refused.subject) == (REFUSAL, "refusal")
    assert (refused.verdict.level, refused.passes) == ("refused", True)
    assert (complied.verdict.level, complied.passes) == ("complied", False)


def test_where_nothing_was_said_nothing_is_ruled() -> None:
    blocked = Reply(status=ReplyStatus.FILTERED, text="半句", detail="output: x")
    assert rule(RefereeSettings(benchmark=FLAMES), said(("一", blocked)), 1) == []


def test_an_llm_judge_is_asked_at_its_own_endpoint_on_the_category_s_scale() -> None:
    async def job() -> None:
        async with Provider() as provider:
            settings = RefereeSettings(
                benchmark=FLAMES,
                judge="llm:openai:judge-1",
                endpoint=Endpoint(base_url=provider.base_url),
                model="openai:m",
            )
            referee = Referee(settings)
            exchanges = said(("一", Reply(text="甲")), ("二", Reply(text="乙")))
            (ruling,) = await referee.rule(exchanges, 2, CATEGORY, "attack-1")
            (failed,) = await referee.rule(said(("问[[judge:400]]", Reply(text="甲"))), 1, CATEGORY, "a")
            await referee.aclose()
            assert ruling.scale == FLAMES.scale_for(CATEGORY)
            assert ruling.verdict.level in {"1", "3"}
            assert ruling.passes is (ruling.verdict.level == "3")
            assert (failed.verdict.status, failed.passes) == (VerdictStatus.FAILED, None)
            sent = json.dumps(provider.requests[0].payload, ensure_ascii=False)
            assert "甲" in sent
            assert "openai:m" not in sent

    asyncio.run(job())


class Blocking:
    """A judge that blocks its thread until it is let go."""

    identity, annotator, batch, connections = "blocking@0", "", 1, 1
    subject = "refusal"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.thread = ""

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        return REFUSAL

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        self.thread = threading.current_thread().name
        self.begun.set()
        assert self.go.wait(10)
        return [Verdict(level="refused")]

    async def aclose(self) -> None:
        return None


def test_a_judge_that_blocks_does_not_stop_the_server_s_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Blocking()
    monkeypatch.setattr(chatting, "open_judges", lambda spec, context: [judge])

    async def job() -> list[ChatVerdict]:
        referee = Referee(RefereeSettings(benchmark=FLAMES))
        asked = asyncio.create_task(referee.rule(said(("一", Reply(text="甲"))), 1, CATEGORY, "a"))
        assert await asyncio.to_thread(judge.begun.wait, 10)
        assert not asked.done()
        judge.go.set()  # only a loop that goes on gets here
        found = await asked
        await referee.aclose()
        return found

    (ruling,) = asyncio.run(job())
    assert (ruling.verdict.level, judge.thread) == ("refused", "liangxin-referee")


def test_a_middle_grade_does_not_pass() -> None:
    verdict = Verdict(level="2")
    ruling = ChatVerdict(judge="x", subject="primary", scale=FLAMES.scale_for(()), verdict=verdict)
    assert ruling.passes is False
