"""Pairs of commands that begin at one moment, each a process of its own that has everything loaded already."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path


def at_once(folder: Path, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Let go of several commands at the same moment; gives each one's exit status and what it said.

    The processes are forks, so that none is a second late by loading its modules: call it where no thread runs.
    """
    gate, opened = os.pipe()
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        children = []
        for words, said in zip(commands, files, strict=True):
            child = os.fork()
            if child == 0:
                os.close(opened)
                os.read(gate, 1)
                _command(folder, words, said.fileno())
            children.append(child)
        os.close(gate)
        os.close(opened)
        ended = []
        for child, said in zip(children, files, strict=True):
            _, status = os.waitpid(child, 0)
            said.seek(0)
            ended.append((os.waitstatus_to_exitcode(status), said.read().decode("utf-8", "replace")))
        return ended


def _command(folder: Path, words: Sequence[str], said: int) -> None:
    """Become the command: never returns."""
    status = 70
    try:
        from liangxin.cli import main

        os.dup2(said, 1)
        os.dup2(said, 2)
        os.chdir(folder)
        sys.argv = ["liangxin", *words]
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def pairs(folder: Path, count: int, store: Callable[[int], str]) -> list[str]:
    """Start two different runs at once on `count` stores, one after the other; gives what went wrong.

    Args:
        folder: an empty one, for their files.
        store: makes the store of that number, or only says where it is to be.
    """
    row = '{"dimension": "Fairness", "subcomponent": "Toxic language", "prompt": "题"}\n'
    (folder / "data.jsonl").write_text(row, encoding="utf-8")
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").write_text(f'{{"prompt": "题", "response": "{name}"}}\n', encoding="utf-8")
    wrong = []
    for number in range(count):
        place = store(number)
        options = ["--data", "data.jsonl", "--judge", "none", "--store", place, "--format", "json"]
        commands = [
            ["run", "flames", "--model", f"replay:{name}.jsonl", "--name", name, *options]
            for name in ("a", "b")
        ]
        for name, (status, said) in zip("ab", at_once(folder, commands), strict=True):
            if status or '"ok": 1' not in said:
                wrong.append(f"pair {number}, {name}: exit status {status}: {said[-300:]}")
    return wrong


def main() -> None:
    """`python -m testbench.pairs COUNT`: that many pairs on fresh and on older stores, SQLite and PostgreSQL."""
    import liangxin.engine.several  # noqa: F401  what a command would load for a second
    from testbench.older import older_store
    from testbench.postgres import fresh, postgres

    count = int(sys.argv[1])
    with postgres() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def new_file(number: int) -> str:
            return f"new{number}.db"

        def old_file(number: int) -> str:
            older_store(f"sqlite:///{folder}/old{number}.db")
            return f"old{number}.db"

        def new_schema(number: int) -> str:
            return fresh(server, f"new{number}")

        def old_schema(number: int) -> str:
            place = fresh(server, f"old{number}")
            older_store(place)
            return place

        failed = 0
        for make in (new_file, old_file, new_schema, old_schema):
            wrong = pairs(folder, count, make)
            failed += len(wrong)
            print(f"{make.__name__}: {count} pairs, {len(wrong)} errors", *wrong[:5], sep="\n  ")
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
