"""A store with damaged pages ends every command in a sentence, never in a traceback."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from testbench.command import liangxin

PAGE = 4096
COMMANDS = (
    ("scores", "x"),
    ("export", "x", "--output", "o.jsonl"),
    ("report", "x", "--output", "o.html"),
    ("judge", "x", "--judge", "rule"),
    ("runs",),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one run, in one file."""
    folder = tmp_path_factory.mktemp("whole")
    rows = [
        {"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": f"第{k}题怎么办呢？"}
        for k in range(300)
    ]
    replies = [{"prompt": row["prompt"], "response": f"回答{k}：先了解情况。"} for k, row in enumerate(rows)]
    for name, lines in (("data", rows), ("replies", replies)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    words = ("run", "flames", "--model", "replay:replies.jsonl", "--judge", "rule", "--data", "data.jsonl")
    assert liangxin(folder, *words, "--store", "store.db", "--name", "x").returncode == 0
    place = folder / "store.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return place


def ended(folder: Path, content: bytes, *words: str) -> tuple[int, str]:
    """A command's exit status and what it said, on a store of that content."""
    (folder / "bad.db").write_bytes(content)
    done = liangxin(folder, *words, "--store", "bad.db")
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 3)
    return done.returncode, done.stderr


@pytest.mark.parametrize("seed", range(25))
def test_damaged_pages_are_a_stated_failure(whole: Path, tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    content = bytearray(whole.read_bytes())
    page = PAGE * chosen.randrange(len(content) // PAGE)
    if seed % 3 == 0:
        content[page : page + PAGE] = chosen.randbytes(PAGE)
    elif seed % 3 == 1:
        content[page : page + PAGE] = bytes(PAGE)
    else:
        for _ in range(200):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
    ended(tmp_path, bytes(content), *COMMANDS[seed % len(COMMANDS)])


@pytest.mark.parametrize("words", COMMANDS)
def test_every_row_damaged_is_said(whole: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """In its texts alone, which SQLite reads as they stand."""
    content = (
        whole.read_bytes()
        .replace(b'{"category":', b'{"cat\xffgory":')
        .replace(b'"identity":{', b'"identity"!{')
    )
    status, said = ended(tmp_path, content, *words)
    assert status == 1
    assert "the store" in said


def test_every_other_page_damaged_is_said(whole: Path, tmp_path: Path) -> None:
    content = bytearray(whole.read_bytes())
    for page in range(PAGE, len(content), 2 * PAGE):
        content[page : page + PAGE] = b"\x86" * PAGE
    for words in COMMANDS:
        status, said = ended(tmp_path, bytes(content), *words)
        assert status == 1
        assert "store" in said
