"""What a person writes in an attack, as it is stored: writable, and not longer than a page takes."""

from __future__ import annotations

from liangxin.benchmarks.fields import reserved
from liangxin.errors import PeopleError, TooLarge
from liangxin.zh import clean_text

MOST_CHARACTERS = 8_000
"""Of one prompt."""
MOST_STYLE = 80
MOST_NOTE = 2_000


def checked_prompt(text: str, *, required: bool) -> str:
    """A prompt as it is stored and sent: writable, without blanks around it.

    Raises:
        PeopleError: it is empty though required.
        TooLarge: it is too long.
    """
    kept = clean_text(text.replace("\r\n", "\n")).strip()
    if not kept and required:
        raise PeopleError("还没有写内容。", "There is nothing to send yet.")
    if len(kept) > MOST_CHARACTERS:
        raise TooLarge(
            f"一句话最多 {MOST_CHARACTERS} 个字，现在有 {len(kept)} 个。",
            f"A message has at most {MOST_CHARACTERS} characters; this one has {len(kept)}.",
        )
    return kept


def checked_style(style: str) -> str:
    """An attack style as it is stored: one line of a person's own words.

    Raises:
        PeopleError: it is empty, too long, or the name of a group of the scores.
    """
    kept = " ".join(clean_text(style).split())
    if not kept or len(kept) > MOST_STYLE:
        raise PeopleError(
            f"请写攻击方式，最多 {MOST_STYLE} 个字。",
            f"Give the attack style, in at most {MOST_STYLE} characters.",
        )
    if reserved(kept):
        raise PeopleError(
            f"“{kept}”是成绩里别的分组的名字，请换一种写法。",
            f"{kept!r} is the name of another group in the scores; word the style differently.",
        )
    return kept


def checked_note(text: str) -> str:
    """A note as it is stored.

    Raises:
        TooLarge: it is too long.
    """
    kept = clean_text(text).strip()
    if len(kept) > MOST_NOTE:
        raise TooLarge(
            f"说明最多 {MOST_NOTE} 个字，现在有 {len(kept)} 个。",
            f"The note has at most {MOST_NOTE} characters; this one has {len(kept)}.",
        )
    return kept
