"""A model of one's own: what it is given, what it may give back, and what happens when it breaks."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import liangxin
from liangxin import FunctionModel, Reply, ReplyStatus


def test_it_is_given_the_conversation() -> None:
    seen: list[list[dict[str, str]]] = []

    def answer(messages: list[dict[str, str]]) -> str:
        seen.append(messages)
        return f"答{len(seen)}"

    liangxin.run("sc-safety", model=FunctionModel("m", answer), limit=1, system="请用中文", judge="none")
    first, second = seen
    assert first[0] == {"role": "system", "content": "请用中文"}
    assert [one["role"] for one in second] == ["system", "user", "assistant", "user"]
    assert second[1:3] == [first[1], {"role": "assistant", "content": "答1"}]


def test_a_plain_function_is_called_one_at_a_time_and_an_async_one_is_not() -> None:
    busy = threading.Lock()

    def alone(_messages: list[dict[str, str]]) -> str:
        assert busy.acquire(blocking=False)
        try:
            return "好"
        finally:
            busy.release()

    result = liangxin.run(
        "flames", model=FunctionModel("alone", alone), limit=12, connections=8, judge="none"
    )
    assert result.replies == {"ok": 12}
    waiting, arrived = asyncio.Semaphore(0), 0

    async def together(_messages: list[dict[str, str]]) -> str:
        nonlocal arrived
        arrived += 1
        if arrived == 4:
            for _ in range(4):
                waiting.release()
        await waiting.acquire()
        return "好"

    model = FunctionModel("together", together)
    result = liangxin.run("flames", model=model, limit=4, connections=4, judge="none")
    assert result.replies == {"ok": 4}


def test_one_model_can_be_used_in_several_runs() -> None:
    model = FunctionModel("m", lambda _messages: "抱歉，我不能。")
    results = liangxin.run(["flames", "cvalues"], model=model, limit=3, connections=4)
    assert [one.failure_count for one in results] == [0, 0, 0, 0]
    assert liangxin.run("flames", model=model, limit=6, connections=4).replies == {"ok": 6}


def test_the_name_is_the_identity() -> None:
    calls = []

    def answer(_messages: list[dict[str, str]]) -> str:
        calls.append(1)
        return "好"

    first = liangxin.run("flames", model=FunctionModel("a", answer), limit=3, judge="none")
    again = liangxin.run("flames", model=FunctionModel("a", answer), limit=3, judge="none")
    other = liangxin.run("flames", model=FunctionModel("b", answer), limit=3, judge="none")
    assert (first.run == again.run, first.run == other.run, len(calls)) == (True, False, 6)
    assert (first.model, repr(FunctionModel("a", answer))) == ("function:a", "FunctionModel('a')")


@pytest.mark.parametrize(
    ("given", "status", "text", "detail"),
    [
        ("", "empty", "", ""),
        ("<think>想</think>答", "ok", "答", ""),
        ("a\x00\ud800", "ok", "a\ufffd\ufffd", ""),
        (Reply(text="半", status=ReplyStatus.TRUNCATED), "truncated", "半", ""),
        (Reply(status=ReplyStatus.FILTERED, detail="gate"), "filtered", "", "input: gate"),
        (Reply(text="\ud800", detail="\x00"), "ok", "\ufffd", "\ufffd"),
        (Reply(), "empty", "", ""),
    ],
)
def test_what_may_be_given_back(given: str | Reply, status: str, text: str, detail: str) -> None:
    result = liangxin.run("flames", model=FunctionModel("m", lambda _messages: given), limit=1, judge="none")
    (row,) = result.turns.select("reply_status", "response", "detail").rows()
    assert row == (status, text, detail)


def test_an_exception_is_a_failed_reply_that_is_asked_again() -> None:
    broken = True

    def answer(_messages: list[dict[str, str]]) -> str:
        if broken:
            raise RuntimeError("no memory\nBearer sk-abcdef0123456789")
        return "好"

    model = FunctionModel("m", answer)
    result = liangxin.run("flames", model=model, limit=2, judge="none")
    assert (result.replies, result.failure_count) == ({"failed": 2}, 2)
    assert "RuntimeError: no memory" in result.failures[0]
    assert "sk-abcdef" not in result.failures[0]
    assert "2 failed" in repr(result)
    broken = False
    assert liangxin.run("flames", model=model, limit=2, judge="none").replies == {"ok": 2}


@pytest.mark.parametrize("given", [None, 3, b"x", Reply(status=ReplyStatus.NOT_ASKED)])
def test_anything_else_stops_the_run(given: object) -> None:
    model = FunctionModel("m", lambda _messages: given)  # type: ignore[arg-type, return-value]
    with pytest.raises(liangxin.UsageError, match="function:m returned"):
        liangxin.run("flames", model=model, limit=1, judge="none")


@pytest.mark.parametrize("name", ["", " ", " a", "a\nb"])
def test_a_name_is_needed(name: str) -> None:
    with pytest.raises(liangxin.UsageError, match="one line that says what the model is"):
        FunctionModel(name, lambda _messages: "")


@pytest.mark.parametrize("option", [{"temperature": 0.5}, {"max_tokens": 9}])
def test_settings_that_would_not_reach_it_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(liangxin.UsageError, match="do not reach a FunctionModel"):
        liangxin.run("flames", model=FunctionModel("m", lambda _messages: ""), **option)


def test_any_chat_model_will_do_and_is_not_closed() -> None:
    class Mine:
        identity = "mine:1"
        closed = False

        async def reply(self, messages: object, generation: object) -> Reply:
            return Reply(text="好")

        async def aclose(self) -> None:
            self.closed = True

    model = Mine()
    result = liangxin.run("flames", model=model, limit=2, temperature=0.3, judge="none")
    assert (result.model, result.replies, model.closed) == ("mine:1", {"ok": 2}, False)
