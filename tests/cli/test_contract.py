"""The command line's contract: JSON, files in and out, exit statuses, one clear sentence for each mistake."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Write = Callable[[str, Sequence[dict[str, Any]]], str]

FLAMES = [
    {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": "题一"},
    {"dimension": "Fairness", "subcomponent": "Bias and discrimination", "prompt": "题二"},
    {"dimension": "Legality", "subcomponent": "Law violation", "prompt": "题三"},
    {"dimension": "Legality", "subcomponent": "Law violation", "prompt": "题四"},
]
ANSWERS = [{"prompt": row["prompt"], "response": f"答{row['prompt']}"} for row in FLAMES]
LEVELS = ["3", "2", "3", "1"]


@pytest.fixture
def flames(write: Write) -> list[str]:
    """Words of a run with hand-made labels; harmless_rate: Fairness 50, Legality 50; scores 83.3, 66.7."""
    write("data.jsonl", FLAMES)
    write("answers.jsonl", ANSWERS)
    labels = [row | {"level": level} for row, level in zip(ANSWERS, LEVELS, strict=True)]
    write("labels.jsonl", labels)
    return [
        "run",
        "flames",
        "--data",
        "data.jsonl",
        "--model",
        "replay:answers.jsonl",
        "--judge",
        "labels:labels.jsonl",
    ]


def test_the_json_object(cli: Cli, flames: list[str], folder: Path) -> None:
    done = cli(*flames, "--format", "json", "--name", "mine")
    assert done.status == 0
    assert len(done.out.splitlines()) == 1
    found = done.json
    assert found["benchmark"] == "flames"
    assert found["sample"] is False
    assert found["model"] == "replay:answers.jsonl"
    assert found["data_sha256"] == hashlib.sha256((folder / "data.jsonl").read_bytes()).hexdigest()
    assert found["replies"] == {"ok": 4}
    assert [judge["verdicts"] for judge in found["judges"]] == [{"given": 4}]
    overall = done.score("harmless_rate")
    assert overall["value"] == 50
    assert (overall["n"], overall["missing"], overall["method"]) == (4, 0, "mover-wilson")
    assert done.score("harmless_score", "Fairness")["value"] == pytest.approx(100 * 5 / 6)
    assert done.score("harmless_score", "Legality")["value"] == pytest.approx(100 * 4 / 6)
    assert done.score("harmless_score")["value"] == pytest.approx(75)
    assert done.score("harmless_rate", "Fairness/Toxic language")["value"] == 100
    assert overall["service"] is None


def test_the_same_command_asks_nothing_again(cli: Cli, flames: list[str]) -> None:
    first = cli(*flames, "--format", "json").json
    assert cli(*flames, "--format", "json").json == first
    assert cli("scores", first["run"], "--format", "json").json == first
    (row,) = [json.loads(line) for line in cli("runs", "--format", "json").out.splitlines()]
    assert row["run"] == first["run"]


def test_what_is_missing_is_a_status(cli: Cli, flames: list[str], write: Write) -> None:
    write(
        "answers.jsonl",
        [ANSWERS[0], ANSWERS[1] | {"response": ""}, ANSWERS[2] | {"reply_status": "filtered"}],
    )
    done = cli(*flames, "--format", "json")
    assert done.status == 3
    assert done.json["replies"] == {"ok": 1, "filtered": 1, "empty": 1, "failed": 1}
    assert "turn 1: no recorded answer" in done.err
    overall = done.score("harmless_rate")
    assert (overall["n"], overall["missing"]) == (1, 3)
    assert overall["missing_by_reason"] == {"filtered": 1, "empty": 1, "failed": 1}
    assert (overall["worst"], overall["best"]) == (25, 100)
    assert overall["service"] == 100


def test_limit_extends_and_trials_multiply(cli: Cli, flames: list[str]) -> None:
    small = cli(*flames, "--limit", "2", "--format", "json").json
    large = cli(*flames, "--format", "json").json
    assert (small["run"], small["replies"], large["replies"]) == (large["run"], {"ok": 2}, {"ok": 4})
    other = cli(*flames, "--trials", "2", "--format", "json")
    assert other.json["run"] != large["run"]
    assert other.json["replies"] == {"ok": 4, "failed": 4}


def test_a_judge_that_reads_refusal_leaves_grades_empty(cli: Cli, flames: list[str]) -> None:
    done = cli(*flames[:-2], "--judge", "rule", "--format", "json")
    assert done.status == 0
    grade = done.score("harmless_rate")
    assert (grade["value"], grade["n"], grade["missing_by_reason"]) == (None, 0, {"no such levels": 4})
    assert done.score("refusal_rate")["value"] == 0


def test_a_stored_run_is_ruled_on_again(cli: Cli, flames: list[str]) -> None:
    run = cli(*flames[:-2], "--judge", "none", "--format", "json", "--name", "quiet").json
    assert (run["judges"], run["scores"]) == ([], [])
    again = cli("judge", "quiet", "--judge", "labels:labels.jsonl", "--format", "json")
    assert again.score("harmless_rate")["value"] == 50
    both = cli("scores", "quiet", "--format", "json").json
    assert len(both["judges"]) == 1
    assert cli("scores", "quiet", "--judge", "rule").status == 1


def test_the_export_has_a_row_for_each_turn_and_judge(
    cli: Cli, flames: list[str], folder: Path, write: Write
) -> None:
    labels: list[dict[str, Any]] = [{**ANSWERS[0], "level": 3, "annotator": who} for who in ("甲", "乙")]
    write("labels.jsonl", labels)
    cli(*flames, "--judge", "rule", "--name", "mine")
    for ending in ("jsonl", "csv", "parquet"):
        assert cli("export", "mine", "--output", f"out.{ending}").status == 0
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert list(rows[0]) == [
        "run",
        "item",
        "prompt",
        "category",
        "trial",
        "turn",
        "response",
        "reasoning",
        "reply_status",
        "detail",
        "judge",
        "annotator",
        "level",
        "verdict_status",
        "confidence",
        "reason",
    ]
    first = [row for row in rows if row["prompt"] == "题一"]
    assert [(row["annotator"], row["level"]) for row in first if row["judge"].startswith("labels")] == [
        ("乙", "3"),
        ("甲", "3"),
    ]
    assert sum(row["judge"].startswith("rule") for row in rows) == 4
    assert len(rows) == 6
    with (folder / "out.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["response"] for row in csv.DictReader(stream)] == [row["response"] for row in rows]
    import polars

    assert polars.read_parquet(folder / "out.parquet").rows() == [tuple(row.values()) for row in rows]


def test_unjudged_turns_have_one_row_with_an_empty_judge(cli: Cli, flames: list[str], folder: Path) -> None:
    cli(*flames[:-2], "--judge", "none", "--name", "quiet")
    cli("export", "quiet", "--output", "out.jsonl")
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["judge"] for row in rows] == [""] * 4


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["run", "flamse", "--model", "replay:answers.jsonl"], 2, "Did you mean 'flames'"),
        (["run", "flames", "--model", "opnai:x"], 2, "Did you mean 'openai'"),
        (["run", "flames", "--model", "openai"], 2, "lacks a name"),
        (
            ["run", "flames", "--model", "replay:answers.jsonl", "--judge", "labls:x"],
            2,
            "Did you mean 'labels'",
        ),
        (["run", "flames", "--model", "replay:answers.jsonl", "--judge", "choice"], 1, "choice"),
        (["run", "flames", "--model", "replay:absent.jsonl"], 1, "absent.jsonl: no such file"),
        (["run", "flames", "--model", "replay:answers.jsonl", "--data", "absent.jsonl"], 1, "no such file"),
        (["run", "flames", "--model", "replay:answers.jsonl", "--data", "."], 1, "is a directory"),
        (
            ["run", "flames", "--model", "openai:x", "--api-key-env", "NO_SUCH_NAME"],
            2,
            "NO_SUCH_NAME is not set",
        ),
        (["run", "flames"], 2, "--model"),
        (["run", "flames", "--model", "replay:answers.jsonl", "--trials", "0"], 2, "--trials"),
        (
            ["run", "flames", "sc-safety", "--model", "replay:answers.jsonl", "--data", "data.jsonl"],
            2,
            "one benchmark's file",
        ),
        (["scores", "absent"], 1, "no store at"),
        (
            ["run", "flames", "--model", "replay:answers.jsonl", "--store", "no/such/folder.db"],
            1,
            "does not exist",
        ),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_users_mistake_is_one_sentence(
    cli: Cli, flames: list[str], words: list[str], status: int, message: str
) -> None:
    done = cli(*words)
    assert done.status == status, done.err
    assert message in " ".join(done.err.split())
    assert done.out == ""


def test_a_bad_row_is_named_and_nothing_is_loaded(cli: Cli, flames: list[str], write: Write) -> None:
    write(
        "data.jsonl", [*FLAMES, {"dimension": "Fairness", "subcomponent": "Law violation", "prompt": "题五"}]
    )
    done = cli(*flames)
    assert done.status == 1
    assert "data.jsonl:5: subcomponent: found " in done.err
    assert cli("runs", "--format", "json").out == ""
    assert cli("check", "flames", "--data", "data.jsonl").status == 1


def test_a_good_file_is_checked_and_counted(cli: Cli, flames: list[str]) -> None:
    done = cli("check", "flames", "--data", "data.jsonl")
    assert done.status == 0
    assert "4 items" in done.out
    assert "2  Legality/Law violation" in done.out


def test_cards_and_lists(cli: Cli) -> None:
    assert {line.split()[0] for line in cli("benchmarks").out.splitlines()} == {
        "flames", "sc-safety", "cvalues-choice", "cvalues-responsibility", "cvalues-safety",
    }  # fmt: skip
    card = cli("benchmarks", "flames").out
    assert "已知局限" in card
    assert "Known limits" in card
    assert "openai:NAME" in cli("models").out
    assert "labels:FILE" in cli("judges").out


def test_the_sample_says_so_everywhere(cli: Cli, write: Write, folder: Path) -> None:
    write("say.jsonl", [{"match": "", "text": "抱歉，我不能帮助您。建议您咨询专业人士。"}])
    done = cli("run", "flames", "--model", "scripted:say.jsonl", "--name", "s")
    assert done.status == 0
    assert "样例·非成绩" in done.out
    assert cli("scores", "s", "--format", "json").json["sample"] is True
    assert cli("report", "s", "--output", "r.html").status == 0
    assert "样例·非成绩" in (folder / "r.html").read_text(encoding="utf-8")


def test_cvalues_stands_for_its_three_parts(cli: Cli, write: Write) -> None:
    write("say.jsonl", [{"match": "", "text": "回复1"}])
    done = cli("run", "cvalues", "--model", "scripted:say.jsonl", "--format", "json")
    found = [json.loads(line)["benchmark"] for line in done.out.splitlines()]
    assert found == ["cvalues-choice", "cvalues-responsibility", "cvalues-safety"]


def test_a_gbk_terminal(shell: Cli, flames: list[str]) -> None:
    done = shell(*flames, PYTHONIOENCODING="gbk", PYTHONUTF8="0")
    assert done.status == 0
    machine = shell(*flames, "--format", "json", PYTHONIOENCODING="gbk", PYTHONUTF8="0")
    assert machine.json["replies"] == {"ok": 4}
