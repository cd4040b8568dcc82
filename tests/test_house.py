"""The house's rules: imports, sizes, what the package hands on."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 60, 6
COMMANDS = {"run", "judge", "validate", "decide", "plan", "sample", "train", "evaluate", "serve"}
"""A command's options are its parameters."""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_a_house() -> None:
    assert len(SOURCES) > 30


def test_imports_go_downwards_only() -> None:
    """The layers stand in pyproject.toml; imports inside functions count, type-checking imports do not."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_sizes(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= LONGEST_FILE
    for function in functions(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if not (path.parent.name == "cli" and function.name in COMMANDS):
            assert length <= LONGEST_FUNCTION, function.name
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            named = [one for one in arguments if one.arg not in {"self", "cls"}]
            assert len(named) <= MOST_PARAMETERS, function.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_importing_the_package_executes_nothing_heavy() -> None:
    code = "import sys, liangxin; print(sorted(set(sys.modules) & {'numpy', 'aiohttp', 'sqlalchemy', 'polars', 'rich', 'typer'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['liangxin', '--help']\n"
        "from liangxin.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('loaded', sorted(set(sys.modules) & {'numpy', 'aiohttp', 'sqlalchemy', 'polars', 'openpyxl'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("loaded []")
