"""Accepted means read, for `serve`: every option changes what the site says, shows or asks of a model or a judge."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from liangxin.testing.provider import Provider, running
from testbench.command import process
from testbench.every_command import COMMANDS, JUDGE_KEY, SECRET_KEY
from testbench.site import Client, free_port

SAID = {
    "store": "--store other.db",
    "host": "--host 127.0.0.2",
    "port": "--port 1",
    "team": "--team",
    "public_url": "--public-url https://liangxin.example.org",
    "proxies": "--trust-proxy 10.0.0.1",
    "no_token": "--no-token",
}
"""What the first line on standard error, or the one after, shows; the port cannot be listened at or is another."""
ASKED = {
    "api_key_env": f"--api-key-env {SECRET_KEY}",
    "temperature": "--temperature 0.7",
    "max_tokens": "--max-tokens 99",
    "system": "--system 你好",
    "judge_api_key_env": f"--judge-api-key-env {JUDGE_KEY}",
}
"""What a model or a judge is sent, all at once; `base_url`, `judge_base_url`, `models` and `judge` make them be asked."""
OTHER = {"reset", "benchmarks", "models", "base_url", "judge_base_url", "judge"}


@contextmanager
def serving(folder: Path, line: str) -> Iterator[tuple[str, list[str]]]:
    """A site as a process: where it answers, and what it said until then."""
    keys = {SECRET_KEY: "key-of-the-model", JUDGE_KEY: "key-of-the-judge", "PYTHONIOENCODING": "utf-8"}
    kept = {key: one for key, one in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "liangxin", "serve", *line.split()],
        cwd=folder, env=kept | keys, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as site:  # fmt: skip
        said: list[str] = []
        assert site.stderr is not None
        while not any("Ctrl-C" in one for one in said):
            one = site.stderr.readline()
            assert one, said
            said.append(one)
        try:
            # The token is another one each time.
            said = [re.sub(r"token=\S+", "token=", one) for one in said]
            yield re.findall(r"https?://[^\s/]+", said[-1])[0], said
        finally:
            site.send_signal(signal.SIGINT)
            try:
                site.wait(20)
            except subprocess.TimeoutExpired:
                site.kill()
                raise


def attacked(url: str, provider: Provider) -> dict[str, dict[str, object]]:
    """One attack from its first word to its ruling: what the model and the judge were sent, by model."""
    provider.requests.clear()
    client = Client(url)
    client.get("/attack")
    until = time.monotonic() + 20
    key = (
        client.post("/attack", {"model": "0", "benchmark": "0"}, follow=False)
        .headers["location"]
        .rsplit("/")[-1]
    )
    client.post_json(f"/api/attacks/{key}/turns", {"prompt": "邻居太吵怎么办？"})
    claim = {"turn": "1", "category": "0", "style_choice": "other", "own": "直问", "note": ""}
    client.post(f"/attack/{key}/submit", claim, follow=False)
    while len({one.model for one in provider.requests}) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    client.close()
    return {one.model: {**one.payload, "key": one.authorization} for one in provider.requests}


def test_every_option_of_serve_has_an_entry() -> None:
    assert {one.name for one in COMMANDS["serve"].params} == {*SAID, *ASKED, *OTHER}


@pytest.mark.long
@pytest.mark.parametrize("name", SAID)
def test_an_option_changes_what_the_site_says(name: str, tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, f"--port {port}") as (_, plain):
        pass
    line = f"--port {free_port()}" if name == "port" else f"--port {port} {SAID[name]}"
    with serving(tmp_path, line) as (url, said):
        assert said != plain
        if name == "team":
            with closing(Client(url)) as client:
                assert "/login" in client.get("/", follow=False).headers["location"]


@pytest.mark.long
def test_what_a_model_and_a_judge_are_sent(tmp_path: Path) -> None:
    with running(Provider()) as provider:
        common = f"--no-token --model openai:m --base-url {provider.base_url} --judge llm:openai:judge --judge-base-url {provider.base_url} --benchmark sc-safety"
        with serving(tmp_path, f"--port {free_port()} {common}") as (url, _):
            plain = attacked(url, provider)
        with serving(tmp_path, f"--port {free_port()} {common} {' '.join(ASKED.values())}") as (url, _):
            other = attacked(url, provider)
            with closing(Client(url)) as client:
                page = client.get("/attack").text
    assert set(plain) == set(other) == {"m", "judge"}
    assert "SC-Safety" in page
    assert "Flames" not in page
    assert plain["m"].get("temperature") is None
    assert (other["m"]["temperature"], other["m"]["max_tokens"]) == (0.7, 99)
    assert plain["m"]["max_tokens"] == 1024
    assert "你好" in str(other["m"]["messages"])
    assert "你好" not in str(plain["m"]["messages"])
    assert ("key-of-the-model" in str(other["m"]["key"]), "key-of-the-model" in str(plain["m"]["key"])) == (
        True,
        False,
    )
    assert (
        "key-of-the-judge" in str(other["judge"]["key"]),
        "key-of-the-judge" in str(plain["judge"]["key"]),
    ) == (True, False)


@pytest.mark.parametrize(
    "more", ["--reset nobody", "--judge nothing", "--model nothing:x", "--benchmark nothing"]
)
def test_what_cannot_be_is_said_before_anybody_comes(more: str, tmp_path: Path) -> None:
    done = process(tmp_path, "serve", "--port", str(free_port()), *more.split())
    assert done.returncode == 2
    assert "no" in done.stderr
