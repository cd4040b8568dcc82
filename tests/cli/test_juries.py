"""A jury, its warnings and a provider's missing key, as a user meets them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liangxin.testing.provider import Provider, running

Cli = Callable[..., Any]
KEY = "sk-very-secret-key-0123456789"
JURY = "jury:llm:openai:judge-a,llm:anthropic:judge-b,llm:openai:judge-qwen-plus"


def test_a_jury_rules_and_the_family_is_warned_of(cli: Cli, folder: Path) -> None:
    with running(Provider(judge_shares={"unreadable": 0.2, "500": 0.1})) as provider:
        environment = {
            "OPENAI_BASE_URL": provider.base_url,
            "OPENAI_API_KEY": KEY,
            "LIANGXIN_JUDGE_BASE_URL": provider.base_url,
            "LIANGXIN_JUDGE_API_KEY": KEY,
        }
        words = ["run", "flames", "--model", "openai:qwen-max", "--judge", JURY, "--limit", "30"]
        words += ["--retries", "0", "--format", "json", "--name", "j"]
        done = cli(*words, **environment)
        assert done.status == 3
        (judge,) = done.json["judges"]
        assert judge["judge"].startswith(f"{JURY}@")
        assert sum(judge["verdicts"].values()) == 30
        assert judge["verdicts"]["failed"] == done.err.count("judge: 3 of 3 members failed:")
        assert "the members disagreed on" in done.err
        assert "the judge judge-qwen-plus is of the measured model's family (qwen)" in done.err
        asked = provider.count()
        again = cli(*words, **environment)
        # Only what failed is asked again, of every member.
        assert provider.count() - asked == 3 * judge["verdicts"]["failed"]
        assert again.json["judges"] == done.json["judges"]
    assert cli("export", "j", "--output", "j.csv").status == 0
    with (folder / "j.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    given = [row for row in rows if row["verdict_status"] == "given"]
    assert {float(row["confidence"]) for row in given} <= {1 / 3, 2 / 3, 1.0}
    assert all(" for " in row["reason"] for row in given)
    assert KEY not in json.dumps(rows) + done.out + done.err


def test_a_known_name_without_its_key_is_one_sentence(cli: Cli) -> None:
    done = cli(
        "run",
        "flames",
        "--model",
        "openai:qwen-max",
        "--limit",
        "1",
        OPENAI_API_KEY=KEY,
        DASHSCOPE_API_KEY="",
    )
    assert done.status == 2
    assert "export its key as DASHSCOPE_API_KEY" in done.err
    assert KEY not in done.err


def test_the_kinds_are_listed(cli: Cli) -> None:
    models, judges = cli("models").out, cli("judges").out
    assert all(f"\n{kind}" in f"\n{models}" for kind in ("anthropic:NAME", "litellm:NAME", "openai:qwen-max"))
    assert "\njury:A,B,C" in judges
