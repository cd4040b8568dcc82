"""How many threads a model in this process may use."""

from __future__ import annotations

import pytest

from liangxin.errors import UsageError
from liangxin.models.threads import THREADS, threads_wanted


@pytest.mark.parametrize(("value", "threads"), [("", 1), (" ", 1), ("1", 1), (" 4 ", 4)])
def test_one_thread_unless_told_otherwise(value: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, value)
    assert threads_wanted() == threads
    monkeypatch.delenv(THREADS)
    assert threads_wanted() == 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²", "99999"])
def test_a_number_of_threads_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, value)
    with pytest.raises(UsageError, match="LIANGXIN_THREADS"):
        threads_wanted()
