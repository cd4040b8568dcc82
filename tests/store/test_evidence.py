"""What was found out about judges and decisions is appended, and a look at the same data is counted once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, insert, inspect, select

from liangxin.store import Database, Evidence, RunRecord, Runs, ValidationRecord
from liangxin.store.schema import MIGRATIONS, VERSION

QUESTION = {"measure": "harmless_rate", "at_least": 90.0}


def measured(judge: str, created: float, *, benchmark: str = "bench") -> ValidationRecord:
    return ValidationRecord(
        judge=judge, benchmark=benchmark, gold="labels:甲@1", run="", created=created, content={"n": created}
    )


def test_every_validation_stays_the_newest_first(database: Database) -> None:
    evidence = Evidence(database)
    for record in (measured("rule@1", 1.0), measured("rule@1", 2.0), measured("llm@2", 3.0)):
        evidence.add_validation(record)
    evidence.add_validation(measured("rule@1", 4.0, benchmark="other"))
    assert evidence.validations("rule@1", "bench") == [measured("rule@1", 2.0), measured("rule@1", 1.0)]
    assert evidence.validations("rule@9", "bench") == []


def test_looking_again_at_the_same_data_is_the_same_look(database: Database, run: RunRecord) -> None:
    evidence = Evidence(database)
    first = evidence.look(run, QUESTION, 100, {"verdict": "undecided"})
    again = evidence.look(run, QUESTION, 100, {"verdict": "meets"})
    assert [look.n for look in first] == [100]
    assert [(look.n, look.content) for look in again] == [(100, {"verdict": "undecided"})], "never rewritten"
    more = evidence.look(run, QUESTION, 200, {"verdict": "meets"})
    assert sorted(look.n for look in more) == [100, 200]
    assert len(evidence.look(run, QUESTION | {"at_least": 95.0}, 200, {})) == 1


def test_a_store_of_the_first_version_is_brought_up_with_its_runs(tmp_path: Path) -> None:
    path = str(tmp_path / "old.db")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        VERSION.create(connection)
        MIGRATIONS[0](connection)
        connection.execute(insert(VERSION).values(version=1))
        assert not {"validations", "looks", "samples"} & set(inspect(connection).get_table_names())
    engine.dispose()
    opened = Database(path)
    Evidence(opened).add_validation(measured("rule@1", 1.0))
    with opened.begin() as connection:
        assert connection.execute(select(VERSION.c.version)).scalar() == len(MIGRATIONS)
    assert Runs(opened).all() == []
    opened.close()
