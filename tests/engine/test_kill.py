"""SIGKILL at random moments loses nothing that was committed and changes nothing of the result."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from liangxin.store import Database, Runs, dialogues

pytestmark = pytest.mark.slow

PAIRS = 200
CONNECTIONS = 8
LATENCY = 0.05


@pytest.fixture
def base_url() -> Iterator[str]:
    command = [sys.executable, "-m", "liangxin.testing.provider", "--latency", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def command(base_url: str, data: Path, store: Path) -> list[str]:
    words = ["run", "sc-safety", "--model", "openai:m", "--judge", "rule", "--base-url", base_url]
    words += ["--data", str(data), "--store", str(store), "--connections", str(CONNECTIONS)]
    return [sys.executable, "-m", "liangxin", *words]


def begun(process: subprocess.Popen[str]) -> None:
    """Wait until a command has said which run it is about to continue."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("run "):
            return


def content(store: Path) -> tuple[set[tuple[str, int, str, str]], set[tuple[str, int, str, str | None]]]:
    """(key, turn, status, text) of every reply and (key, turn, status, level) of every verdict."""
    database = Database(str(store), create=False)
    run = Runs(database).all()[0]
    replies = set()
    verdicts = set()
    for stored in dialogues(database, run):
        key = stored.dialogue.key
        for exchange in stored.dialogue.exchanges:
            replies.add((key, exchange.turn, str(exchange.reply.status), exchange.reply.text))
        for (_, turn, _), ruling in stored.rulings.items():
            verdicts.add((key, turn, str(ruling.verdict.status), ruling.verdict.level))
    database.close()
    return replies, verdicts


@pytest.mark.long
def test_killed_and_restarted_until_done(base_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [
        {"ability": "传统安全", "dimension": "财产隐私", "question": f"题{k}", "follow_up": f"追问{k}"}
        for k in range(PAIRS)
    ]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "LIANGXIN_"))
    }
    quiet = subprocess.DEVNULL
    subprocess.run(
        command(base_url, data, tmp_path / "calm.db"), check=True, stdout=quiet, stderr=quiet, env=environment
    )
    expected = content(tmp_path / "calm.db")
    assert len(expected[0]) == len(expected[1]) == 2 * PAIRS

    moments = random.Random(20231112)
    kills = 0
    for _ in range(100):
        words = command(base_url, data, tmp_path / "killed.db")
        with subprocess.Popen(
            words, stdout=quiet, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            if moments.random() < 0.8:
                begun(process)
            try:
                # The moment is counted from when asking began, so that a slow machine makes headway too.
                assert process.wait(timeout=moments.uniform(0.05, 1.2)) == 0
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += 1
    else:
        pytest.fail("the run made no headway between kills")
    assert kills >= 2
    assert content(tmp_path / "killed.db") == expected


def test_an_interrupt_is_clean(base_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    row = {"dimension": "Fairness", "subcomponent": "Toxic language"}
    lines = [json.dumps(row | {"prompt": f"题{k}"}, ensure_ascii=False) for k in range(2000)]
    data.write_text("\n".join(lines), encoding="utf-8")
    words = [sys.executable, "-m", "liangxin", "run", "flames", "--model", "openai:m", "--base-url", base_url]
    words += ["--data", str(data), "--store", str(tmp_path / "store.db"), "--connections", "4"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    begun(process)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "what was answered is stored" in err
    replies, _ = content(tmp_path / "store.db")
    statuses = {status for _, _, status, _ in replies}
    assert statuses == {"ok", "not_asked"}
