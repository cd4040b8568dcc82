"""Searching with the index, without it and while it is made: what is found is the same, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from liangxin.records import Item, Reply
from liangxin.store import Database, NewRun, RunRecord, Runs, Writer
from liangxin.store.browsing import DialogueFilter, find
from liangxin.store.judgements import AttemptKey
from liangxin.store.life.removal import delete_run
from liangxin.store.searching import index_run, searched_answers

ANSWERS = (
    "麒麟出没的地方", "这里有麒麟", "麒", "Straße ÉCOLE 安全", "école 安", "全安", "100% _sure_", 'say "hi" AND (no)',
    "\\反斜线", "emoji 😀😀 end", "İstanbul", "", "a", "ab", "abc", "\x03\x03", "安全建议，安全建议",
)  # fmt: skip
WORDS = (
    "麒", "麒麟", "麒麟出", "出没的地方", "地方", "安全", "全", "école", "ÉCOLE", "É安", "éC", "ß", "% ", "_s", "%", '"hi"',
    '"h', "AND", "NOT", "\\", "\\反", "😀😀", "😀😀 ", "is", "İs", "ab", "AB", "abc", "bc", "turns", "项", "没有的",
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_file = request.param == "sqlite"
    opened = Database(str(tmp_path / "store.db") if is_file else request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()


def run_of(database: Database, answers: tuple[str, ...], name: str = "r", spare: int = 1) -> RunRecord:
    runs = Runs(database)
    items = [
        Item(id=f"{name}{k}", turns=(f"题目\n{k}项“{name}”",), category=("类",))
        for k in range(len(answers) + spare)
    ]
    dataset = runs.add_dataset("bench", name, "0" * 64, items)
    new = NewRun(
        id=name[0] * 12, name=name, dataset=dataset, benchmark="bench", model="m", trials=1, sample=False, manifest={}
    )  # fmt: skip
    run = runs.update(runs.create(new, [(k, k) for k in range(len(items))]), name=name, units=len(items))
    answered(database, run, 0, answers)
    return run


def answered(database: Database, run: RunRecord, first: int, answers: tuple[str, ...]) -> None:
    with Writer(database) as writer:
        for rank, answer in enumerate(answers, first):
            writer.turn(AttemptKey(run.key, rank, 1, 1, 1), Reply(text=answer))


def found(database: Database, run: RunRecord) -> dict[str, list[int]]:
    return {
        words: [rank for rank, _ in find(database, run, DialogueFilter(text=words)).page(0, 99)]
        for words in WORDS
    }


def has_index(database: Database, run: RunRecord) -> bool:
    name = searched_answers(run.key).name
    with database.read() as connection:
        if database.is_sqlite:
            return inspect(connection).has_table(name)
        return bool(connection.execute(text(f"SELECT to_regclass('{name}') IS NOT NULL")).scalar_one())


def test_the_index_changes_nothing_that_is_found(database: Database) -> None:
    run, other = run_of(database, ANSWERS), run_of(database, ("麒麟", "安全"), "x")
    before, others = found(database, run), found(database, other)
    assert (before["麒麟"], before["麒麟出"], before["没有的"]) == ([0, 1], [0], [])
    index_run(database, run.key, run.dataset, lambda: True)
    assert has_index(database, run)
    assert found(database, run) == before
    assert found(database, other) == others


def test_what_came_after_the_index_is_found_and_added(database: Database) -> None:
    run = run_of(database, ANSWERS)
    index_run(database, run.key, run.dataset, lambda: True)
    last = len(ANSWERS)
    before = found(database, run)
    answered(database, run, last, ("后来的麒麟出",))
    for _ in range(2):
        after = found(database, run)
        for words in ("麒", "麒麟", "麒麟出"):
            assert after[words] == [*before[words], last]
        index_run(database, run.key, run.dataset, lambda: True)


def test_an_index_that_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "store.db"))
    run = run_of(database, tuple(f"回答{k}号" for k in range(2500)))
    for parts in (0, 1, 2, 4):
        asked = iter([True] * parts)
        index_run(database, run.key, run.dataset, partial(next, asked, False))
        assert len(find(database, run, DialogueFilter(text="回答12"))) == 111
        assert len(find(database, run, DialogueFilter(text="9号"))) == 250
    with database.read() as connection:
        held = connection.execute(text("SELECT count(*) FROM search_turns_1_docsize")).scalar_one()
    assert held == 2500
    database.close()


def test_a_deleted_run_leaves_nothing_of_its_index(database: Database) -> None:
    run = run_of(database, ("独一无二的话",))
    index_run(database, run.key, run.dataset, lambda: True)
    delete_run(database, run)
    assert not has_index(database, run)
    if database.is_sqlite:
        assert "一无二".encode() not in Path(database.shown).read_bytes()
    again = run_of(database, ("别的话",))
    assert len(find(database, again, DialogueFilter(text="独一无二"))) == 0
    assert len(find(database, again, DialogueFilter(text="别的话"))) == 1


def test_stems_that_are_added_later_are_found(database: Database) -> None:
    runs = Runs(database)
    run = run_of(database, ("答", "答"), spare=0)
    index_run(database, run.key, run.dataset, lambda: True)
    items = [
        Item(id=f"r{k}", turns=(f"题目\n{k}项“r”",), category=("类",), stem=f"题干{k}麒麟") for k in range(2)
    ]
    runs.add_stems(run.dataset, items)
    assert len(find(database, run, DialogueFilter(text="题干0麒"))) == 1


PIECES = "安全麒麟aAéÉ \"'%_*-"


@settings(max_examples=25)
@given(st.lists(st.text(PIECES, max_size=8), min_size=1, max_size=6), st.text(PIECES, min_size=1, max_size=4))
def test_any_words_are_found_as_without_an_index(answers: list[str], words: str) -> None:
    with TemporaryDirectory() as folder:
        database = Database(str(Path(folder, "store.db")))
        run = run_of(database, tuple(answers))
        before = find(database, run, DialogueFilter(text=words))
        index_run(database, run.key, run.dataset, lambda: True)
        assert find(database, run, DialogueFilter(text=words)) == before
        database.close()
