"""Patience: what is asked again, how long it waits, and that it ends."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangxin.errors import AccessDenied
from liangxin.models.http.attempts import HttpAnswer, Unreachable
from liangxin.models.http.pacing import Lane, Pacer
from liangxin.models.http.transport import LONGEST_WAIT, Asker
from liangxin.models.http.waiting import Patience, retry_after
from liangxin.models.scrub import Secrets
from liangxin.records import Reply

GOOD = json.dumps({"choices": [{"message": {"content": "好"}, "finish_reason": "stop"}]}).encode()


class Line:
    """A transport that plays a script."""

    def __init__(self, script: Sequence[HttpAnswer | Unreachable]) -> None:
        self.script = list(script)
        self.asked = 0

    async def post(self, payload: bytes) -> HttpAnswer:
        self.asked += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Unreachable):
            raise step
        return step

    async def aclose(self) -> None:
        return None


def ask(
    *script: HttpAnswer | Unreachable, retries: int = 2, pacer: Pacer | None = None
) -> tuple[Reply, int, list[float]]:
    """The reply, how often it was asked for, and the waits between."""
    line, waits = Line(script), []

    async def job() -> Reply:
        asker = Asker(
            line,
            lane=Lane(pacer or Pacer(4), 4),
            patience=Patience(retries=retries),
            secrets=Secrets([]),
            denied="h refused access",
            source=random.Random(7),
        )
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            await real(0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("liangxin.models.http.transport.asyncio.sleep", sleep)
            reply = await asker.ask(b"{}")
        await asker.aclose()
        return reply

    return asyncio.run(job()), line.asked, waits


def bad(status: int, wait: float | None = None) -> HttpAnswer:
    return HttpAnswer(status=status, body=b"{}", retry_after=wait)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529, 599])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_what_is_asked_again_has_an_end(status: int, retries: int) -> None:
    reply, asked, waits = ask(bad(status), retries=retries)
    times = f"{retries + 1} attempt" + ("s" if retries else "")
    assert (str(reply.status), reply.detail) == ("failed", f"HTTP {status} after {times}: {{}}")
    assert (asked, len(waits)) == (retries + 1, retries)


@pytest.mark.parametrize("status", [301, 400, 402, 404, 405, 413, 422, 451])
def test_what_is_not_asked_again(status: int) -> None:
    reply, asked, _ = ask(bad(status))
    assert (str(reply.status), reply.detail, asked) == ("failed", f"HTTP {status}: {{}}", 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_an_error_at_once(status: int) -> None:
    with pytest.raises(AccessDenied, match=rf"h refused access \(HTTP {status}: \{{\}}\)"):
        ask(bad(status))


def test_a_broken_line_is_tried_again() -> None:
    reply, asked, _ = ask(Unreachable("connection failed", "reset"), HttpAnswer(status=200, body=GOOD))
    assert (reply.text, asked) == ("好", 2)
    reply, asked, _ = ask(Unreachable("connection failed", "reset\x1b[0m by peer"))
    assert (reply.detail, asked) == ("connection failed after 3 attempts: reset [0m by peer", 3)
    reply, asked, _ = ask(Unreachable("too long", retry=False))
    assert (reply.detail, asked) == ("too long", 1)


def test_retry_after_is_a_minimum() -> None:
    _, _, waits = ask(bad(503, 7.5), bad(503, 0.0), HttpAnswer(status=200, body=GOOD))
    assert waits[0] == 7.5
    assert 0 <= waits[1] <= 1.0


def test_a_wait_beyond_patience_ends_it() -> None:
    reply, asked, waits = ask(bad(503, LONGEST_WAIT + 1))
    assert reply.detail == f"HTTP 503 asking to wait {LONGEST_WAIT + 1:.0f} s after 1 attempt: {{}}"
    assert (asked, waits) == (1, [])


def test_only_good_answers_and_429s_move_the_limit() -> None:
    pacer = Pacer(8)
    ask(bad(500), bad(400), pacer=pacer)
    assert (pacer.limited, pacer.under_way) == (False, 0)
    ask(bad(429, 0.0), HttpAnswer(status=200, body=GOOD), pacer=pacer)
    assert (pacer.limited, pacer.under_way) == (True, 0)


@given(st.integers(1, 2000), st.integers(0, 2**32))
def test_waits_are_drawn_from_nothing_to_a_doubling_cap(attempt: int, seed: int) -> None:
    patience = Patience(base=0.5, cap=60.0)
    drawn = patience.draw(attempt, random.Random(seed))
    assert 0 <= drawn <= min(60.0, 0.5 * 2.0 ** min(attempt - 1, 60))
    assert drawn == patience.draw(attempt, random.Random(seed))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": " 0.25 "}, 0.25),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 99 Foo 2015 07:28:00"}, None),
        ({"Retry-After": "9", "Retry-After-Ms": "1500"}, 1.5),
    ],
)
def test_retry_after_header(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    found = retry_after({"Retry-After": date})
    assert found is not None
    assert 90 < found <= 100


@given(st.text())
def test_no_header_raises(value: str) -> None:
    found = retry_after({"Retry-After": value})
    assert found is None or found >= 0
