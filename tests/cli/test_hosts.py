"""A look before the leap, and a run that waits while its host answers nothing: through real servers, requests counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liangxin.models.http.transport import AiohttpTransport
from liangxin.testing.behaviours import Planned
from liangxin.testing.provider import Provider, running

Cli = Callable[..., Any]
KEYS = {"OPENAI_API_KEY": "sk-model"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running(Provider()) as served:
        yield served


@pytest.fixture
def dead() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def run(provider: str, judge: str | None, *more: str, limit: int = 30) -> list[str]:
    words = ["run", "flames", "--model", "openai:m", "--base-url", provider, "--limit", str(limit)]
    words += ["--judge", "llm:openai:judge", "--judge-base-url", judge] if judge else ["--judge", "none"]
    return [*words, "--format", "json", *more]


def refused(done: Any, began: float) -> str:
    """The one sentence that a run ended with."""
    assert done.status == 1, done.err
    assert done.out == ""
    assert time.monotonic() - began < 30
    lines: list[str] = done.err.splitlines()
    (said,) = [line for line in lines if line.startswith("liangxin: ")]
    return said


@pytest.mark.parametrize("judged", [False, True])
def test_a_dead_host_is_one_sentence(judged: bool, cli: Cli, provider: Provider, dead: str) -> None:
    began = time.monotonic()
    done = cli(*(run(provider.base_url, dead) if judged else run(dead, None)), **KEYS)
    said = refused(done, began)
    assert "cannot be asked: connection failed" in said
    assert dead in said
    # The first question was answered before its verdict was asked for, and is kept.
    assert provider.count() == int(judged)


@pytest.mark.parametrize("judged", [False, True])
def test_an_address_without_v1_is_one_sentence(judged: bool, cli: Cli, provider: Provider) -> None:
    began, wrong = time.monotonic(), provider.base_url.removesuffix("/v1")
    done = cli(*(run(provider.base_url, wrong) if judged else run(wrong, None)), **KEYS)
    said = refused(done, began)
    assert "HTTP 404" in said
    assert "which for most ends in /v1" in said
    assert provider.count() == int(judged)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "The model `m` does not exist."),
        (400, "Model Not Exist"),
        (503, "model_not_found"),
        (400, "模型不存在，请检查模型代码。"),
    ],
)
def test_a_model_that_does_not_exist_is_one_sentence(
    status: int, message: str, cli: Cli, provider: Provider
) -> None:
    error = {"code": message} if message == "model_not_found" else {"message": message}
    provider.down = range(1000)
    provider.down_as = Planned(body=json.dumps({"error": error}).encode(), status=status)
    began = time.monotonic()
    said = refused(cli(*run(provider.base_url, None), **KEYS), began)
    assert f"HTTP {status}" in said
    assert "check the model's name" in said
    assert provider.count() == 1


def test_a_page_at_every_address_is_one_sentence(cli: Cli, provider: Provider) -> None:
    provider.down = range(1000)
    provider.down_as = Planned(body=b"<!doctype html><html></html>")
    began = time.monotonic()
    assert "the answer is not JSON" in refused(cli(*run(provider.base_url, None), **KEYS), began)
    assert provider.count() == 1


def test_a_wrong_key_of_model_or_judge_is_one_sentence(cli: Cli, provider: Provider) -> None:
    with running(Provider(shares={"401": 1.0}, judge_shares={"401": 1.0})) as denying:
        began = time.monotonic()
        assert "refused access" in refused(cli(*run(denying.base_url, None), **KEYS), began)
        assert "refused access" in refused(cli(*run(provider.base_url, denying.base_url), **KEYS), began)
        assert (denying.count(model="m"), denying.count(model="judge")) == (1, 1)
    # The reply that was paid for is kept: the same command asks only the others.
    assert cli(*run(provider.base_url, provider.base_url), **KEYS).status == 0
    assert (provider.count(model="m"), provider.count(model="judge")) == (30, 30)


def test_a_connection_is_waited_for_twenty_seconds_at_most() -> None:
    async def most() -> float | None:
        transport = AiohttpTransport("http://127.0.0.1:9/v1", {}, timeout=900.0)
        await transport.aclose()
        return transport._session.timeout.connect

    assert asyncio.run(most()) == 20.0


def test_requests_are_items_and_one_line_says_where_they_go(cli: Cli, provider: Provider) -> None:
    with running(Provider()) as elsewhere:
        done = cli(*run(provider.base_url, elsewhere.base_url), **KEYS)
        assert done.status == 0
        assert (provider.count(), elsewhere.count()) == (30, 30)
        hosts = [one.base_url.removeprefix("http://").removesuffix("/v1") for one in (provider, elsewhere)]
        line = (
            f"questions go to {hosts[0]} (openai:m), about 30 calls; verdicts go to {hosts[1]} (openai:judge), "
            "about 30 calls: another host than the model's"
        )
        assert line in done.err.splitlines()
        # Nothing is left to ask, so nothing is said.
        assert "questions go" not in cli(*run(provider.base_url, elsewhere.base_url), **KEYS).err
        assert (provider.count(), elsewhere.count()) == (30, 30)


def test_answers_of_a_model_here_leave_only_where_the_user_said_so(cli: Cli, provider: Provider) -> None:
    words = run(provider.base_url, None)
    words[words.index("none")] = "llm:openai:gpt-4o"
    done = cli(*words, **KEYS)
    assert done.status == 2
    assert "would go to api.openai.com" in done.err
    assert "--judge-base-url" in done.err
    assert provider.count() == 0
    # An address that the user gave is no question: here the variable's.
    assert cli(*words, OPENAI_BASE_URL=provider.base_url, **KEYS).status == 0
    # The same for a stored run.
    again = cli(
        "judge", json.loads(cli("runs", "--format", "json").out)["run"], "--judge", "llm:openai:gpt-5", **KEYS
    )
    assert (again.status, "would go to api.openai.com" in again.err) == (2, True)


@pytest.mark.parametrize("judged", [False, True])
def test_an_outage_is_waited_out_and_what_failed_is_asked_again(
    judged: bool, cli: Cli, provider: Provider
) -> None:
    with running(Provider()) as other:
        served = other if judged else provider
        served.down = range(10, 35)
        done = cli(*run(provider.base_url, other.base_url, "--retries", "0", limit=60), **KEYS)
        assert done.status == 0, done.err
        assert "requests in a row failed (HTTP 503): pausing" in done.err
        assert "answers again after" in done.err
        assert served.count() == 60 + 25
        assert (provider.count() if judged else other.count()) == 60
        assert done.json["replies"] == {"ok": 60}
        assert done.json["judges"][0]["verdicts"] == {"given": 60}


def test_an_outage_that_outlasts_patience_ends_in_one_sentence(cli: Cli, provider: Provider) -> None:
    provider.down = range(10, 100_000)
    words = run(provider.base_url, None, "--retries", "0", limit=60)
    began = time.monotonic()
    said = refused(cli(*words, "--give-up", "2", **KEYS), began)
    assert "has answered nothing for" in said
    assert "the same command goes on from there" in said
    asked, provider.down = provider.count(), range(0)
    done = cli(*words, **KEYS)
    assert done.json["replies"] == {"ok": 60}
    # The ten that were answered before the outage were stored.
    assert provider.count() - asked == 50


@pytest.mark.parametrize(("typed", "status", "asked"), [(b"y\n", 1, 1), (b"n\n", 2, 0), (None, 130, 0)])
def test_a_yes_at_a_terminal_sends_answers_away(
    typed: bytes | None, status: int, asked: int, provider: Provider, tmp_path: Path
) -> None:
    words = run(provider.base_url, None, "--retries", "0", limit=2)
    words[words.index("none")] = "llm:openai:gpt-4o"
    ours, theirs = pty.openpty()
    environment = {key: one for key, one in os.environ.items() if not key.endswith(("_PROXY", "_proxy"))}
    # A name that leads nowhere: the yes is seen by the question that the model is asked, and nothing leaves this machine.
    environment |= KEYS | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "liangxin", *words]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        if typed is None:
            process.send_signal(signal.SIGINT)
        else:
            os.write(ours, typed)
        with contextlib.suppress(OSError):  # the terminal is closed once the command has ended
            while part := os.read(ours, 4096):
                said += part
        assert process.wait(60) == status, said.decode()
    os.close(ours)
    assert b"would go to api.openai.com" in said
    assert b"Traceback" not in said
    assert provider.count() == asked


def test_an_interrupt_ends_a_pause(provider: Provider, tmp_path: Path) -> None:
    provider.down = range(10, 100_000)
    words = run(provider.base_url, None, "--retries", "0", limit=60)
    command = [sys.executable, "-m", "liangxin", *words]
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | KEYS, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "pausing" not in process.stderr.readline():
            assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert time.monotonic() - began < 10
    assert "Traceback" not in rest


def test_each_member_of_a_jury_is_tried(cli: Cli, provider: Provider, dead: str) -> None:
    words = run(provider.base_url, None)
    words[words.index("none")] = "jury:llm:openai:one,llm:openai:two"
    with running(Provider()) as court:
        court.down = range(1, 1000)
        court.down_as = Planned(body=b'{"error": {"message": "The model `two` does not exist."}}', status=404)
        said = refused(cli(*words, "--judge-base-url", court.base_url, **KEYS), time.monotonic())
        assert "HTTP 404" in said
        assert (provider.count(), court.count()) == (1, 2)


def test_of_several_models_one_that_is_not_there_loses_nothing(
    cli: Cli, provider: Provider, dead: str
) -> None:
    words = ["run", "flames", "cvalues-safety", "--limit", "5", "--judge", "none", "--format", "json"]
    words += ["--base-url", provider.base_url, "--model", "openai:m", "--model", "openai:gone"]
    provider.down = range(10, 1000)
    provider.down_as = Planned(body=b'{"error": {"message": "The model `gone` does not exist."}}', status=404)
    done = cli(*words, **KEYS)
    assert done.status == 1
    assert "openai:gone" in done.err
    assert [json.loads(line)["replies"] for line in done.out.splitlines()] == [{"ok": 5}, {"ok": 5}]
    assert provider.count() == 11
