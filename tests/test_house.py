"""The house's rules: imports, sizes, what the package hands on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from liangxin.judges import JUDGES
from liangxin.models import MODELS

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
EVERYWHERE = sorted([*SOURCES, *(ROOT / "tools").rglob("*.py")])
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS, MOST_FILES = 400, 60, 6, 20
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


def test_siblings_are_free_of_rings() -> None:
    """Imports for type checkers count too: who cannot be read without the other is no neighbour but a part."""
    graph = grimp.build_graph("liangxin", exclude_type_checking_imports=False, cache_dir=None)
    packages = [module for module in graph.modules if graph.find_children(module)]
    assert len(packages) > 30
    assert not {one: rings for one in packages if (rings := graph.nominate_cycle_breakers(one))}


def test_no_folder_is_crowded() -> None:
    counts = Counter(path.parent.relative_to(ROOT) for path in EVERYWHERE if path.name != "__init__.py")
    assert not {str(folder): count for folder, count in counts.items() if count > MOST_FILES}


def test_a_public_class_name_means_one_thing() -> None:
    defined: dict[str, list[str]] = {}
    for path in EVERYWHERE:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert not {name: places for name, places in defined.items() if len(places) > 1}


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


KINDS = {*MODELS.names(), *JUDGES.names()}
READ_BEFORE = "store/migrations/old_kinds.py"
"""What a SPEC said before the store kept it: a migration."""


def spec_readings(tree: ast.AST) -> Iterator[str]:
    """What in a module reads off a SPEC what only the registry should know."""
    written = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in written:
                if text.endswith(":") and text[:-1] in KINDS:
                    yield f"{node.lineno}: {text!r}"
            case (
                ast.Compare(comparators=[ast.Tuple() | ast.Set() | ast.List() as several])
                | ast.Assign(
                    value=ast.Tuple() | ast.Set() | ast.List() | ast.Call(args=[ast.Set()]) as several
                )
            ):
                words = [one.value for one in ast.walk(several) if isinstance(one, ast.Constant)]
                if len(words) > 1 and KINDS.issuperset(words):
                    yield f"{node.lineno}: the kinds {words}"
            case ast.Call(
                func=ast.Attribute(attr="partition" | "rpartition" | "split"), args=[ast.Constant(value=":")]
            ):
                if re.search(r"spec|judge|model|\bone\b", ast.unparse(node.func)):
                    yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_only_the_registry_reads_a_spec(path: Path) -> None:
    """What a judge or model is stands in its kind's record and with what it did; nobody guesses it."""
    if path.name != "registry.py" and not path.match(READ_BEFORE):
        assert not list(spec_readings(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "code",
    [
        "judge.spec.startswith('labels:')",
        "PEOPLE = ('labels:', 'people:')",
        "NEED = frozenset({'labels', 'people'})",
        "kind in {'replay', 'scripted'}",
        "kind = settings.judge.partition(':')[0]",
        "[one.split(':') for one in specs]",
        "'labels:' in judge_spec",
    ],
)
def test_a_reading_of_a_spec_is_seen(code: str) -> None:
    assert list(spec_readings(ast.parse(code)))


def test_a_spec_may_be_written() -> None:
    assert not list(
        spec_readings(ast.parse("f'labels:{name}'; run(('rule', 'scorer')); benchmark.kind == 'choice'"))
    )


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
