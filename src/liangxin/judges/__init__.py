"""Judges: SPEC is KIND or KIND:NAME, and each kind is imported on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from liangxin.errors import PluginError
from liangxin.judges.base import Judge, JudgeContext, MeasuredJudge, ModelJudge
from liangxin.judges.kinds import NO_JUDGE, JudgeKind
from liangxin.models import MODELS, likely_spec, model_traits, package_versions
from liangxin.registry import Registry, kind_and_name, kind_reader, resolved
from liangxin.specs import Bilingual
from liangxin.traits import JudgeTraits, Origin

__all__ = [
    "JUDGES",
    "NO_JUDGE",
    "Judge",
    "JudgeContext",
    "JudgeKind",
    "MeasuredJudge",
    "ModelJudge",
    "judge_traits",
    "judge_versions",
    "member_specs",
    "open_judges",
]

JUDGES: Registry[JudgeKind] = Registry(
    "judge",
    {
        "choice": "liangxin.judges.kinds:CHOICE",
        "rule": "liangxin.judges.kinds:RULE",
        "scorer": "liangxin.judges.kinds:SCORER",
        "llm": "liangxin.judges.kinds:LLM",
        "jury": "liangxin.judges.kinds:JURY",
        "labels": "liangxin.judges.kinds:LABELS",
        "people": "liangxin.judges.kinds:PEOPLE",
    },
    see="liangxin judges",
    entry_points="liangxin.judges",
    reserved=frozenset({NO_JUDGE}),
    read=kind_reader(JudgeKind, "{}[:NAME]", Bilingual(zh="评审", en="judge")),
)


def open_judges(spec: str, context: JudgeContext) -> Sequence[Judge]:
    """Open the judge that `spec` names: one for each scale it rules on and, for labels, each annotator.

    Raises:
        UnknownName: no such kind.
        JudgeError, DataError, UsageError: it cannot be used on this benchmark or run.
        PluginError: a package brings the kind, and it is broken.
    """
    name, rest = kind_and_name(spec)
    kind = JUDGES.get(name, _likely_judge(spec))
    judges = resolved(kind.open)(rest, context)
    origin = JUDGES.origin(name)
    return judges if origin is None else _packaged(judges, kind, origin)


def _likely_judge(spec: str) -> str:
    """The SPEC that somebody who wrote a model or a file without the judge's kind will have meant."""
    if PurePath(spec).suffix.lower() in (".jsonl", ".csv", ".xlsx"):
        return f"labels:{spec}"
    known = MODELS.find(kind_and_name(spec)[0]) is not None
    return f"llm:{spec if known else likely_spec(spec)}"


def judge_traits(spec: str) -> JudgeTraits:
    """What the judge that `spec` names is; nothing special where no such kind is known.

    Raises:
        PluginError: as `open_judges`.
    """
    name, rest = kind_and_name(spec)
    kind = JUDGES.find(name)
    if kind is None:
        return JudgeTraits()
    own = kind.traits
    if kind.asks_model:
        asked = model_traits(rest)
        own = replace(
            own,
            asks=(rest,) if rest else (),
            costs=own.costs or asked.costs,
            reads_file=own.reads_file or asked.reads_file,
        )
    if not kind.of_judges:
        return own
    members = [judge_traits(one) for one in member_specs(rest)]
    return replace(
        own,
        asks=tuple(model for one in members for model in one.asks),
        costs=any(one.costs for one in members),
        needs_items=any(one.needs_items for one in members),
        reads_file=any(one.reads_file for one in members),
    )


def judge_versions(spec: str) -> dict[str, str]:
    """The packages that bring the judge, its members and the models that they ask, with their versions.

    For a manifest; empty where all is built in.
    """
    name, rest = kind_and_name(spec)
    kind, origin = JUDGES.find(name), JUDGES.origin(name)
    found = {origin.package: origin.version} if origin else {}
    if kind is not None and kind.of_judges:
        for one in member_specs(rest):
            found |= judge_versions(one)
    return found | (package_versions(rest) if kind is not None and kind.asks_model else {})


def member_specs(name: str) -> list[str]:
    """The SPECs in the NAME of a kind of several judges."""
    return [one.strip() for one in name.split(",")]


def _packaged(judges: object, kind: JudgeKind, origin: Origin) -> Sequence[Judge]:
    """The judges of a package, with the package in their identity.

    Raises:
        PluginError: they are no judges.
    """
    from liangxin.judges.packaged import PackagedJudge

    listed: list[Any] = list(judges) if isinstance(judges, Sequence) else [judges]
    if not all(isinstance(getattr(one, "identity", None), str) and hasattr(one, "rule") for one in listed):
        raise PluginError(
            f"judge {kind.name!r} of the package {origin.package} opens something of type {type(judges).__name__}, "
            "expected a sequence of judges, each with an identity (a text) and the method rule"
        )
    package = {"name": origin.package, "kind_version": kind.version}
    return [PackagedJudge(one, package) for one in listed]
