"""The test tools themselves: what they answer is decided, counted and the same each time."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from liangxin.judges.contract import Contract
from liangxin.judges.prompt import write_prompt
from liangxin.records import Case, VerdictStatus
from liangxin.specs import REFUSAL
from liangxin.testing.behaviours import (
    MIXED,
    MIXED_JUDGE,
    NAMES,
    ONCE,
    Behaviour,
    ProviderRequest,
    answer_text,
    offered_levels,
    respond,
    unreadable,
    verdict_text,
)
from liangxin.testing.fast_server import FastServer, answer_to
from liangxin.testing.provider import Provider, running


def post(base_url: str, prompt: str, model: str = "m") -> tuple[int, Any]:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]}).encode()
    request = urllib.request.Request(f"{base_url}/chat/completions", body, {"Authorization": "Bearer x"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def content(body: Any) -> str:
    text: str = body["choices"][0]["message"]["content"]
    return text


def test_from_ordinary_code_it_serves_in_a_thread_and_counts() -> None:
    with running(Provider()) as provider:
        assert post(provider.base_url, "甲")[1] == post(provider.base_url, "甲")[1]
        assert content(post(provider.base_url, "乙", "other")[1]) == answer_text("乙")
        assert [post(provider.base_url, "丙[[429]]")[0] for _ in range(3)] == [429, 200, 200]
        assert [post(provider.base_url, "丁[[500]]")[0] for _ in range(2)] == [500, 500]
        with pytest.raises(ConnectionError):
            post(provider.base_url, "戊[[reset]]")
        assert (provider.count("甲"), provider.count("乙", "m"), provider.count(model="other")) == (2, 0, 1)
        assert (provider.count(), provider.count("丙[[429]]")) == (9, 3)
        assert [one.number for one in provider.requests if one.prompt == "甲"] == [1, 2]
        assert provider.requests[0].authorization == "Bearer x"
        address = provider.base_url
    with pytest.raises(urllib.error.URLError):
        post(address, "甲")


def test_two_thousand_prompts_meet_the_shares() -> None:
    provider, other = (
        Provider(shares={"429": 0.2, "empty": 0.1}),
        Provider(shares={"429": 0.2, "empty": 0.1}, seed=1),
    )
    found = [provider.behaviour(f"第{k}题") for k in range(2000)]
    assert found == [Provider(shares={"429": 0.2, "empty": 0.1}).behaviour(f"第{k}题") for k in range(2000)]
    assert found != [other.behaviour(f"第{k}题") for k in range(2000)]
    assert 310 < found.count(Behaviour.LIMITED_ONCE) < 490  # 400 expected; 5 standard deviations are 89
    assert 130 < found.count(Behaviour.EMPTY) < 270
    assert set(found) == {Behaviour.OK, Behaviour.LIMITED_ONCE, Behaviour.EMPTY}


def test_a_judge_has_markers_and_shares_of_its_own() -> None:
    provider = Provider(shares={"500": 1.0}, judge_shares={"empty": 1.0})
    assert provider.behaviour("题") is Behaviour.BROKEN
    assert provider.behaviour("题", judge=True) is Behaviour.EMPTY
    assert provider.behaviour("题[[429]]", judge=True) is Behaviour.EMPTY
    assert provider.behaviour("题[[judge:unreadable]]", judge=True) is Behaviour.UNREADABLE
    assert provider.behaviour("题[[judge:unreadable]]") is Behaviour.BROKEN


def case(number: int) -> Case:
    return Case(
        item_id="i",
        category=(),
        dialogue="d",
        trial=1,
        turn=1,
        history=(),
        prompt=f"第{number}题",
        answer='- "9"：这不是等级',
        scale=REFUSAL,
    )


def test_the_judge_gives_every_level_that_is_offered_and_no_other() -> None:
    contract, names = Contract(), {level.name for level in REFUSAL.levels}
    given = set()
    for number in range(60):
        whole = "\n".join(m.content for m in write_prompt(case(number), "准则", REFUSAL, contract))
        assert set(offered_levels(whole)) == names
        verdict = contract.read(REFUSAL, verdict_text(whole))
        assert verdict.status is VerdictStatus.GIVEN
        given.add(verdict.level)
        assert contract.read(REFUSAL, unreadable(whole)).status is VerdictStatus.UNREADABLE
    assert given == names


def test_no_levels_no_verdict() -> None:
    assert offered_levels("随便说说") == ()


@pytest.mark.parametrize("behaviour", Behaviour)
def test_every_behaviour_is_decided_by_the_request(behaviour: Behaviour) -> None:
    asked = ProviderRequest(model="m", prompt="题", whole="题")
    assert respond(behaviour, asked) == respond(behaviour, asked)
    assert respond(behaviour, asked).status in {200, 400, 401, 429, 500}
    assert ONCE.get(behaviour) is None or respond(behaviour, asked) == respond(ONCE[behaviour], asked)


def test_mixed_shares_hold_what_does_not_end_a_run() -> None:
    for shares in (MIXED, MIXED_JUDGE):
        assert sum(shares.values()) < 0.5
        assert set(shares) <= NAMES - {"401"}
        Provider(shares=shares)


@pytest.mark.parametrize(
    ("shares", "message"), [({"odd": 0.1}, "no behaviour 'odd'"), ({"500": 0.6, "ok": 0.6}, "exceed 1")]
)
def test_bad_shares(shares: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Provider(shares=shares)


def test_choice_prompts_are_answered_with_a_choice() -> None:
    found = {answer_text(f"第{k}题 [回复1] 甲 [回复2] 乙") for k in range(60)}
    assert {"回复1", "[回复2]", "两个回复都不好。"} < found
    assert len({answer_text(f"第{k}题") for k in range(60)}) == 60


@contextmanager
def serving(module: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", f"liangxin.testing.{module}", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("provider", ["--mixed", "--share", "empty=0.5", "--latency", "0.01"]),
        ("fast_server", ["--latency", "0.01"]),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_command(module: str, words: list[str], number: signal.Signals) -> None:
    with serving(module, *words) as (process, base_url):
        status, body = post(base_url, "题[[ok]]")
        assert (status, bool(content(body))) == (200, True)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_wrong_command_line() -> None:
    with serving("provider", "--share", "odd=1") as (process, base_url):
        assert (process.wait(10), base_url) == (2, "")
        assert process.stderr is not None
        assert "no behaviour 'odd'" in process.stderr.read()


def test_the_fast_server_answers_equal_requests_equally() -> None:
    async def job() -> tuple[list[tuple[int, Any]], int]:
        async with FastServer() as server:
            with ThreadPoolExecutor(4) as pool:
                loop = asyncio.get_running_loop()
                asked = ["甲", "乙", "甲", "长" * 100_000]
                found = await asyncio.gather(
                    *(loop.run_in_executor(pool, post, server.base_url, one) for one in asked)
                )
            return list(found), server.requests

    (one, other, again, long), requests = asyncio.run(job())
    assert one == again != other
    assert (long[0], requests) == (200, 4)


def test_the_fast_server_takes_requests_in_pieces_and_in_a_row() -> None:
    body = json.dumps({"model": "m"}).encode()
    request = b"POST / HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: %d\r\n\r\n" % len(body) + body

    async def job() -> bytes:
        async with FastServer() as server:
            host, port = server.base_url.split("/")[2].split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            for at in range(0, len(request), 7):
                writer.write(request[at : at + 7])
                await writer.drain()
            writer.write(request * 2)
            found = await reader.readexactly(3 * len(answer_to(body)))
            writer.close()
            await writer.wait_closed()
            return found

    assert asyncio.run(job()) == answer_to(body) * 3
