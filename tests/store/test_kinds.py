"""A store made before runs and judges said what they are says it after."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from liangxin.judges import judge_traits
from liangxin.models import model_traits
from liangxin.store import Database, NewRun, Runs, copy_run
from liangxin.store.migrations.old_kinds import kinds
from liangxin.store.migrations.relations import RELATIONS
from liangxin.store.schema import MIGRATIONS, _sources
from liangxin.traits import JudgeTraits, ModelTraits

MODELS = (
    "openai:m",
    "anthropic:m",
    "litellm:a/b",
    "gguf",
    "hf:/m",
    "replay:a.jsonl",
    "scripted:a.jsonl",
    "function:f",
)
JUDGES = (
    "rule",
    "choice",
    "scorer:x",
    "llm:openai:m",
    "llm:scripted:a.jsonl",
    "llm:gguf",
    "labels:a.jsonl",
    "people:项目",
    "jury:rule,llm:openai:m, llm:hf:/b",
    "jury:labels:a.jsonl,llm:replay:b.jsonl",
    "unheard-of:x",
)


def fill(database: Database) -> None:
    runs = Runs(database)
    dataset = runs.add_dataset("bench", "1", "0" * 64, [])
    for number, model in enumerate(MODELS):
        new = NewRun(
            id=f"{number:012d}", name=None, dataset=dataset, benchmark="bench", model=model, trials=1, sample=False, manifest={}
        )  # fmt: skip
        run = runs.create(new, [])
        for judge in JUDGES:
            runs.add_judge(run, f"{judge}@{number}", judge, "primary", {})


def told(database: Database) -> tuple[dict[str, ModelTraits], dict[str, JudgeTraits]]:
    runs = Runs(database)
    return {run.model: run.traits for run in runs.all()}, {
        judge.spec: judge.traits for run in runs.all() for judge in runs.judges(run)
    }


def grow_old(database: Database) -> None:
    """Back to the version before the column and the foreign keys, as it was on disk."""
    with database.begin() as connection:
        if not database.is_sqlite:
            for table, parents in RELATIONS.items():
                for columns in parents:
                    name = f"{table}_{columns.replace(', ', '_')}_fkey"
                    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        for table in ("runs", "judges"):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN traits"))
        connection.execute(text(f"UPDATE liangxin_schema SET version = {MIGRATIONS.index(kinds)}"))
    database.close()


def check(url: str) -> None:
    database = Database(url)
    fill(database)
    assert set(told(database)[1].values()) == {JudgeTraits()}
    grow_old(database)
    database = Database(url)
    models, judges = told(database)
    database.close()
    assert models == {model: model_traits(model) for model in MODELS}
    assert judges == {judge: judge_traits(judge) for judge in JUDGES}
    assert models["scripted:a.jsonl"] == ModelTraits(scripted=True, reads_file=True)
    assert judges["jury:rule,llm:openai:m, llm:hf:/b"] == JudgeTraits(asks=("openai:m", "hf:/b"), costs=True)
    assert judges["labels:a.jsonl"] == JudgeTraits(
        people=True, from_labels=True, needs_items=True, reads_file=True
    )


def test_an_old_store_is_filled_from_what_it_names(tmp_path: Path) -> None:
    check(str(tmp_path / "store.db"))


def test_an_old_store_on_postgresql_too(postgres_url: str) -> None:
    check(postgres_url)


@pytest.mark.parametrize("old", [False, True])
def test_a_run_that_travels_takes_it_along(tmp_path: Path, old: bool) -> None:
    source, target = Database(str(tmp_path / "a.db")), Database(str(tmp_path / "b.db"))
    runs = Runs(source)
    new = NewRun(
        id="0" * 12, name=None, dataset=runs.add_dataset("bench", "1", "0" * 64, []), benchmark="bench",
        model="replay:a", trials=1, sample=False, manifest={}, traits=model_traits("replay:a"),
    )  # fmt: skip
    run = runs.create(new, [])
    runs.add_judge(run, "people:p@0", "people:p", "primary", {}, judge_traits("people:p"))
    if old:
        grow_old(source)
        source = Database(str(tmp_path / "a.db"))
    copied = copy_run(source, run, target).run
    assert copied.traits == ModelTraits(recorded=True, reads_file=True)
    assert [judge.traits for judge in Runs(target).judges(copied)] == [JudgeTraits(people=True)]
    source.close()
    target.close()


BEFORE_SOURCES = 5
"""The store's version before a judge could tell on what its error was measured."""


def test_a_store_of_before_gets_the_column_of_sources_and_knows_its_exact_judges(tmp_path: Path) -> None:
    """What was stored stays, and what a judge tells of its error later can be kept."""
    place = str(tmp_path / "store.db")
    database = Database(place)
    fill(database)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE judges DROP COLUMN sources"))
        connection.execute(text(f"UPDATE liangxin_schema SET version = {MIGRATIONS.index(_sources)}"))
    database.close()
    database = Database(place)
    runs = Runs(database)
    run = runs.all()[0]
    judges = {judge.spec: judge for judge in runs.judges(run)}
    assert list(judges) == list(JUDGES)
    assert {judge.sources for judge in judges.values()} == {None}
    assert [spec for spec, judge in judges.items() if judge.traits.exact] == ["choice"]
    told = '{"sources": []}'
    assert runs.set_sources(judges["rule"], told).sources == told
    assert {judge.spec: judge.sources for judge in runs.judges(run)}["rule"] == told
    target = Database(str(tmp_path / "b.db"))
    copied = copy_run(database, run, target).run
    assert {judge.spec: judge.sources for judge in Runs(target).judges(copied)}["rule"] == told
    target.close()
    database.close()
