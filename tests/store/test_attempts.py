"""One rule for the attempt that counts, by every way that a run is read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from liangxin.annotation.desk.places import seen_turns
from liangxin.engine.export import export_rows
from liangxin.records import Reply, ReplyStatus, Verdict, VerdictStatus
from liangxin.store import Database, RunRecord, Runs, Writer, dialogues
from liangxin.store.browsing import DialogueFilter, find, reply_counts
from liangxin.store.candidates import StoredCandidate
from liangxin.store.columns import STATUSES, ColumnReader
from liangxin.store.judgements import AttemptKey

FAILED, OK, FILTERED = ReplyStatus.FAILED, ReplyStatus.OK, ReplyStatus.FILTERED


@pytest.mark.parametrize(
    ("statuses", "counts"),
    [
        ([FAILED], 1),
        ([FAILED, FAILED], 2),
        ([FAILED, FAILED, FAILED], 3),
        ([FAILED, OK], 2),
        ([OK, FAILED], 1),
        ([OK, FAILED, FAILED], 1),
        ([FAILED, OK, FAILED], 2),
        ([FAILED, OK, FILTERED, FAILED], 3),
        ([FILTERED, FAILED, OK], 3),
    ],
)
def test_every_reader_takes_the_same_attempt(
    database: Database, run: RunRecord, statuses: Sequence[ReplyStatus], counts: int
) -> None:
    judge = Runs(database).add_judge(run, "rule@0", "rule", "primary", {})
    with Writer(database) as writer:
        for number, status in enumerate(statuses, start=1):
            said = Reply(text=f"text {number}", detail=f"detail {number}", status=status)
            writer.turn(AttemptKey(run.key, 0, 1, 1, number), said)
            # A judge's attempts follow the same rule: one that fails where the model's reply did.
            failed = status is FAILED
            verdict = Verdict(
                level=None if failed else str(number),
                status=VerdictStatus.FAILED if failed else VerdictStatus.GIVEN,
                reason=f"reason {number}",
            )
            writer.judgement(AttemptKey(run.key, 0, 1, 1, number), judge.key, "", verdict)
    wanted, failed = statuses[counts - 1], statuses[counts - 1] is FAILED
    level = None if failed else str(counts)

    stored = next(iter(dialogues(database, run)))
    exchange, ruling = stored.dialogue.exchanges[0], stored.rulings[judge.key, 1, ""]
    assert (exchange.attempt, exchange.reply.status, exchange.reply.text) == (
        counts,
        wanted,
        f"text {counts}",
    )
    assert (ruling.attempt, ruling.verdict.level) == (counts, level)

    columns = ColumnReader(database, run, [judge.key])
    (sheet,) = columns.sheets()
    assert STATUSES[sheet.statuses[0, 0, 0]] is wanted
    status, given = columns.rulings[sheet.rulings[judge.key][0, 0, 0, 0]]
    assert (status, given or None) == (VerdictStatus.FAILED if failed else VerdictStatus.GIVEN, level)
    if failed:
        assert columns.failure(0, 1, 1, None).reason == f"detail {counts}"
        assert columns.failure(0, 1, 1, judge.key).reason == f"reason {counts}"

    assert reply_counts(database, [run.key]) == {run.key: {wanted: 1}}
    for one in ReplyStatus:
        found = find(database, run, DialogueFilter(status=one))
        assert found.page(0, 9) == ([(0, 1)] if one is wanted else []), one
    for number in range(1, len(statuses) + 1):
        found = find(database, run, DialogueFilter(level=str(number)))
        assert len(found) == int(level == str(number)), number

    place = {"task": 1, "position": 0, "number": 0, "run": run.key, "rank": 0, "trial": 1}
    with database.begin() as connection:
        first, second = seen_turns(connection, StoredCandidate(**place, item=stored.dialogue.item))
    assert (first.answer, first.status) == (f"text {counts}", wanted)
    assert second.status is ReplyStatus.NOT_ASKED

    row = next(iter(export_rows(database, run)))
    assert (row["response"], row["reply_status"]) == (f"text {counts}", wanted)
    assert (row["level"] or None, row["reason"]) == (level, f"reason {counts}")
