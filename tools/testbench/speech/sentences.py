"""Every sentence that the package says to its user, as the code has it: read from the syntax tree, nothing is run.

    python -m testbench.speech.sentences        what the catalogue lacks and what it has too much, ready to be filled in

A sentence is what an error is raised with, what is told, printed or noticed, and the texts of help. What varies in it is
a hole, named after what stands there. A sentence put together from parts is known by each of its parts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product, zip_longest
from pathlib import Path

from liangxin.languages.catalogue import Wording, entries_of, files

PACKAGE = Path(__file__).parents[3] / "src" / "liangxin"
ERRORS = frozenset(
    [
        "LiangxinError",
        "DataError",
        "StoreError",
        "UnknownRun",
        "StoreReadOnly",
        "RunAtWork",
        "LeaseLost",
        "ModelError",
        "AccessDenied",
        "JudgeError",
        "PluginError",
        "UsageError",
        "UnknownName",
    ]
)
"""What the command line prints; those for people on the site carry both languages."""
TOLD = frozenset({"tell", "_tell", "put", "in_language", "plain_table", "cannot_say"})
"""Functions that say what they are given; each of their arguments is a sentence."""
NOTICES = frozenset({"notices", "notes", "cautions", "calibrated", "left_out", "warning", "line"})
"""Names of functions that return sentences, and of lists that hold them."""
ELSEWHERE = ("web", "people", "annotation", "redteam", "choice_items", "report", "testing", "api/display.py")
"""Pages and notebooks, which show both languages or the reader's own."""
_FORM = re.compile(r": found .*, expected ", re.DOTALL)
_WORDS = re.compile("[A-Za-z]{2,} [A-Za-z]|[A-Za-z]{3,}|[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the package."""

    text: str
    """With holes, as the catalogue has it."""
    place: str
    needed: bool
    """Whether the catalogue must have it; what may stand in another's hole is only allowed there."""


def sentences() -> list[Sentence]:
    """All of them, in the order of files and lines."""
    found: list[Sentence] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(ELSEWHERE):
            found += _Reader(place, ast.parse(path.read_text(encoding="utf-8"))).sentences()
    return found


def _is_of_notices(scope: ast.AST) -> bool:
    """Whether it is a function that returns sentences."""
    return isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) and scope.name.lstrip("_") in NOTICES


class _Reader:
    """Reads one module."""

    def __init__(self, place: str, tree: ast.Module) -> None:
        self._place = place
        self._tree = tree
        self._scopes = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        self._functions = {node.name: node for node in self._scopes}
        self._found: dict[str, Sentence] = {}
        self._read: set[str] = set()

    def sentences(self) -> list[Sentence]:
        """Every sentence of the module."""
        for scope in [self._tree, *self._scopes]:
            for node in _own(scope):
                if isinstance(node, ast.Call):
                    self._call(node, scope)
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    self._listed(node, scope)
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) and _is_of_notices(scope):
                self._returned(scope)
        return list(self._found.values())

    def _call(self, node: ast.Call, scope: ast.AST) -> None:
        name = _last(node.func)
        if name in ERRORS:
            self._add(node.args[:1], scope, needed=True)
        elif name == "warning":
            self._add([_filled(node)], scope, needed=True)
        elif name in TOLD:
            self._add([*node.args, *(one.value for one in node.keywords)], scope, needed=True)
        elif name == "append" and isinstance(node.func, ast.Attribute):
            if _last(node.func.value) in NOTICES or _is_of_notices(scope):
                self._add(node.args, scope, needed=True)
        elif name is not None and name.endswith(
            ("Error", "Unreachable", "NotWeighed", "TooMuch", "_Unreadable")
        ):
            self._add(node.args[:1], scope, needed=False)

    def _listed(self, node: ast.Assign | ast.AnnAssign, scope: ast.AST) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None and any(_last(one) in NOTICES for one in targets):
            self._add([node.value], scope, needed=True)

    def _returned(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if function.name in self._read:
            return
        self._read.add(function.name)
        for node in _own(function):
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                self._add([node.value], function, needed=True)
                listed = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
                for one in listed:
                    name = _last(one.value if isinstance(one, ast.Starred) else one)
                    self._gathered(name, function)

    def _gathered(self, name: str | None, scope: ast.AST) -> None:
        """What a list of sentences is made of: what it begins with, and what is appended to it."""
        for node in _own(scope):
            match node:
                case (
                    ast.Assign(targets=[target], value=value)
                    | ast.AnnAssign(target=target, value=ast.expr() as value)
                ):
                    if _last(target) == name:
                        self._add([value], scope, needed=True)
                case ast.Call(func=ast.Attribute(value=owner, attr="append"), args=args) if (
                    _last(owner) == name
                ):
                    self._add(args, scope, needed=True)

    def _add(self, values: Sequence[ast.expr], scope: ast.AST, *, needed: bool) -> None:
        for value in values:
            if isinstance(value, ast.List | ast.Tuple):
                self._add(value.elts, scope, needed=needed)
                continue
            if isinstance(value, ast.ListComp | ast.GeneratorExp):
                self._add([value.elt], scope, needed=needed)
                continue
            if isinstance(value, ast.Starred):
                self._add([value.value], scope, needed=needed)
                continue
            if (
                isinstance(value, ast.Call)
                and (said := self._functions.get(_last(value.func) or "")) is not None
            ):
                self._returned(said)
                continue
            for text in _texts(value):
                self._keep(text, value, needed=needed)
            for part in _parts(value):
                self._part(part, scope)

    def _part(self, part: ast.expr, scope: ast.AST) -> None:
        """What may stand in a hole: a local name's text, or what a function of the module returns."""
        match part:
            case ast.IfExp() | ast.BinOp() | ast.BoolOp() | ast.Constant(value=str()) | ast.JoinedStr():
                self._add([part], scope, needed=False)
            case ast.Name(id=name):
                for node in [*_own(scope), *self._tree.body]:
                    if isinstance(node, ast.Assign) and any(_last(one) == name for one in node.targets):
                        value = node.value
                        self._add([] if isinstance(value, ast.Name) else [value], scope, needed=False)
            case ast.Call(func=function) if (known := self._functions.get(_last(function) or "")) is not None:
                for node in _own(known):
                    if isinstance(node, ast.Return) and node.value is not None:
                        for text in _texts(node.value):
                            self._keep(text, node.value, needed=False)

    def _keep(self, text: str, node: ast.expr, *, needed: bool) -> None:
        said = "".join(Wording.of(text).texts)
        if _WORDS.search(said) and not _FORM.search(said):
            before = self._found.get(text)
            self._found[text] = Sentence(
                text=text,
                place=f"{self._place}:{node.lineno}",
                needed=needed or (before is not None and before.needed),
            )


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, not in those within it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own(child)


def _filled(node: ast.Call) -> ast.expr:
    """A message for logging, `%s` and its values, as one text."""
    match node.args:
        case [ast.Constant(value=str(text)), *values]:
            parts: list[ast.expr] = []
            for piece, value in zip_longest(text.split("%s"), values):
                parts.append(ast.Constant(piece))
                if value is not None:
                    parts.append(ast.FormattedValue(value, -1))
            return ast.copy_location(ast.JoinedStr(parts), node)
        case _:
            return node


def _last(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _texts(node: ast.expr) -> list[str]:
    """What an expression can say: texts with holes, one for each way through its conditions."""
    return ["".join(parts) for parts in _ways(node, {})] if _is_text(node) else []


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format")):
            return True
        case ast.BinOp(op=ast.Add() | ast.Mod(), left=left, right=right):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(body=body, orelse=other):
            return _is_text(body) or _is_text(other)
        case _:
            return False


def _ways(node: ast.expr, names: dict[str, int]) -> list[list[str]]:
    match node:
        case ast.Constant(value=str(text)):
            return [[text.replace("{", "{{").replace("}", "}}")]]
        case ast.JoinedStr(values=values):
            return [[_piece(one, names) for one in values]]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text))), args=args) if args:
            last = args[-1]
            return [[re.sub(r"\{\}", lambda _: "{" + _named(last, names) + "}", text)]]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [[*one, *other] for one, other in product(_ways(left, names), _ways(right, names))]
        case ast.IfExp(body=body, orelse=other):
            return [*_ways(body, dict(names)), *_ways(other, dict(names))]
        case _:
            return [["{" + _named(node, names) + "}"]]


def _piece(node: ast.expr, names: dict[str, int]) -> str:
    if isinstance(node, ast.FormattedValue):
        return "{" + _named(node.value, names) + "}"
    return str(getattr(node, "value", "")).replace("{", "{{").replace("}", "}}")


def _named(node: ast.expr, names: dict[str, int]) -> str:
    """A name for what stands in a hole, its own among those of the sentence."""
    name = re.sub(r"\W+", "_", _name(node)).strip("_") or "value"
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}{names[name]}"


def _name(node: ast.AST) -> str:  # noqa: PLR0911  one return for each kind of expression
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return name if owner in ("self", "error") else f"{owner}_{name}"
        case ast.Attribute(value=owner, attr=name):
            return f"{_name(owner)}_{name}"
        case ast.Call(func=function, args=[]):
            return _name(function)
        case ast.Call(args=[first, *_]):
            return _name(first)
        case ast.GeneratorExp(generators=[one, *_]) | ast.ListComp(generators=[one, *_]):
            return _name(one.iter)
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return _name(value)
        case ast.BoolOp(values=values):
            return next((found for one in values if (found := _name(one))), "")
        case ast.BinOp(left=left, right=right):
            return _name(left) or _name(right)
        case ast.IfExp(body=body, orelse=other, test=test):
            return _name(body) or _name(other) or _name(test)
        case _:
            return ""


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions in the holes."""
    match node:
        case ast.JoinedStr(values=values):
            for one in values:
                if isinstance(one, ast.FormattedValue):
                    yield one.value
        case ast.BinOp(left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.IfExp(body=body, orelse=other):
            yield from _parts(body)
            yield from _parts(other)
        case ast.Name() | ast.Call():
            yield node


def texts() -> set[str]:
    """Every text in the code, whatever it is for."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.IfExp):
                found.update(_texts(node))
    return found


def catalogued(language: str) -> Mapping[str, str]:
    """Every entry of a language, whichever file it is in."""
    return {known: said for path in files(language) for known, said in entries_of(path).items()}


def main() -> None:
    """Print what is missing and what is nowhere said."""
    known, found = catalogued("zh"), sentences()
    for one in found:
        if one.text not in known and one.needed:
            print(f"# {one.place}\n{one.text!r}")
    print("--- allowed")
    for one in found:
        if one.text not in known and not one.needed:
            print(f"# {one.place}\n{one.text!r}")


if __name__ == "__main__":
    main()
