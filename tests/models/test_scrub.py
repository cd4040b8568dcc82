"""No secret in anything that is shown."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from liangxin.models.scrub import SHOWN, Secrets, basic_credentials

KEY = "AKIA-0123456789-abcdefghij"


def test_a_secret_is_masked_wherever_it_stands() -> None:
    secrets = Secrets([KEY, None, "", "pw"])
    assert secrets.excerpt(f"key {KEY}, again {KEY}!") == "key ***, again ***!"
    assert (
        secrets.excerpt("pw is too short to be told from a word") == "pw is too short to be told from a word"
    )
    assert secrets.mask(f"x{KEY}y pw") == "x***y pw"
    assert Secrets(["EMPTY"]).mask("EMPTY") == "EMPTY"
    assert KEY not in repr(secrets)


def test_keys_of_others_are_masked_too() -> None:
    secrets = Secrets([])
    shown = secrets.excerpt("Incorrect API key provided: sk-abc***xyz. Authorization: Bearer eyJhbGciOi.x.y")
    assert shown == "Incorrect API key provided: ***. Authorization: ***"
    assert (
        secrets.excerpt("Missing bearer authentication in header")
        == "Missing bearer authentication in header"
    )


def test_an_excerpt_is_one_short_line() -> None:
    assert Secrets([]).excerpt("a\r\n\tb\x1b[31mc\u2028d\u202ee\0f\ud800g") == "a b [31mc d e f g"
    assert len(Secrets([]).excerpt("长" * 1000)) == SHOWN


@given(st.integers(0, 70_000), st.integers(1, 4))
def test_a_secret_across_the_end_of_the_window_is_not_begun(before: int, times: int) -> None:
    text = "." * before + KEY * times + "x" * 70_000
    assert KEY[:5] not in Secrets([KEY]).excerpt(text[:65_000] if before < 10 else text)


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=8, max_size=60), st.text()
)
def test_no_text_shows_the_secret(secret: str, around: str) -> None:
    if secret.strip("*…") and secret not in around:
        shown = Secrets([secret]).excerpt(f"{around} {secret} {json.dumps(secret)} {around}")
        assert secret not in shown


def test_long_repeated_secrets_do_not_slip_through_the_cut() -> None:
    long = "Z" * 10 + "0123456789" * 300
    shown = Secrets([long]).excerpt(long * 40)
    assert "0123456789" not in shown
    assert "ZZZZ" not in shown


def test_basic_credentials() -> None:
    assert basic_credentials("Aladdin", "open sesame") == "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617, 2
