"""`run` and `load`: the command line's runs, from Python; in a script, a thread and a running event loop."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import liangxin
from liangxin.testing.provider import Provider, running
from testbench import command


def refuse(_messages: list[dict[str, str]]) -> str:
    return "抱歉，我不能帮您做这件事。"


def command_line(*words: str) -> str:
    """What a command of the command line prints."""
    done = command.liangxin(Path.cwd(), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_summary_is_the_command_lines(files: dict[str, Any]) -> None:
    result = liangxin.run("flames", name="here", **files)
    words = [word for key, value in files.items() for word in (f"--{key}", value)]
    told = json.loads(command_line("run", "flames", *words, "--store", "other.db", "--format", "json"))
    assert json.loads(json.dumps(result.summary)) == told
    again = json.loads(command_line("scores", "here", "--format", "json"))
    assert again == told


def test_a_run_of_the_command_line_is_continued(files: dict[str, Any]) -> None:
    command_line(
        "run", "flames", "--model", files["model"], "--data", files["data"], "--limit", "2", "--judge", "none"
    )
    result = liangxin.run("flames", **files)
    assert len(liangxin.list_runs()) == 1
    assert result.replies == {"ok": 4}
    assert liangxin.load(result.run).summary == result.summary


def test_a_list_gives_a_list_with_names(folder: Path) -> None:
    model = liangxin.FunctionModel("m", refuse)
    results = liangxin.run(["flames", "cvalues"], model=model, limit=2, name="all", store=folder / "x.db")
    assert [one.name for one in results] == [
        "all-flames",
        "all-cvalues-choice",
        "all-cvalues-responsibility",
        "all-cvalues-safety",
    ]
    assert liangxin.list_runs(folder / "x.db")["name"].to_list() == [one.name for one in reversed(results)]
    (only,) = liangxin.run(["flames"], model=model, limit=2, name="all-flames", store=folder / "x.db")
    assert only.run == results[0].run


def test_one_word_for_three_benchmarks_wants_a_list() -> None:
    with pytest.raises(liangxin.UsageError, match=r"3 benchmarks; write it in a list"):
        liangxin.run("cvalues", model=liangxin.FunctionModel("m", refuse))
    with pytest.raises(liangxin.UsageError, match="no benchmark"):
        liangxin.run([], model="replay:x")


def test_inside_a_running_loop(files: dict[str, Any]) -> None:
    async def notebook() -> liangxin.Result:
        result: liangxin.Result = liangxin.run("flames", **files)
        return result

    assert asyncio.run(notebook()).replies == {"ok": 4}


def test_errors_come_out_of_a_running_loop_too() -> None:
    async def notebook() -> None:
        liangxin.run("flames", model="replay:absent.jsonl")

    with pytest.raises(liangxin.DataError, match=r"absent\.jsonl"):
        asyncio.run(notebook())


def test_in_a_thread(files: dict[str, Any]) -> None:
    found: list[liangxin.Result] = []
    thread = threading.Thread(target=lambda: found.append(liangxin.run("flames", **files)))
    thread.start()
    thread.join()
    assert found[0].replies == {"ok": 4}


def test_signal_handlers_are_put_back(files: dict[str, Any]) -> None:
    def mine(_number: int, _frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        liangxin.run("flames", **files)
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


INTERRUPTED = """
import asyncio, os, signal, sys, threading, time
import liangxin

asked = 0

async def answer(messages):
    global asked
    asked += 1
    if asked == 3:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.5)
    return "抱歉，我不能。"

def go():
    try:
        liangxin.run("flames", model=liangxin.FunctionModel("m", answer), connections=1, name="x")
    except KeyboardInterrupt:
        print("interrupted", asked, threading.active_count())

async def notebook():
    go()

asyncio.run(notebook()) if sys.argv[1] == "notebook" else go()
result = liangxin.load("x")
print(result.replies)
"""


@pytest.mark.parametrize("where", ["script", "notebook"])
def test_an_interrupt_is_a_keyboard_interrupt_and_what_was_answered_stays(where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, where],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    words, counts = done.stdout.splitlines()
    assert words.startswith("interrupted ")
    assert 3 <= int(words.split()[1]) < 10
    assert words.endswith(" 1")
    assert "'ok': " in counts
    assert "'not_asked': " in counts


def test_keys_reach_the_endpoint_and_nothing_else(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    key = "sk-the-key-itself-0123456789"
    with running(Provider()) as provider:
        told = liangxin.run(
            "flames", model="openai:m", base_url=provider.base_url, api_key=key, limit=2, retries=0
        )
        monkeypatch.setenv("MY_KEY", key)
        again = liangxin.run(
            "flames", model="openai:m", base_url=provider.base_url, api_key_env="MY_KEY", limit=3, retries=0
        )
    assert {request.authorization for request in provider.requests} == {f"Bearer {key}"}
    assert (told.failure_count, again.failure_count, told.run) == (0, 0, again.run)
    assert key not in repr(told) + str(told.summary) + told._repr_html_()
    told.report("report.html")
    assert not [path for path in folder.iterdir() if key.encode() in path.read_bytes()]
    with pytest.raises(liangxin.UsageError, match="both given"):
        liangxin.run("flames", model="openai:m", api_key=key, api_key_env="MY_KEY")
    with pytest.raises(liangxin.UsageError, match="ABSENT is not set"):
        liangxin.run("flames", model="openai:m", judge_api_key_env="ABSENT")


def test_progress_is_shown_only_where_it_is_wanted(
    files: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = liangxin.run("flames", **files)
    assert capsys.readouterr() == ("", "")
    liangxin.run("flames", **files, progress=True, name="loud")
    shown = capsys.readouterr()
    assert (shown.out, f"run {quiet.run} (loud)" in shown.err) == ("", True)


def test_notices_are_kept(files: dict[str, Any]) -> None:
    labels = Path("labels.jsonl")
    labels.write_text(labels.read_text(encoding="utf-8").replace("答题四", "别的回答"), encoding="utf-8")
    result = liangxin.run("flames", **files)
    assert any("1 " in notice and "label" in notice for notice in result.notices), result.notices


def test_loading_what_is_not_there(files: dict[str, Any]) -> None:
    with pytest.raises(liangxin.StoreError, match="no store"):
        liangxin.load("x")
    liangxin.run("flames", **files, name="first")
    with pytest.raises(liangxin.UnknownRun, match="Did you mean 'first'"):
        liangxin.load("frist")
    with pytest.raises(liangxin.JudgeError, match="rule"):
        liangxin.load("first", judge="rule")
