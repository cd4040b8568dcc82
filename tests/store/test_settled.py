"""An adjudicator's level stands for the annotators' of its turn, wherever a run is read."""

from __future__ import annotations

from liangxin.records import Reply, Verdict, VerdictStatus
from liangxin.store import ADJUDICATED, Database, RunRecord, Runs, Writer, dialogues
from liangxin.store.columns import ColumnReader
from liangxin.store.judgements import AttemptKey

LEVELS = {"annotator-1": "1", "annotator-2": "3", "annotator-3": "3"}


def filled(database: Database, run: RunRecord) -> int:
    judge = Runs(database).add_judge(run, "people:p@0", "people:p", "primary", {})
    with Writer(database) as writer:
        for turn in (1, 2):
            writer.turn(AttemptKey(run.key, 0, 1, turn, 1), Reply(text="答"))
            for name, level in LEVELS.items():
                writer.judgement(AttemptKey(run.key, 0, 1, turn, 1), judge.key, name, Verdict(level=level))
        writer.judgement(AttemptKey(run.key, 0, 1, 2, 1), judge.key, ADJUDICATED, Verdict(level="2"))
    return judge.key


def levels(database: Database, run: RunRecord, turn: int, *, settled: bool) -> dict[str, str | None]:
    first = next(dialogues(database, run, settled=settled))
    return {annotator: one.verdict.level for (_, at, annotator), one in first.rulings.items() if at == turn}


def in_columns(database: Database, run: RunRecord, judge: int, turn: int) -> list[str]:
    columns = ColumnReader(database, run, [judge])
    (sheet,) = columns.sheets()
    codes = sheet.rulings[judge][:, 0, 0, turn - 1].tolist()
    return sorted(columns.rulings[code][1] for code in codes if code)


def test_a_decision_outranks_the_annotators_of_its_turn_only(database: Database, run: RunRecord) -> None:
    judge = filled(database, run)
    assert levels(database, run, 1, settled=True) == LEVELS
    assert levels(database, run, 2, settled=True) == {ADJUDICATED: "2"}
    assert levels(database, run, 2, settled=False) == {**LEVELS, ADJUDICATED: "2"}
    assert in_columns(database, run, judge, 1) == ["1", "3", "3"]
    assert in_columns(database, run, judge, 2) == ["2"]


def test_a_decision_taken_back_outranks_nobody(database: Database, run: RunRecord) -> None:
    judge = filled(database, run)
    back = Verdict(status=VerdictStatus.ABSTAINED, reason="withdrawn")
    with Writer(database) as writer:
        writer.judgement(AttemptKey(run.key, 0, 1, 2, 2), judge, ADJUDICATED, back)
    assert levels(database, run, 2, settled=True) == {**LEVELS, ADJUDICATED: None}
    assert [level for level in in_columns(database, run, judge, 2) if level] == ["1", "3", "3"]
