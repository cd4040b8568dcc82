"""The command line in a terminal of a width, in a language."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from contextlib import ExitStack, chdir, suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Thread
from unittest.mock import patch

from testbench.command import liangxin

LANGUAGES = {"zh": "zh_CN.UTF-8", "en": "en_US.UTF-8"}
"""What LANG says."""


def speaking(language: str, **more: str) -> dict[str, str]:
    """The environment of a user of the language."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("LANGUAGE", "LC_ALL", "COLUMNS")
    }
    return {**kept, "LC_MESSAGES": "", "LANG": LANGUAGES[language], **more}


def piped(folder: Path, line: str, *, language: str, columns: int) -> str:
    """What a command writes into a pipe, both outputs, where COLUMNS says how wide."""
    done = liangxin(folder, *line.split(), environment=speaking(language, COLUMNS=str(columns)))
    return done.stdout + done.stderr


def in_terminal(folder: Path, line: str, *, language: str, columns: int) -> str:
    """What a command shows in a terminal of so many columns, both outputs, in this process."""
    from liangxin.cli import main

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    shown: list[bytes] = []
    reader = Thread(target=_read, args=(leader, shown))
    reader.start()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, speaking(language), clear=True))
        stack.enter_context(patch.object(sys, "argv", ["liangxin", *line.split()]))
        stack.enter_context(patch.object(sys, "excepthook", sys.excepthook))
        stack.enter_context(chdir(folder))
        for name in ("stdout", "stderr"):
            stream = os.fdopen(os.dup(follower), "wb", buffering=0)
            text = TextIOWrapper(stream, encoding="utf-8", write_through=True)
            stack.enter_context(patch.object(sys, name, text))
        with suppress(SystemExit):
            main()
        sys.stdout.close()
        sys.stderr.close()
    os.close(follower)
    reader.join()
    os.close(leader)
    return b"".join(shown).decode("utf-8").replace("\r\n", "\n")


def _read(leader: int, shown: list[bytes]) -> None:
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            return
        if not part:
            return
        shown.append(part)
