"""What reaches the terminal: plain text, no control characters, one exit status for each kind of end."""

from __future__ import annotations

import functools
import json
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TextIO, TypeVar

import typer

from liangxin.errors import LiangxinError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
T = TypeVar("T")

EXIT_NOT_DELIVERED = 1
EXIT_SOME_FAILED = 3
EXIT_INTERRUPTED = 130


def plain(text: str) -> str:
    """Text that cannot steer a terminal: control and format characters become visible or vanish."""
    return "".join(c if c.isprintable() or c == "\n" else " " if c.isspace() else "\ufffd" for c in text)


def tell(sentence: str) -> None:
    """Say a sentence to the user, unwrapped, on standard error."""
    _write(sys.stderr, plain(sentence) + "\n")


def asker() -> Callable[[str], bool] | None:
    """What asks the user for a yes; None where no terminal can answer."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return _asked


def _asked(question: str) -> bool:
    # A running loop has its own handler for Ctrl-C, which would wait for the answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(plain(question), default=False, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def say(text: str) -> None:
    """Print a result on standard output."""
    _write(sys.stdout, plain(text) + "\n")


def say_json(value: object) -> None:
    """Print one JSON object on one line, in ASCII where standard output does not speak UTF-8."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    _write(sys.stdout, json.dumps(value, ensure_ascii=not utf8) + "\n")


def console() -> Console:
    """A rich console on standard output; wide where the output is not a terminal, so nothing is cut."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    _lenient(sys.stdout)
    return Console(
        file=sys.stdout, width=None if terminal else 160, highlight=False, markup=False, emoji=False
    )


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
            tell(f"liangxin: {error}")
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
