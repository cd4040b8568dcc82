"""The command line as a user's shell calls it, in a folder of its own: inside this process, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

Done = subprocess.CompletedProcess[str]


def liangxin(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run one command to its end inside this process, so that nothing is loaded twice.

    What the process itself decides (its locale, signals, streams) is for `process`.

    Args:
        folder: where the command runs.
        words: what is typed after `liangxin`.
        environment: every variable it sees (default: this process's).
    """
    from liangxin.cli import main

    seen = os.environ if environment is None else environment
    streams = [TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, dict(seen), clear=True))
        stack.enter_context(patch.object(sys, "argv", ["liangxin", *words]))
        stack.enter_context(patch.object(sys, "excepthook", sys.excepthook))
        stack.enter_context(chdir(folder))
        stack.enter_context(redirect_stdout(streams[0]))
        stack.enter_context(redirect_stderr(streams[1]))
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except Exception:
            # As a process of its own would end.
            traceback.print_exc()
            status = 1
    out, err = (stream.detach().getvalue().decode("utf-8") for stream in streams)
    return subprocess.CompletedProcess(["liangxin", *words], status, out, err)


def process(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None, seconds: float = 300
) -> Done:
    """Run one command as a process of its own, which may take `seconds`.

    What it says is read as UTF-8, whatever the locale, unless `environment` says how it writes.
    """
    return subprocess.run(
        [sys.executable, "-m", "liangxin", *words],
        cwd=folder,
        env={"PYTHONIOENCODING": "utf-8", **(os.environ if environment is None else environment)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=seconds,
    )
