"""`liangxin runs` and the commands below it; several models; options that are given once; names that were meant."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from liangxin.cli.app import build
from liangxin.cli.help import SpokenCommand, SpokenGroup, repeatable
from liangxin.store import ASKING, Database, Runs, Work
from liangxin.store.leases import Lease, Leases

Cli = Callable[..., Any]
Write = Callable[[str, Sequence[dict[str, Any]]], str]

ROWS = [{"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": f"题{k}"} for k in "一二三四"]


@pytest.fixture
def measured(cli: Cli, write: Write) -> list[str]:
    """Words that measure two recorded models; each has been measured, as a and b."""
    write("data.jsonl", ROWS)
    for name in ("a", "b"):
        answers = [{"prompt": row["prompt"], "response": f"{name} 答 {row['prompt']}"} for row in ROWS]
        write(f"{name}.jsonl", answers)
        labels = [{**row, "level": "3" if name == "a" else "1"} for row in answers]
        write(f"labels-{name}.jsonl", labels)
        words = ["run", "flames", "--data", "data.jsonl", "--model", f"replay:{name}.jsonl"]
        done = cli(*words, "--judge", f"labels:labels-{name}.jsonl", "--name", name)
        assert done.status == 0, done.err
    return ["run", "flames", "--data", "data.jsonl", "--model", "replay:a.jsonl", "--judge", "rule"]


def names(cli: Cli, *words: str) -> list[str]:
    found = cli("runs", "--format", "json", *words).out.splitlines()
    return [json.loads(line)["name"] for line in found]


def test_a_run_is_renamed_under_its_id(cli: Cli, measured: list[str]) -> None:
    (before,) = [
        one for one in map(json.loads, cli("runs", "--format", "json").out.splitlines()) if one["name"] == "a"
    ]
    assert cli("runs", "rename", "a", "first").status == 0
    assert sorted(names(cli)) == ["b", "first"]
    assert cli("runs", "show", before["run"], "--format", "json").json["name"] == "first"
    taken = cli("runs", "rename", "first", "b")
    assert (taken.status, "the name 'b' is run" in taken.err) == (1, True)
    assert cli("rename", "first", "a").status == 0, "the short form"
    assert cli("scores", "a", "--format", "json").json["run"] == before["run"]


def test_another_name_for_a_named_run_is_refused_with_the_way_to_rename(
    cli: Cli, measured: list[str]
) -> None:
    done = cli(*measured, "--name", "another name")
    assert done.status == 1
    assert "liangxin runs rename a 'another name'" in done.err
    assert sorted(names(cli)) == ["a", "b"]
    assert cli("runs", "rename", "a", "another name").status == 0
    assert cli(*measured, "--name", "another name").status == 0


def test_archived_runs_are_hidden_from_lists_and_boards(cli: Cli, measured: list[str]) -> None:
    assert cli("runs", "archive", "a").status == 0
    listed = cli("runs")
    assert " b " in listed.out
    assert " a " not in listed.out
    assert listed.err == "1 archived runs are not shown: liangxin runs --all\n"
    assert names(cli, "--all") == ["b", "a"]
    board = cli("leaderboard", "flames", "--format", "json")
    assert [row["model"] for row in board.json["rows"] if not row["published"]] == ["replay:b.jsonl"]
    assert [(one["name"], one["reason"]) for one in board.json["left_out"]] == [
        ("a", "已归档，另见 --all archived; see --all")
    ]
    assert board.err == "left out: 1 archived; see --all\n"
    shown = cli("leaderboard", "flames", "--all", "--format", "json")
    assert len([row for row in shown.json["rows"] if not row["published"]]) == 2
    assert cli("scores", "a").status == 0, "what names it works on"
    assert cli("runs", "unarchive", "a").status == 0
    assert names(cli) == ["b", "a"]


def test_pinned_runs_come_first(cli: Cli, measured: list[str]) -> None:
    assert names(cli) == ["b", "a"]
    assert cli("runs", "pin", "a").status == 0
    assert names(cli) == ["a", "b"]
    assert "pinned" in cli("runs").out
    assert cli("runs", "unpin", "a", "b").status == 0
    assert names(cli) == ["b", "a"]
    missing = cli("runs", "pin", "a", "absent")
    assert (missing.status, names(cli)) == (1, ["b", "a"]), "none where one of the names is nobody's"


def test_a_trial_run_is_left_out_with_its_reason(cli: Cli, measured: list[str]) -> None:
    assert cli(*measured, "--seed", "3", "--limit", "2", "--name", "trial").status == 0
    done = cli("leaderboard", "flames", "--judge", "labels")
    assert "left out: trial: asked 2 items" in done.err
    assert "asked 2 items, those on this board 4" in done.err


def test_delete_says_what_goes_and_wants_a_yes(cli: Cli, measured: list[str], folder: Path) -> None:
    asked = cli("runs", "delete", "a")
    assert (asked.status, asked.out) == (2, "")
    for line in (
        "replies: 4",
        "labels by people: 4",
        "give --yes to delete this (nothing was deleted)",
    ):
        assert line in asked.err
    assert names(cli) == ["b", "a"]
    done = cli("runs", "delete", "a", "--yes")
    assert done.status == 0
    assert names(cli) == ["b"]
    assert "a 答".encode() not in b"".join(path.read_bytes() for path in folder.glob("liangxin.db*"))
    assert "b 答".encode() in b"".join(path.read_bytes() for path in folder.glob("liangxin.db*"))


def test_a_run_at_work_is_not_deleted(cli: Cli, measured: list[str], folder: Path) -> None:
    database = Database(str(folder / "liangxin.db"))
    lease = Leases(database).take(Work(Runs(database).find("a").id, ASKING))
    assert isinstance(lease, Lease)
    done = cli("runs", "delete", "b", "a", "--yes")
    assert (done.status, "run a is at work (" in done.err) == (1, True)
    assert names(cli) == ["b", "a"], "none was deleted"
    database.close()


@pytest.mark.parametrize(("answer", "left"), [("y", ["b"]), ("n", ["b", "a"])])
def test_delete_asks_at_a_terminal(
    cli: Cli, measured: list[str], folder: Path, answer: str, left: list[str]
) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "liangxin", "runs", "delete", "a"]
    with subprocess.Popen(words, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, f"{answer}\n".encode())
        status = process.wait(60)
    os.close(ours)
    assert b"replies: 4" in said
    assert (status, names(cli)) == (0 if answer == "y" else 1, left)


def test_each_model_is_a_run_and_a_line(cli: Cli, measured: list[str]) -> None:
    both = [*measured, "--model", "replay:b.jsonl"]
    done = cli(*both, "--seed", "7", "--name", "pair", "--format", "json")
    assert done.status == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["model"] for line in lines] == ["replay:a.jsonl", "replay:b.jsonl"]
    assert names(cli)[:2] == ["pair/replay:b.jsonl", "pair/replay:a.jsonl"]
    again = cli(*both, "--seed", "7", "--name", "pair", "--format", "json")
    assert again.out == done.out
    several = ["run", "flames", "cvalues-safety", *both[4:], "--name", "s", "--format", "json"]
    lines = [json.loads(line) for line in cli(*several).out.splitlines()]
    assert [(line["benchmark"], line["model"]) for line in lines] == [
        (benchmark, f"replay:{model}.jsonl") for model in "ab" for benchmark in ("flames", "cvalues-safety")
    ]
    assert "s/replay:a.jsonl-flames" in names(cli)


def test_no_model_is_asked_where_one_is_none(cli: Cli, measured: list[str]) -> None:
    unknown = cli(*measured, "--seed", "8", "--model", "qwen-plus")
    assert (unknown.status, unknown.out) == (2, "")
    assert "no model 'qwen-plus'. Did you mean 'openai:qwen-plus'?" in unknown.err
    twice = cli(*measured, "--seed", "8", "--model", "replay:a.jsonl")
    assert (twice.status, "the model replay:a.jsonl is given twice" in twice.err) == (2, True)
    assert names(cli) == ["b", "a"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--model", "qwen-plus"), "openai:qwen-plus"),
        (("--model", "gpt-4"), "openai:gpt-4"),
        (("--model", "claude-x"), "anthropic:claude-x"),
        (("--model", "a.jsonl"), "replay:a.jsonl"),
        (("--model", "tiny.gguf"), "gguf:tiny.gguf"),
        (("--model", "opnai:x"), "openai"),
        (("--model", "replay:a.jsonl", "--judge", "gpt-4"), "llm:openai:gpt-4"),
        (("--model", "replay:a.jsonl", "--judge", "openai:gpt-4"), "llm:openai:gpt-4"),
        (("--model", "replay:a.jsonl", "--judge", "llm:gpt-4"), "openai:gpt-4"),
        (("--model", "replay:a.jsonl", "--judge", "jury:rule,gpt-4,scorer"), "llm:openai:gpt-4"),
        (("--model", "replay:a.jsonl", "--judge", "labels-a.jsonl"), "labels:labels-a.jsonl"),
        (("--model", "replay:a.jsonl", "--judge", "scorrer"), "scorer"),
    ],
)
def test_what_was_meant_is_suggested(cli: Cli, write: Write, words: Sequence[str], meant: str) -> None:
    write("data.jsonl", ROWS)
    write("a.jsonl", [{"prompt": row["prompt"], "response": "答"} for row in ROWS])
    done = cli("run", "flames", "--data", "data.jsonl", *words)
    assert done.status == 2
    assert f"Did you mean {meant!r}?" in done.err


def test_misspelt_runs_measures_commands_and_options(cli: Cli, measured: list[str]) -> None:
    assert cli("runs", "rename", "a", "first").status == 0
    assert "Did you mean 'first'?" in cli("scores", "frist").err
    assert "Did you mean 'first'?" in cli("runs", "delete", "frist", "--yes").err
    decided = cli("decide", "first", "--measure", "harmles_rate", "--at-least", "90")
    assert (decided.status, "Did you mean 'harmless_rate'?" in decided.err) == (2, True)
    for words, meant in (
        (("rnus",), "runs"),
        (("runs", "renam"), "rename"),
        (("run", "flames", "--modle", "x"), "--model"),
    ):
        done = cli(*words)
        assert (done.status, meant in done.err) == (2, True)


def commands(group: Any = None, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, with the words that name it."""
    found = typer.main.get_command(build()) if group is None else group
    yield before, found
    for name, one in getattr(found, "commands", {}).items():
        yield from commands(one, (*before, name))


ALL = dict(commands())
SINGLE = [
    (words, option)
    for words, command in ALL.items()
    for option in command.params
    if option.param_type_name == "option" and not repeatable(option)
]
REPEATED = {
    "--judge",
    "--model",
    "--benchmark",
    "--body",
    "--judge-body",
    "--from",
    "--probe",
    "--trust-proxy",
}
"""The options that add up, of some command."""


def test_every_command_looks_for_options_given_twice() -> None:
    assert {type(command) for command in ALL.values()} == {SpokenCommand, SpokenGroup}
    assert len(SINGLE) > 100
    many = {
        option.opts[0]
        for command in ALL.values()
        for option in command.params
        if option.param_type_name == "option" and option.multiple
    }
    assert {"--judge", "--model"} <= many <= REPEATED


@pytest.mark.parametrize(
    ("words", "option"), SINGLE, ids=lambda value: getattr(value, "name", None) or "-".join(value)
)
def test_a_single_valued_option_given_twice_is_refused(words: tuple[str, ...], option: Any) -> None:
    value = ["1", "2"][: option.nargs] if not option.is_flag else []
    flags = [*option.opts, *option.secondary_opts] if option.is_flag else option.opts
    given = [word for flag in (flags[0], flags[-1]) for word in (flag, *value)]
    with pytest.raises(typer.TyperException) as told:
        ALL[()].main([*words, *given], standalone_mode=False)
    error: Any = told.value
    assert error.exit_code == 2
    assert f"{option.opts[0]} is given 2 times, and takes one value" in error.message


def test_it_is_wrong_usage_and_one_sentence(cli: Cli) -> None:
    done = cli("scores", "a", "--format", "json", "--format=csv")
    assert (done.status, done.out) == (2, "")
    assert "Error: --format is given 2 times, and takes one value" in done.err


def test_a_flag_that_says_the_same_twice_is_no_mistake(cli: Cli, measured: list[str]) -> None:
    assert cli("runs", "--all", "--all").status == 0


def test_options_before_the_command_are_not_lost(cli: Cli, measured: list[str]) -> None:
    done = cli("runs", "--store", "other.db", "delete", "a", "--yes")
    assert (done.status, "liangxin runs delete RUN --store URL" in done.err) == (2, True)
    assert names(cli) == ["b", "a"]


def test_bounds_are_printed_least_first(cli: Cli, write: Write) -> None:
    """Of an attack's success the worst case is the greater number; JSON says which is which."""
    write("data.jsonl", ROWS)
    write("a.jsonl", [{"prompt": row["prompt"], "response": "答"} for row in ROWS])
    write("labels.jsonl", [{"prompt": ROWS[0]["prompt"], "response": "答", "level": "1"}])
    words = [
        "run",
        "flames",
        "--data",
        "data.jsonl",
        "--model",
        "replay:a.jsonl",
        "--judge",
        "labels:labels.jsonl",
    ]
    told = cli(*words, "--format", "json").score("asr")
    assert (told["worst"], told["best"]) == (100, 25)
    lines = [line.strip() for line in cli(*words).out.splitlines()]
    rows = lines[lines.index("asr") :]
    assert "[25.0, 100.0]" in next(line for line in rows if "missing 3 (" in line)
