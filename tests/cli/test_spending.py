"""What a run costs: counted for model and judges, held to its limits, and asked only once where the cache has it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liangxin.testing.provider import Provider, running

Cli = Callable[..., Any]
KEY = "sk-very-secret-key-0123456789"
KEYS = {"OPENAI_API_KEY": KEY, "LIANGXIN_JUDGE_API_KEY": KEY}
ITEMS = 100
PRICES = """
currency = "CNY"
[models."openai:m"]
input = 100
output = 1000
[models."openai:judge"]
input = 0
output = 1
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running(Provider(latency=0.02)) as served:
        yield served


@pytest.fixture
def words(folder: Path, provider: Provider) -> list[str]:
    """A run without its judge."""
    (folder / "prices.toml").write_text(PRICES, encoding="utf-8")
    (folder / "cvalues.jsonl").write_text(
        "".join(json.dumps({"prompt": f"问题{n}是什么？"}) + "\n" for n in range(ITEMS)), encoding="utf-8"
    )
    words = [
        "run",
        "cvalues-safety",
        "--data",
        "cvalues.jsonl",
        "--model",
        "openai:m",
        "--base-url",
        provider.base_url,
    ]
    return [*words, "--judge-base-url", provider.base_url, "--format", "json", "--connections", "32"]


def usage(done: Any) -> dict[str, dict[str, Any]]:
    return {one["part"]: one for one in done.json["usage"]}


def test_tokens_and_cost_of_model_and_judge_are_told(
    cli: Cli, folder: Path, provider: Provider, words: list[str]
) -> None:
    done = cli(*words, "--judge", "llm:openai:judge", "--prices", "prices.toml", "--name", "a", **KEYS)
    assert done.status == 0, done.err
    told = usage(done)
    assert [told[part]["requests"] for part in ("model", "judge")] == [ITEMS, ITEMS]
    assert [told[part]["prompt_tokens"] for part in ("model", "judge")] == [20 * ITEMS, 20 * ITEMS]
    assert [told[part]["completion_tokens"] for part in ("model", "judge")] == [30 * ITEMS, 30 * ITEMS]
    # 20 tokens at 100 and 30 at 1,000 a million; the judge's 30 at 1.
    assert told["model"]["cost"] == pytest.approx(ITEMS * (20 * 100 + 30 * 1000) / 1e6)
    assert told["judge"]["cost"] == pytest.approx(ITEMS * 30 / 1e6)
    assert told["model"]["currency"] == "CNY"
    # Later commands say the same; without prices there is no cost.
    again = cli("scores", "a", "--format", "json", LIANGXIN_PRICES="prices.toml")
    assert usage(again) == told
    assert usage(cli("scores", "a", "--format", "json"))["model"]["cost"] is None
    assert "3.2000 CNY" in cli("scores", "a", LIANGXIN_PRICES="prices.toml").out
    (listed,) = [
        json.loads(line)
        for line in cli("runs", "--format", "json", LIANGXIN_PRICES="prices.toml").out.splitlines()
    ]
    assert (listed["requests"], listed["tokens"], listed["currency"]) == (2 * ITEMS, 100 * ITEMS, "CNY")
    assert listed["cost"] == pytest.approx(3.203)
    shown = cli("runs", LIANGXIN_PRICES="prices.toml").out
    assert ("tokens" in shown, "3.2030 CNY" in shown) == (True, True)
    assert "cost" not in cli("runs").out, "no prices, no column of dashes"
    assert cli("report", "a", "--output", "page.html", LIANGXIN_PRICES="prices.toml").status == 0
    assert "3.2000 CNY" in (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("limit", [1, 33, 99])
def test_requests_stop_exactly_at_the_limit_with_32_in_flight(
    limit: int, cli: Cli, provider: Provider, words: list[str]
) -> None:
    done = cli(*words, "--judge", "none", "--max-requests", str(limit), **KEYS)
    assert done.status == 3, done.err
    assert provider.count() == limit
    assert done.json["replies"] == {"ok": limit, "not_asked": ITEMS - limit}
    assert (
        f"stopped by the budget: {limit} requests of --max-requests {limit}; about {ITEMS - limit} calls"
        in done.err
    )
    # The same command sends nothing more; a larger budget goes on, and asks nothing again.
    assert cli(*words, "--judge", "none", "--max-requests", str(limit), **KEYS).status == 3
    assert provider.count() == limit
    whole = cli(*words, "--judge", "none", "--max-requests", str(ITEMS), **KEYS)
    assert (whole.status, whole.json["replies"]) == (0, {"ok": ITEMS})
    assert provider.count() == ITEMS
    assert "stopped by the budget" not in whole.err


def test_a_limit_counts_the_judge_too_and_rules_still_rule(
    cli: Cli, provider: Provider, words: list[str]
) -> None:
    done = cli(*words, "--judge", "llm:openai:judge", "--judge", "rule", "--max-requests", "150", **KEYS)
    assert done.status == 3, done.err
    assert provider.count() == 150
    verdicts = {one["judge"].partition("@")[0]: one["verdicts"] for one in done.json["judges"]}
    assert sum(verdicts["rule"].values()) >= provider.count(model="m")
    assert cli(*words, "--judge", "llm:openai:judge", "--judge", "rule", **KEYS).status == 0
    assert provider.count() == 2 * ITEMS


@pytest.mark.parametrize("limit", [("--max-tokens-total", "1000", 50.0), ("--max-cost", "0.64", 0.032)])
def test_tokens_and_cost_are_exceeded_by_no_more_than_what_is_in_flight(
    limit: tuple[str, str, float], cli: Cli, provider: Provider, words: list[str]
) -> None:
    option, most, each = limit
    done = cli(*words, "--judge", "none", "--prices", "prices.toml", option, most, **KEYS)
    assert done.status == 3, done.err
    needed = round(float(most) / each)
    assert needed <= provider.count() < needed + 32
    assert done.json["replies"]["ok"] == provider.count()
    assert f"of {option} {most.replace('1000', '1,000')}" in done.err


def test_a_cost_cannot_be_held_without_its_price(cli: Cli, provider: Provider, words: list[str]) -> None:
    done = cli(*words, "--judge", "none", "--max-cost", "1", **KEYS)
    assert (done.status, provider.count()) == (2, 0)
    assert "name a price file with --prices FILE" in done.err
    done = cli(*words, "--judge", "llm:openai:judge-2", "--max-cost", "1", "--prices", "prices.toml", **KEYS)
    assert (done.status, provider.count()) == (2, 0)
    assert "names no price for openai:judge-2" in done.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("currency = 1", "currency: found 1"),
        ('currency = "CNY"', "models: found none"),
        ('currency = "CNY"\n[models.a]\ninput = 1', "found the fields input, expected input and output"),
        ('currency = "CNY"\n[models.a]\ninput = -1\noutput = 1', "input: found -1"),
        ('currency = "CNY"\n[models.a]\ninput = nan\noutput = 1', "input: found nan"),
        ("price", "is not TOML"),
    ],
)
def test_a_wrong_price_file_is_one_sentence(
    content: str, said: str, cli: Cli, folder: Path, provider: Provider, words: list[str]
) -> None:
    (folder / "prices.toml").write_text(content, encoding="utf-8")
    done = cli(*words, "--judge", "none", "--prices", "prices.toml", **KEYS)
    assert (done.status, provider.count()) == (1, 0)
    assert said in done.err


def test_the_cache_answers_model_and_judge_and_is_counted(
    cli: Cli, folder: Path, provider: Provider, words: list[str]
) -> None:
    cached = {**KEYS, "LIANGXIN_CACHE": str(folder / "kept.db")}
    judged = [*words, "--judge", "llm:openai:judge", "--cache"]
    first = cli(*judged, "--store", "one.db", **cached)
    second = cli(*judged, "--store", "two.db", **cached)
    assert (first.status, second.status) == (0, 0), second.err
    assert provider.count() == 2 * ITEMS
    told = usage(second)
    assert [(told[part]["requests"], told[part]["cache_hits"]) for part in ("model", "judge")] == [
        (0, ITEMS)
    ] * 2
    assert told["model"]["prompt_tokens"] == 0
    assert f"cache: {2 * ITEMS} answers were there, 0 requests were sent" in second.err
    assert first.json["scores"] == second.json["scores"]
    # Another trial, another setting and no --cache ask anew.
    cli(*judged, "--trials", "2", "--limit", "5", "--store", "three.db", **cached)
    assert provider.count(model="m") == ITEMS + 5
    cli(*judged, "--temperature", "0.5", "--limit", "5", "--store", "four.db", **cached)
    assert provider.count(model="m") == ITEMS + 10
    cli(*words, "--judge", "none", "--limit", "5", "--store", "five.db", **cached)
    assert provider.count(model="m") == ITEMS + 15
    assert KEY.encode() not in b"".join(path.read_bytes() for path in folder.glob("kept.db*"))


def test_what_is_not_whole_is_never_kept(
    cli: Cli, folder: Path, provider: Provider, words: list[str]
) -> None:
    marks = ("truncated", "500", "sensitive", "empty", "think-cut")
    (folder / "cvalues.jsonl").write_text(
        "".join(json.dumps({"prompt": f"问题 [[{mark}]]"}) + "\n" for mark in marks), encoding="utf-8"
    )
    cached = {**KEYS, "LIANGXIN_CACHE": str(folder / "kept.db")}
    cli(*words, "--judge", "none", "--cache", "--retries", "0", "--give-up", "0", **cached)
    assert provider.count() == len(marks)
    with sqlite3.connect(folder / "kept.db") as kept:
        assert kept.execute("SELECT count(*) FROM replies").fetchone() == (0,)


def test_what_a_killed_command_spent_counts_against_the_limit(
    cli: Cli, folder: Path, provider: Provider, words: list[str]
) -> None:
    command = [sys.executable, "-m", "liangxin", *words, "--judge", "none", "--max-requests", "60"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))}
    killed = subprocess.Popen(
        command, cwd=folder, env=kept | KEYS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 30
    while provider.count() < 30 and time.monotonic() < until:
        time.sleep(0.002)
    killed.kill()
    killed.wait()
    before = provider.count()
    assert before >= 30
    done = cli(*words, "--judge", "none", "--max-requests", "60", **KEYS)
    assert done.status == 3, done.err
    # What was in flight or in the last batch when it was killed is not known to the store, and asked again.
    assert done.json["replies"]["ok"] == 60
    assert 60 <= provider.count() <= 60 + 32 + 64
