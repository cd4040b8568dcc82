"""A benchmark of the user's own, declared in one TOML file; see `docs/howto/benchmark.en.md` for every key."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from liangxin.benchmarks.declared import parts
from liangxin.benchmarks.declared.asked import choosing
from liangxin.benchmarks.declared.datafiles import data_files
from liangxin.benchmarks.declared.mapping import mapping
from liangxin.benchmarks.declared.tables import Mistakes, TomlTable
from liangxin.digests import text_digest
from liangxin.errors import DataError
from liangxin.records import Scale
from liangxin.specs import Benchmark, Category, Declaration

__all__ = ["declared", "load"]

_NAME = re.compile(r"\w[\w.-]{0,63}")
_MOST_BYTES = 4 << 20
_DIGITS = 12


def load(path: str, taken: Collection[str] = ()) -> Benchmark:
    """The benchmark that a TOML file declares.

    Args:
        taken: names that belong to others.

    Raises:
        DataError: the file is missing or not UTF-8, or the declaration is wrong: every mistake, one a line.
    """
    place = Path(path)
    try:
        if place.is_dir():
            raise DataError(f"{path}: is a directory; expected a TOML file")
        with place.open("rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable ({getattr(error, 'strerror', None) or error})") from None
    if len(raw) > _MOST_BYTES:
        raise DataError(
            f"{path}: text: found more than 4 MiB, expected a declaration; put data in its own file"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: text: found bytes that are not UTF-8 (at byte {error.start + 1}), expected a TOML file in UTF-8"
        ) from None
    return declared(text.replace("\r\n", "\n"), path, str(place.absolute().parent), taken)


def declared(text: str, file: str, folder: str, taken: Collection[str] = ()) -> Benchmark:
    """The benchmark that a TOML text declares.

    Args:
        file: the file's path, for messages.
        folder: what the data's paths are relative to.

    Raises:
        DataError: as `load`.
    """
    values = _toml(text, file)
    mistakes = Mistakes(file)
    root = TomlTable(values, "", mistakes)
    name = _name(root, taken)
    kind = root.one_of("kind", ("open", "choice"))
    secret = root.flag("secret", default=False)
    kinds = root.table("taxonomy")
    nodes = parts.taxonomy(kinds)
    chosen = choosing(root) if kind == "choice" else None
    read = mapping(root, name, chosen, nodes, kinds, secret)
    kinds.close(["categories"])
    data, sample = data_files(root, file, folder, read)
    if chosen is not None:
        _none_for_choice(root)
        scales: Mapping[str, Scale] = {"*": parts.choice_scale(chosen.labels)}
    else:
        if root.get("choice") is not None:
            root.mistakes.say("choice", "a table", 'none, or kind = "choice"')
        scales = parts.scales(root)
    tops = _tops(root, nodes, scales, open_=read.open_taxonomy)
    measures = parts.measures(root, kind, scales)
    rubric = parts.rubric(root, kind, tops)
    version = root.text("version", default="1.0").strip()
    benchmark = Benchmark(
        name=name,
        version=f"{version}+{_digest(values)}",
        title=root.bilingual("title"),
        kind=_kind(kind),
        read=read.read,
        sample=str(Path(folder) / data.names[0]) if data.names else "",
        scales=scales,
        rubric=rubric,
        measures=measures,
        annotators=_annotators(root.one_of("annotators", ("majority", "mean"), default="majority")),
        taxonomy=nodes,
        open_taxonomy=read.open_taxonomy,
        card=parts.card(root),
        references=read.reference is not None,
        declaration=Declaration(
            text=text,
            file=file,
            items=data.items,
            digest=data.digest,
            sample=sample,
            secret=secret or read.secret_column is not None,
        ),
    )
    root.close()
    mistakes.stop()
    return benchmark


def _name(root: TomlTable, taken: Collection[str]) -> str:
    name = root.text("name").strip()
    if name and (not _NAME.fullmatch(name) or name.endswith(".toml")):
        root.wrong("name", name, "letters, digits, - and _, such as my-benchmark")
    if name in taken:
        root.wrong("name", name, "a name that no built-in benchmark has")
    return name


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DataError(
            f"{file}: text: found TOML that is nested too deeply, expected a few levels"
        ) from None
    except ValueError as error:
        why = str(error).replace("\n", " ")
        raise DataError(f"{file}: text: found invalid TOML ({why}), expected a TOML file") from None


def _digest(values: Mapping[str, Any]) -> str:
    """12 hex digits of what is declared; where the data lies, comments and layout are not part of it."""
    data = values.get("data")
    kept = dict(values)
    if isinstance(data, dict):
        kept["data"] = {key: value for key, value in data.items() if key not in ("file", "files")}
        if isinstance(data.get("join"), dict):
            kept["data"]["join"] = {key: value for key, value in data["join"].items() if key != "file"}
    packed = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return text_digest(packed, length=_DIGITS)


def _tops(
    root: TomlTable, nodes: tuple[Category, ...], scales: Mapping[str, Scale], *, open_: bool
) -> frozenset[str] | None:
    """The top categories, where they are closed; a scale for another one is a mistake."""
    if open_:
        return None
    tops = frozenset(node.name for node in nodes)
    for name in scales:
        if name != "*" and name not in tops:
            root.mistakes.say(f"scales.{name}", "no such category", ", ".join(sorted(tops)))
    return tops


def _none_for_choice(root: TomlTable) -> None:
    for key in ("scale", "scales"):
        if root.get(key) is not None:
            root.mistakes.say(key, "a table", "none: the labels of [choice] are the scale")


def _kind(kind: str) -> Literal["open", "choice"]:
    return "choice" if kind == "choice" else "open"


def _annotators(rule: str) -> Literal["majority", "mean"]:
    return "mean" if rule == "mean" else "majority"
