"""The command line: `liangxin …`. Each command parses, calls one function, prints."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `liangxin` command."""
    from liangxin.cli.app import build

    build()()
