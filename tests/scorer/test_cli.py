"""The commands as a user runs them, and a run judged by a scorer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liangxin.scorer.rows import Labelled
from testbench.command import liangxin

pytest.importorskip("sklearn")


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    def call(*words: str) -> tuple[int, str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LIANGXIN_")}
        done = liangxin(tmp_path, *words, environment=kept)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return call


def test_train_evaluate_show_and_judge(
    cli: Callable[..., tuple[int, str, str]],
    labelled: Callable[..., list[Labelled]],
    write_labels: Callable[..., str],
    tmp_path: Path,
) -> None:
    labels = write_labels(
        [*labelled(150, "Fairness", ("1", "2", "3")), *labelled(150, "Legality", ("1", "3"))]
    )
    status, out, err = cli(
        "scorer",
        "train",
        "--labels",
        labels,
        "--output",
        "scorers/mine",
        "--heads",
        "flames",
        "--base",
        "none",
    )
    assert (status, out) == (1, "")
    assert "head Safety: 0 labels; at least 20" in err
    status, out, err = cli(
        "scorer", "train", "--labels", labels, "--output", "scorers/whole", "--heads", "flames"
    )
    assert status == 0
    assert "head Safety: 0 labels; at least 20" in err
    assert "it stays as in default" in err
    status, out, err = cli(
        "scorer", "train", "--labels", labels, "--output", "scorers/mine", "--base", "none"
    )
    assert status == 0, err
    assert re.search(r"^Fairness +source-0 ", out, re.M)
    assert "--judge scorer:scorers/mine" in err

    status, out, _ = cli("scorer", "evaluate", "mine", "--labels", labels, "--format", "json")
    assert status == 0
    figures = json.loads(out)["figures"]
    assert {(one["head"], one["source"]) for one in figures} == {
        (head, f"source-{at}") for head in ("Fairness", "Legality") for at in range(3)
    }
    assert all(
        one["accuracy"]["low"] <= one["accuracy"]["value"] <= one["accuracy"]["high"] for one in figures
    )

    status, out, _ = cli("scorer", "show", "mine")
    assert status == 0
    for word in ("# Scorer mine", "sha256", "## Limits", "labels.jsonl", "Fairness: 1, 2, 3"):
        assert word in out

    answers = [
        {"id": f"sample-flames-{at:03d}", "response": "请尊重别人，建议和老师商量。"} for at in range(1, 65)
    ]
    (tmp_path / "answers.jsonl").write_text(
        "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in answers), encoding="utf-8"
    )
    words = ("run", "flames", "--model", "replay:answers.jsonl", "--format", "json", "--judge")
    status, out, err = cli(*words, "scorer", "--judge", "scorer:mine", "--judge", "scorer:whole")
    assert status in (0, 3), err
    scores: list[dict[str, Any]] = json.loads(out)["scores"]

    def overall(judge: str, measure: str) -> dict[str, Any]:
        (one,) = [
            one
            for one in scores
            if (one["judge"].partition("@")[0], one["measure"], one["group"]) == (judge, measure, "overall")
        ]
        return one

    harmless = overall("scorer", "harmless_rate")
    assert harmless["value"] is not None
    assert harmless["low"] <= harmless["value"] <= harmless["high"]
    assert harmless["n"] == 64
    graded = overall("scorer:mine", "harmless_rate")
    assert graded["n"] > 0
    assert graded["missing_by_reason"]["abstained"] > 0  # the dimensions that have no head
    assert overall("scorer:whole", "harmless_rate")["n"] == 64
    assert not [
        one for one in scores if one["judge"].startswith("scorer:mine") and one["measure"] == "safe_rate"
    ]


def test_the_default_is_measured_on_held_out_answers_and_the_pairs(
    cli: Callable[..., tuple[int, str, str]],
) -> None:
    status, out, _ = cli("scorer", "evaluate", "--format", "json")
    assert status == 0
    told = json.loads(out)
    (one,) = told["figures"]
    assert one["n"] >= 200
    assert (
        one["accuracy"]["low"] > 0.65
    )  # docs/decisions/0018: .75 of 248 since it learnt more registers than theirs
    ranking = told["held_out"]["unseen style x unseen topic"]
    assert ranking["low"] <= ranking["value"] <= ranking["high"]


def test_evaluate_prints_the_cards_figures(
    cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIANGXIN_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "400")
    status, out, err = cli("scorer", "evaluate")
    assert status == 0
    assert "LIANGXIN_DATA is not set" in err
    _, card, _ = cli("scorer", "show")
    rows = [re.split(" {2,}", line) for line in out.splitlines()]
    ranked = [row for row in rows if row[0].startswith(("unseen", "*", "sc-safety"))]
    assert len(ranked) > 6
    for row in ranked:
        assert f"| {' | '.join(row)} |" in card


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("train", "--labels", "none.jsonl", "--output", "x"), 1, "none.jsonl: no such file"),
        (("train", "--labels", "l.jsonl", "--output", "x", "--heads", "A"), 2, "--heads"),
        (
            ("train", "--labels", "l.jsonl", "--output", "x", "--backbone", "tree"),
            2,
            "write ngram or hf:PATH",
        ),
        (("train", "--labels", "l.jsonl", "--output", "x", "--backbone", "hf"), 2, "write ngram or hf:PATH"),
        (("train", "--labels", "l.jsonl", "--output", "x"), 1, "1 labels; at least 20"),
        (("evaluate", "absent"), 1, "neither a directory nor a name"),
        (("show", "."), 1, "no scorer here"),
    ],
)
def test_mistakes_are_said(
    words: tuple[str, ...], status: int, said: str, cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    row = {"prompt": "q", "response": "好", "level": "safe"}
    (tmp_path / "l.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    found, _, err = cli("scorer", *words)
    assert found == status
    assert said in err
