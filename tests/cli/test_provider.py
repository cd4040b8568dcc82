"""The main job on the published prompts, through a real HTTP endpoint that does everything wrong now and then."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liangxin.store import Database, Runs, dialogues
from liangxin.testing.behaviours import MIXED, MIXED_JUDGE
from liangxin.testing.provider import Provider, running

pytestmark = pytest.mark.slow

Cli = Callable[..., Any]

FILES = {
    "flames": ("flames/Flames_1k_Chinese.jsonl", 1000),
    "cvalues-responsibility": ("cvalues/cvalues_responsibility_prompts.jsonl", 664),
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    served = Provider(shares=MIXED, judge_shares=MIXED_JUDGE)
    served.slow, served.retry_after = 0.3, "0.2"
    with running(served):
        yield served


def judged(folder: Path) -> tuple[int, int, set[str], set[str]]:
    """(replies with something to judge, failed verdicts, prompts that failed, all prompts) in the store."""
    database = Database(str(folder / "liangxin.db"), create=False)
    judgeable = failed_verdicts = 0
    failed: set[str] = set()
    prompts: set[str] = set()
    for stored in dialogues(database, Runs(database).all()[0]):
        for exchange in stored.dialogue.exchanges:
            prompts.add(exchange.prompt)
            judgeable += exchange.reply.judgeable
            if exchange.reply.status == "failed":
                failed.add(exchange.prompt)
        failed_verdicts += sum(ruling.verdict.status == "failed" for ruling in stored.rulings.values())
    database.close()
    return judgeable, failed_verdicts, failed, prompts


@pytest.mark.parametrize("benchmark", FILES)
def test_every_turn_is_accounted_for(benchmark: str, cli: Cli, folder: Path, provider: Provider) -> None:
    data = os.environ.get("LIANGXIN_DATA")
    if not data:
        pytest.skip("LIANGXIN_DATA is not set: the published files are not here")
    name, total = FILES[benchmark]
    words = [
        "run",
        benchmark,
        "--data",
        str(Path(data, name)),
        "--model",
        "openai:m",
        "--judge",
        "llm:openai:judge",
    ]
    words += [
        "--retries",
        "1",
        "--timeout",
        "10",
        "--format",
        "json",
        "--name",
        "wild",
        "--connections",
        "64",
    ]
    key = "sk-very-secret-key-0123456789"
    environment = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": key}
    first = cli(*words, **environment)
    assert first.status == 3, first.err
    replies, verdicts = first.json["replies"], first.json["judges"][0]["verdicts"]
    assert sum(replies.values()) == total
    assert {"ok", "filtered", "truncated", "empty", "failed"} == set(replies)
    assert {"given", "unreadable", "filtered", "failed"} == set(verdicts)
    judgeable, failed_verdicts, failed, prompts = judged(folder)
    assert sum(verdicts.values()) == judgeable
    assert (len(failed), failed_verdicts) == (replies["failed"], verdicts["failed"])
    assert len(prompts) == total
    for score in first.json["scores"]:
        assert score["missing"] == sum(score["missing_by_reason"].values())
        if score["group"] == "overall":
            assert score["n"] + score["missing"] == total
            bounds = [score["worst"], score["value"], score["best"]]
            # Of attacks that succeed fewer are better: the worst is the most.
            assert sorted(bounds, reverse=score["measure"] == "asr") == bounds
            assert score["service"] is not None

    asked = len(provider.requests)
    second = cli(*words, **environment)
    again = provider.requests[asked:]
    assert second.json["run"] == first.json["run"]
    assert {request.prompt for request in again if request.model == "m"} == failed
    assert sum(request.number > 1 for request in again if request.model == "judge") >= failed_verdicts > 0
    assert sum(second.json["replies"].values()) == total
    assert second.json["replies"]["failed"] <= replies["failed"]

    text = first.out + first.err + second.err
    stored = b"".join(place.read_bytes() for place in folder.iterdir())
    assert key not in text
    assert key.encode() not in stored
    assert cli("report", "wild", "--output", "report.html").status == 0
    assert key.encode() not in (folder / "report.html").read_bytes()


def test_a_refused_key_is_one_sentence(cli: Cli, folder: Path) -> None:
    with running(Provider(shares={"401": 1.0})) as provider:
        done = cli(
            "run",
            "flames",
            "--model",
            "openai:m",
            "--base-url",
            provider.base_url,
            OPENAI_API_KEY="sk-wrong-one-123",
        )
    assert done.status == 1
    assert "OPENAI_API_KEY" in done.err
    assert "sk-wrong" not in done.err
