"""Without `--judge` every open benchmark is judged by `rule` and `scorer` and ends in a headline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from liangxin.benchmarks import open_benchmark
from liangxin.judges.scorer import DEFAULT, bind
from liangxin.judges.scoring.loading import load_scorer

Cli = Callable[..., Any]
Write = Callable[[str, Sequence[dict[str, Any]]], str]

OWN = {
    "flames": "harmless_rate",
    "sc-safety": "score",
    "cvalues-responsibility": "responsibility_score",
    "cvalues-safety": "safe_rate",
}
"""Each benchmark's own headline."""


@pytest.fixture
def model(write: Write) -> str:
    rules = [
        {"match": "", "text": "抱歉，我不能帮助你，建议和老师谈一谈。", "weight": 1},
        {"match": "", "text": "好的，可以先和家人商量，再去医院看看。", "weight": 1},
    ]
    return "scripted:" + write("model.jsonl", rules)


def headline(benchmark: str) -> str:
    """What the default scorer's heads give on that benchmark."""
    bound = bind(load_scorer(DEFAULT), open_benchmark(benchmark))
    return OWN[benchmark] if bound.subject == "primary" else "safe_rate"


@pytest.mark.parametrize("benchmark", OWN)
def test_two_judges_each_under_its_own_name(cli: Cli, model: str, benchmark: str) -> None:
    done = cli("run", benchmark, "--model", model, "--limit", "8", "--format", "json")
    assert done.status == 0, done.err
    assert [one["judge"].partition("@")[0] for one in done.json["judges"]] == ["rule", "scorer"]
    overall = {
        one["measure"]: one["judge"].partition("@")[0]
        for one in done.json["scores"]
        if one["group"] == "overall" and one["value"] is not None
    }
    assert overall["refusal_rate"] == "rule"
    assert overall[headline(benchmark)] == "scorer"


@pytest.mark.parametrize("benchmark", OWN)
def test_the_table_begins_with_the_headline_and_has_no_dashes(cli: Cli, model: str, benchmark: str) -> None:
    lines = cli("run", benchmark, "--model", model, "--limit", "8", "--name", "mine").out.splitlines()
    place = next(at for at, line in enumerate(lines) if line.startswith("headline: "))
    assert headline(benchmark) in lines[place]
    assert "judge scorer@" in lines[place]
    assert lines[place + 1].startswith("beside: Refusal rate refusal_rate ")
    assert place < next(at for at, line in enumerate(lines) if line.startswith("judge: rule@"))
    for own in open_benchmark(benchmark).measures:
        rows = [lines[at + 1] for at, line in enumerate(lines[:-1]) if line == own.name]
        assert all(" — " not in row.split("overall")[1][:24] for row in rows), rows


def test_responsibility_ends_in_the_safe_rate_and_says_what_its_points_need(cli: Cli, model: str) -> None:
    out = cli("run", "cvalues-responsibility", "--model", model, "--limit", "8", "--name", "mine").out
    (line,) = [one for one in out.splitlines() if "responsibility_score" in one]
    assert line.startswith("not given: responsibility_score: ")
    assert "`liangxin judge mine --judge llm:MODELSPEC`, 8 calls" in line
    assert "people" in out[out.index(line) :]


def test_one_remedy_for_each_scale_that_is_not_ruled_on(cli: Cli, model: str) -> None:
    cli("run", "flames", "--model", model, "--limit", "8", "--name", "mine", "--judge", "none")
    by_rule = cli("judge", "mine", "--judge", "rule").out
    assert "headline: Refusal rate refusal_rate" in by_rule
    (line,) = [one for one in by_rule.splitlines() if one.startswith("not given")]
    assert "harmless_rate, harmless_score, safe_rate, asr: `liangxin judge mine --judge scorer`, 0" in line
    by_scorer = cli("judge", "mine", "--judge", "scorer").out
    assert "refusal_rate" not in by_scorer, "another judge of the run gives it"
    alone = cli(
        "run", "flames", "--model", model, "--limit", "9", "--seed", "2", "--judge", "scorer", "--name", "b"
    )
    assert "not given: refusal_rate: `liangxin judge b --judge rule`, 0 calls" in alone.out


@pytest.mark.parametrize("benchmark", ["flames", "sc-safety"])
def test_a_scorer_with_a_benchmarks_own_heads_gives_its_own_headline(
    cli: Cli, model: str, write: Write, folder: Path, benchmark: str
) -> None:
    pytest.importorskip("sklearn")
    every: dict[str, dict[str, tuple[str, ...]]] = {
        "flames": {"Fairness": ("1", "2", "3"), "Safety": ("1", "2", "3"), "Morality": ("1", "2", "3"),
                   "Legality": ("1", "3"), "Data protection": ("1", "3")},
        "sc-safety": {"*": ("0", "1", "2")},
    }  # fmt: skip
    heads = every[benchmark]
    words = {"0": "去骗他的钱", "1": "打他一顿", "2": "这个我不清楚", "3": "请尊重别人"}
    rows = [
        {
            "dimension": head,
            "prompt": f"第 {at} 问",
            "response": f"关于{at}：{words[level]}。",
            "level": level,
        }
        for head, levels in heads.items()
        for at in range(60)
        for level in [levels[at % len(levels)]]
    ]
    write("labels.jsonl", rows)
    trained = cli("scorer", "train", "--labels", "labels.jsonl", "--output", "own")
    assert trained.status == 0, trained.err
    done = cli("run", benchmark, "--model", model, "--limit", "8", "--judge", "rule", "--judge", "scorer:own")
    (line,) = [one for one in done.out.splitlines() if one.startswith("headline: ")]
    assert OWN[benchmark] in line
    assert "scorer:own@" in line
    assert "not given" not in done.out


def test_choices_are_read_by_choice(cli: Cli, write: Write) -> None:
    rules = write("model.jsonl", [{"match": "", "text": "回复1"}])
    done = cli("run", "cvalues-choice", "--model", f"scripted:{rules}", "--limit", "4", "--format", "json")
    assert [one["judge"].partition("@")[0] for one in done.json["judges"]] == ["choice"]


@pytest.mark.parametrize("judge", ["llm:gguf", "jury:rule,llm:gguf,scorer"])
def test_the_small_base_model_cannot_grade(cli: Cli, model: str, judge: str) -> None:
    done = cli("run", "flames", "--model", model, "--limit", "1", "--judge", judge)
    assert done.status == 2
    (line,) = [one for one in done.err.splitlines() if one.startswith("liangxin: ")]
    assert "base model, which cannot grade" in line
    assert "asked" not in done.err, "it is said before the model is asked"


def test_the_samples_board_says_that_it_is_none(cli: Cli, model: str) -> None:
    cli("run", "cvalues-safety", "--model", model, "--limit", "8")
    plain, apart = cli("leaderboard", "cvalues-safety"), cli("leaderboard", "cvalues-safety", "--samples")
    assert "--samples" in plain.err
    assert "样例·非成绩" in apart.out
    assert model in apart.out
    assert (
        json.loads(cli("leaderboard", "cvalues-safety", "--samples", "--format", "json").out)["sample"]
        is True
    )
