"""The table of finish reasons: every word means one thing, and a word in no row is not believed."""

from __future__ import annotations

from collections import defaultdict

import pytest

from liangxin.models.finish_reasons import TABLE, Ending, ending, finish_word, row_words
from liangxin.models.reading import read_recorded
from liangxin.records import ReplyStatus

STATUS = {
    Ending.COMPLETE: ReplyStatus.OK,
    Ending.CUT_OFF: ReplyStatus.TRUNCATED,
    Ending.BLOCKED: ReplyStatus.FILTERED,
    Ending.BROKEN: ReplyStatus.FAILED,
}
WORDS = sorted({(word, end) for row in TABLE for end, words in row_words(row) for word in words}, key=str)


def test_every_row_says_where_it_was_read() -> None:
    assert all(row.provider and row.source for row in TABLE)


def test_no_word_means_two_things() -> None:
    found: defaultdict[str, set[Ending]] = defaultdict(set)
    for word, end in WORDS:
        found["".join(filter(str.isalnum, word.lower()))].add(end)
    assert not {word: ends for word, ends in found.items() if len(ends) > 1}


@pytest.mark.parametrize(("word", "end"), WORDS)
def test_each_word_is_read_however_it_is_spelt(word: str, end: Ending) -> None:
    spelt = (
        word,
        word.upper(),
        word.replace("_", "-"),
        f"FinishReason.{word}",
        f"FINISH_REASON_{word.upper()}",
    )
    for one in spelt[:4] if word.lower().startswith("finish") else spelt:
        assert ending(one) is end
        reply = read_recorded("半句话", one)
        assert reply.status is STATUS[end]
        assert not reply.unknown_finish
        assert (reply.text == "") is (end is Ending.BROKEN)
    if end is Ending.BLOCKED:
        assert read_recorded("半句话", word).detail == f"output: {word}"


@pytest.mark.parametrize("word", ["grid_lost", "STOPPED_BY_NOBODY", "stop!please", "完成", "0"])
def test_a_word_in_no_row_is_not_ok_and_stands_in_the_detail(word: str) -> None:
    reply = read_recorded("半句话", word)
    assert reply.status is ReplyStatus.FAILED
    assert reply.detail == f"finish_reason {word}: no list knows the word, so the answer may not be whole"
    assert (reply.text, reply.unknown_finish) == ("半句话", word)


@pytest.mark.parametrize("value", [None, "", " ", "null", "None", 3, ["stop"], True, {"a": 1}])
def test_what_is_no_word_says_nothing(value: object) -> None:
    assert finish_word(value) is None
    assert ending(None) is Ending.UNSAID
