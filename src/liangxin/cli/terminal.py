"""What reaches the terminal: plain text, no control characters, one exit status for each kind of end."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, TextIO, TypeVar

import typer

from liangxin.cli.layout import TextTable, width_of, wrapped
from liangxin.errors import DataError, LiangxinError, PeopleError
from liangxin.languages import in_language, language
from liangxin.specs import Bilingual

P = ParamSpec("P")
T = TypeVar("T")

EXIT_NOT_DELIVERED = 1
EXIT_SOME_FAILED = 3
EXIT_INTERRUPTED = 130
WIDE = 160
"""Columns where the output is no terminal and COLUMNS is not set."""
_FORM = re.compile(r": found .+, expected ", re.DOTALL)
"""Of an error about a row or field of a file, which scripts read: it is English everywhere."""


def plain(text: str) -> str:
    """Text that cannot steer a terminal: control and format characters become visible or vanish."""
    return "".join(c if c.isprintable() or c == "\n" else " " if c.isspace() else "\ufffd" for c in text)


def tell(sentence: str) -> None:
    """Say a sentence to the user, unwrapped, in the user's language, on standard error."""
    _write(sys.stderr, plain(in_language(sentence)) + "\n")


def tell_scripts(line: str) -> None:
    """Say a line that scripts read: it is the same in every language."""
    _write(sys.stderr, plain(line) + "\n")


def asker() -> Callable[[str], bool] | None:
    """What asks the user for a yes; None where no terminal can answer."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return _asked


def _asked(question: str) -> bool:
    # A running loop has its own handler for Ctrl-C, which would wait for the answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(plain(in_language(question)), default=False, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def say(text: str) -> None:
    """Print a result on standard output, as it is."""
    _write(sys.stdout, plain(text) + "\n")


def put(*sentences: str) -> None:
    """Print sentences in the user's language on standard output; a terminal gets no line wider than itself."""
    for sentence in sentences:
        text = plain(in_language(sentence))
        say("\n".join(wrapped(text, _width())) if sys.stdout.isatty() else text)


def put_table(table: TextTable) -> None:
    """Print a table; COLUMNS says how wide where the output is no terminal."""
    say("\n".join(table.lines(_width())))


def put_list(rows: Iterable[tuple[str, str]], column: int) -> None:
    """Print names, each with what it is beside it; a terminal gets no line wider than itself."""
    for name, text in rows:
        room = max(_width() - column - 1, 20) if sys.stdout.isatty() else width_of(text) + 1
        first, *more = wrapped(text, room)
        say(f"{name:<{column}} {first}")
        for line in more:
            say(" " * (column + 1) + line)


def plain_table(*headings: str, right: Sequence[int] = (), title: str = "", caption: str = "") -> TextTable:
    """An empty table, its headings in the user's language."""
    said = (in_language(one) for one in headings)
    return TextTable(*said, right=right, title=in_language(title), caption=in_language(caption))


def here(text: Bilingual) -> str:
    """Of a text in both languages, the user's."""
    return text.zh if language() == "zh" else text.en


def say_json(value: object) -> None:
    """Print one JSON object on one line, in ASCII where standard output does not speak UTF-8."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    _write(sys.stdout, json.dumps(value, ensure_ascii=not utf8) + "\n")


def _width() -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else WIDE
    except (OSError, ValueError):
        return WIDE


def _said(error: LiangxinError) -> str:
    """An error in the user's language; about a row or field of a file, in the form that scripts read."""
    if isinstance(error, PeopleError):
        return here(Bilingual(zh=error.zh, en=error.en))
    if isinstance(error, DataError) and _FORM.search(str(error)):
        return str(error)
    return in_language(str(error))


def stated(command: Callable[P, T]) -> Callable[P, T]:
    """Turn a stated failure into its message and exit status, an interrupt into 130; never a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        from liangxin.cli.notices import heard
        from liangxin.interrupts import Interrupted

        try:
            with heard(tell):
                return command(*args, **kwargs)
        except LiangxinError as error:
            tell_scripts(f"liangxin: {_said(error)}")
            raise typer.Exit(error.exit_status) from None
        except (Interrupted, KeyboardInterrupt):
            tell(
                "liangxin: interrupted; what was answered is stored, and the same command goes on from there"
            )
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapped


def _write(stream: TextIO, text: str) -> None:
    _lenient(stream)
    stream.write(text)
    stream.flush()


def _lenient(stream: TextIO) -> None:
    """Let a terminal of another encoding (GBK) show what it can, instead of failing on the rest."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and stream.errors != "replace":
        reconfigure(errors="replace")
