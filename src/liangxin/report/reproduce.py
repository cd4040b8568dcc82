"""How a run can be made again: its manifest as facts, and the command line it stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liangxin.engine.results import JudgeResult, RunResult
from liangxin.engine.stored import chosen_by
from liangxin.run_options import given
from liangxin.text import public_url, shell_word
from liangxin.traits import JudgeTraits, ModelTraits
from liangxin.words import Bilingual

_SHORT = 160
"""A longer value, or one of several lines, is folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One entry of a manifest."""

    name: str
    value: str
    long: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The commands that make a run again, a line each, and what they need."""

    lines: tuple[str, ...]
    data: str
    """The data file's name as it was given; empty for the embedded sample."""
    version: str
    """Of Liangxin, when the run was made."""
    needs: tuple[Bilingual, ...]
    """What else must be at hand, a sentence each."""


def facts(manifest: Mapping[str, Any]) -> tuple[Fact, ...]:
    """A manifest's leaves under dotted names, in its order."""
    return tuple(
        Fact(name=name, value=value, long=len(value) > _SHORT or "\n" in value)
        for name, value in _leaves(manifest, "")
    )


def command(result: RunResult, total_units: int) -> Command:
    """The command line of a run and of its judges; a key is in no manifest, so none can appear."""
    run = result.run
    manifest = run.manifest
    spec, data = str(manifest.get("model_spec") or run.model), manifest.get("data")
    identity: Mapping[str, Any] = manifest.get("identity", {})
    options = {
        "--base-url": _address(str(identity.get("model", "")), spec),
        "--data": data,
        "--limit": run.units if run.units < total_units else None,
        **given({**identity, "trials": run.trials}),
        **_way(result),
        "--name": run.name,
    }
    words = [
        "liangxin",
        "run",
        str(manifest.get("declared_in") or run.benchmark),
        "--model",
        spec,
        *_options(options),
    ]
    judges = _judges(result.judges)
    if len({tuple(one.options) for one in judges if one.llm}) <= 1:
        ruled = [word for one in judges for word in ("--judge", one.spec)] or ["--judge", "none"]
        shared = next((one.options for one in judges if one.llm), [])
        lines = [[*words, *ruled, *shared]]
    else:
        lines = [[*words, "--judge", "none"]]
        lines += [["liangxin", "judge", run.label, "--judge", one.spec, *one.options] for one in judges]
    return Command(
        lines=tuple(" ".join(shell_word(word) for word in line) for line in lines),
        data=str(data or ""),
        version=str(manifest.get("versions", {}).get("liangxin", "")),
        needs=tuple(_needs([run.traits, *(judge.record.traits for judge in result.judges)])),
    )


def _way(result: RunResult) -> dict[str, object]:
    """How a model on this machine chose, where `given` is silent: without a word it might choose by label."""
    traits = result.run.traits
    elsewhere = traits.recorded or traits.scripted or traits.costs
    return {} if result.benchmark.kind != "choice" or elsewhere else {"--choose-by": chosen_by(result.run)}


def _options(options: Mapping[str, object]) -> list[str]:
    return [word for name, value in options.items() if value is not None for word in _words(name, value)]


def _words(name: str, value: object) -> list[str]:
    """An option as it is typed: once for each field of a request, and with both marks of reasoning."""
    if isinstance(value, Mapping):
        fields = (f"{key}={json.dumps(one, ensure_ascii=False)}" for key, one in value.items())
        return [word for field in fields for word in (name, field)]
    return [name, *map(str, value)] if isinstance(value, list) else [name, str(value)]


def _found(manifest: object, name: str) -> object:
    """What a judge's manifest, or that of a jury's member, holds under a name; None where none does."""
    if not isinstance(manifest, Mapping):
        parts = manifest if isinstance(manifest, list) else ()
        return next((one for part in parts if (one := _found(part, name)) is not None), None)
    if name in manifest:
        return manifest[name]
    return _found(list(manifest.values()), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """A judge as the command line names it; only an LLM has options."""

    spec: str
    llm: bool
    options: list[str]


def _judges(judges: Sequence[JudgeResult]) -> list[_Judge]:
    """Each judge once; an LLM that ruled on refusal too is one judge with `--refusal`."""
    refusal: dict[tuple[str, bool, tuple[str, ...]], bool] = {}
    for judge in judges:
        record = judge.record
        said = dict(_leaves(record.manifest, ""))
        last = {name.rpartition(".")[2]: value for name, value in said.items()}
        llm = bool(record.traits.asks)
        options: dict[str, object] = {}
        if llm:
            found = {
                one
                for model in record.traits.asks
                for value in said.values()
                if (one := _address(value, model))
            }
            # A jury at several providers finds each by its own name; at one, Anthropic's is shown without /v1.
            roots = {one.removesuffix("/v1") for one in found}
            options["--judge-base-url"] = max(found, key=len) if len(roots) == 1 else None
            options["--judge-temperature"] = _unless(last.get("temperature"), _NOTHING | {"0", "0.0"})
            options["--judge-max-tokens"] = _unless(last.get("max_tokens"), _NOTHING)
            options["--judge-body"] = _found(record.manifest, "body")
            options["--judge-reasoning-marks"] = _found(record.manifest, "reasoning_marks")
        key = (record.spec, llm, tuple(_options(options)))
        refusal[key] = refusal.get(key, False) or (llm and record.subject == "refusal")
    return [
        _Judge(spec=spec, llm=llm, options=[*words, *(["--refusal"] if too else [])])
        for (spec, llm, words), too in refusal.items()
    ]


_NOTHING = frozenset({"—", "null", ""})


def _unless(value: str | None, nothing: frozenset[str]) -> str | None:
    return None if value is None or value in nothing else value


def _address(identity: str, spec: str) -> str | None:
    """The base URL in a model's identity, `SPEC@URL`."""
    url = identity.removeprefix(f"{spec}@")
    return public_url(url) if url != identity and "://" in url else None


def _needs(used: Sequence[ModelTraits | JudgeTraits]) -> Iterator[Bilingual]:
    if any(one.costs for one in used):
        yield Bilingual(
            zh="接口的密钥：放在环境变量里，任何记录和本页都没有它。",
            en="The endpoint's key, in an environment variable; it is in no record and not on this page.",
        )
    if any(one.reads_file for one in used):
        yield Bilingual(
            zh="命令中提到的文件（回答、脚本或标注），内容须与当时相同；运行与评审的标识含其内容的指纹。",
            en="The files the command names (answers, script or labels), unchanged: the identities of run and judge "
            "hold a digest of their content.",
        )
    yield Bilingual(
        zh="在线模型即使设置相同，也未必给出相同的回答；存下的回答可以随时重新评审、重新计分。",
        en="A model behind an endpoint need not answer the same again; stored answers can be judged and scored anew "
        "at any time.",
    )


def _leaves(value: object, above: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(below, f"{above}.{name}" if above else str(name))
    else:
        yield above, _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    return "—" if value is None else json.dumps(value, ensure_ascii=False)
