"""The command line: `liangxin …`. Each command parses, calls one function, prints."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the `liangxin` command."""
    import os

    from liangxin.cli.help import run, set_language
    from liangxin.cli.outputs import Outputs

    set_language(os.environ, sys.argv[1:])
    outputs = Outputs()
    status: str | int | None = None
    try:
        from typer.main import get_command

        from liangxin.cli.app import build

        status = run(get_command(build()))
    except SystemExit as ended:
        status = ended.code
    finally:
        status = outputs.end(status)
    sys.exit(status)
