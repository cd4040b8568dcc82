"""The command line: `liangxin …`. Each command parses, calls one function, prints."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the `liangxin` command."""
    from liangxin.cli.app import build
    from liangxin.cli.outputs import Outputs

    outputs = Outputs()
    status: str | int | None = None
    try:
        build()()
    except SystemExit as ended:
        status = ended.code
    finally:
        status = outputs.end(status)
    sys.exit(status)
