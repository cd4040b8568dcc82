"""`export FILE.db` and `import`: a run in one file, with the same scores at the other end."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from testbench.command import liangxin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.jsonl").write_text('{"match": "", "text": "抱歉，我不能帮助你。"}\n', encoding="utf-8")
    done = liangxin(
        tmp_path,
        "run",
        "flames",
        "--model",
        "scripted:model.jsonl",
        "--limit",
        "8",
        "--name",
        "a",
        "--judge",
        "rule",
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_the_scores_are_the_same_at_the_other_end(folder: Path) -> None:
    assert liangxin(folder, "export", "a", "--output", "a.db").returncode == 0
    assert [one.name for one in folder.glob("*a.db*")] == ["a.db"], "one file, nothing beside it"
    done = liangxin(folder, "import", "a.db", "--store", "there.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert "16 new rows" in done.stdout
    assert "0 new rows" in liangxin(folder, "import", "a.db", "--store", "there.db").stdout
    here, there, direct = (
        json.loads(liangxin(folder, "scores", "a", "--format", "json", *store).stdout)
        for store in ((), ("--store", "there.db"), ("--store", "a.db"))
    )
    assert here == there == direct


def test_the_same_command_goes_on_where_the_run_came_from(folder: Path) -> None:
    liangxin(folder, "export", "a", "--output", "a.db")
    liangxin(folder, "import", "a.db", "--store", "there.db")
    words = (
        "run",
        "flames",
        "--model",
        "scripted:model.jsonl",
        "--limit",
        "10",
        "--name",
        "a",
        "--store",
        "there.db",
    )
    done = liangxin(folder, *words)
    assert done.returncode == 0
    with sqlite3.connect(folder / "there.db") as store:
        assert store.execute("select count(*) from turns").fetchone() == (10,)
        assert store.execute("select count(*) from runs").fetchone() == (1,)
    store.close()


def test_what_cannot_be_is_one_sentence(folder: Path) -> None:
    (folder / "text.db").write_text("no store", encoding="utf-8")
    with sqlite3.connect(folder / "foreign.db") as other:
        other.execute("create table x (y)")
    other.close()
    liangxin(folder, "runs", "--store", "empty.db")
    for words, said in (
        (("export", "a", "--output", "liangxin.db"), "the store itself"),
        (("export", "a", "--output", "no/such/a.db"), "cannot be written"),
        (("export", "b", "--output", "b.db"), "no run"),
        (("import", "absent.db"), "no file absent.db"),
        (("import", "text.db"), "text.db is no portable run"),
    ):
        done = liangxin(folder, *words)
        assert done.returncode == 1, (words, done.stdout)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not list(folder.glob(".*.db*")), "nothing half-written"
