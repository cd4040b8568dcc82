"""Text from models, files and users made fit to be looked at: visible controls, bounded length, safe quoting."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Environment

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, bidirectional marks and overrides, invisible separators, tags. The joiners of emoji stay."""

_URL_SECRET = re.compile(r"(?<=://)[^/@\s?#]*@|[?#]\S*$")
_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_INLINE = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|`(?P<code>[^`]+)`")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The beginning of a text and how many characters were cut."""

    text: str
    cut: int = 0


def visible(text: str) -> str:
    """The text with every character that steers a terminal or a line of text replaced by a visible mark.

    CR LF and CR become line feeds; line feeds and tabs stay.
    """
    return _STEERING.sub(_mark, text.replace("\r\n", "\n").replace("\r", "\n"))


def excerpt(text: str, limit: int) -> Excerpt:
    """The first `limit` characters."""
    return Excerpt(text=text[:limit], cut=max(0, len(text) - limit))


def short(text: str) -> str:
    """One line of at most 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"


def remark(stream: TextIO | None, text: str) -> None:
    """Say something in passing: where nobody can hear it (closed, full, None), the work goes on all the same."""
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()


def shell_word(word: str) -> str:
    """A word as a POSIX shell reads it back, on one line, without invisible characters (then bash's $'…')."""
    if visible(word) == word and not re.search(r"[\n\t]", word):
        return shlex.quote(word)
    return "$'" + "".join(_shell_character(one) for one in word) + "'"


def templates(package: str) -> Environment:
    """A package's templates: everything they print is escaped and visible, and what they do not know is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        finalize=_safe_to_see,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _safe_to_see(value: object) -> object:
    """Every text that a template prints, bar finished HTML, with its invisible characters made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def public_url(url: str) -> str:
    """A URL without what may carry a secret: user, password, query, fragment."""
    return _URL_SECRET.sub("", url)


def prose(markdown: str) -> Markup:
    """A card's text as HTML: paragraphs, `-` lists, **bold** and `code`; everything else is escaped."""
    parts = [_block(block) for block in re.split(r"\n\s*\n", visible(markdown).strip()) if block.strip()]
    return Markup("\n").join(parts)


def _mark(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩"


def _shell_character(one: str) -> str:
    if one in _ESCAPED:
        return _ESCAPED[one]
    if visible(one) == one:
        return one
    # Bytes, not code points: they are read back the same in every locale.
    return "".join(f"\\x{byte:02x}" for byte in one.encode(errors="replace"))


def _block(block: str) -> Markup:
    """One block: lines before the first `-` are a paragraph, each `-` begins a list item."""
    text: list[str] = []
    items: list[list[str]] = []
    for line in block.splitlines():
        stripped = line.strip()
        if stripped.startswith("- "):
            items.append([stripped[2:]])
        elif items:
            items[-1].append(stripped)
        else:
            text.append(stripped)
    made = Markup("<p>{}</p>").format(_inline(_joined(text))) if text else Markup("")
    if items:
        listed = Markup("").join(Markup("<li>{}</li>").format(_inline(_joined(item))) for item in items)
        made += Markup("<ul>{}</ul>").format(listed)
    return made


def _joined(lines: list[str]) -> str:
    """Lines as one; no blank where Chinese was wrapped."""
    whole = ""
    for line in lines:
        wide = whole and line and (_WIDE.match(whole[-1]) or _WIDE.match(line[0]))
        whole += line if not whole or wide else " " + line
    return whole


def _inline(text: str) -> Markup:
    made, at = Markup(""), 0
    for match in _INLINE.finditer(text):
        made += escape(text[at : match.start()])
        kind = "strong" if match["strong"] is not None else "code"
        made += Markup("<{0}>{1}</{0}>").format(kind, match[kind])
        at = match.end()
    return made + escape(text[at:])
