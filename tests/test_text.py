from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangxin.text import excerpt, prose, public_url, shell_word, visible

KEPT = "\n\t\u200c\u200d"
"""Line feeds, tabs and the joiners that emoji and some scripts need."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.text())
def test_what_is_visible_steers_nothing(text: str) -> None:
    shown = visible(text)
    steering = {c for c in shown if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} and c not in KEPT}
    assert not steering
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}}
    assert not {c for c in shown if unicodedata.bidirectional(c) in {"LRI", "RLI", "FSI", "PDI"}}


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m红", "␛[31m红"),
        ("a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c"),
        ("一\r\n二\r三", "一\n二\n三"),
        ("👨‍👩‍👧\u200b\U000e0041", "👨‍👩‍👧⟨U+200B⟩⟨U+E0041⟩"),
        ("\x7f\x85", "␡⟨U+0085⟩"),
    ],
)
def test_marks(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_an_excerpt_says_how_much_it_cut(text: str, limit: int) -> None:
    found = excerpt(text, limit)
    assert text.startswith(found.text)
    assert len(found.text) + found.cut == len(text)
    assert len(found.text) <= limit


@settings(max_examples=30)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_a_shell_reads_back_the_very_word(words: list[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash to read the words back")
    line = " ".join(shell_word(word) for word in words)
    assert "\n" not in line
    assert visible(line) == line
    done = subprocess.run(
        [bash],
        # By standard input: under a GBK locale a word of the command line could not hold every character.
        input=f"printf '%s\\0' {line}\n".encode(),
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    assert done.stdout.decode().split("\0")[:-1] == words


def test_an_ordinary_word_is_quoted_plainly() -> None:
    assert [shell_word(word) for word in ("flames", "甲 乙", "it's", "$(rm)")] == [
        shlex.quote(word) for word in ("flames", "甲 乙", "it's", "$(rm)")
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/v1?key=secret#x", "https://host/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_prose() -> None:
    assert prose("首段，\n折行。\n\n- **甲**：`x<y`\n  续行\n- 乙 <b>") == (
        "<p>首段，折行。</p>\n"
        "<ul><li><strong>甲</strong>：<code>x&lt;y</code>续行</li><li>乙 &lt;b&gt;</li></ul>"
    )
    assert prose("one\ntwo") == "<p>one two</p>"


@given(st.text())
def test_prose_escapes_whatever_it_is_given(text: str) -> None:
    bare = prose(text)
    for tag in ("p", "ul", "li", "strong", "code"):
        bare = type(bare)(bare.replace(f"<{tag}>", "").replace(f"</{tag}>", ""))
    assert "<" not in bare
    assert ">" not in bare
