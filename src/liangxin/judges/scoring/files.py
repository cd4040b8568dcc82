"""A scorer's directory: `scorer.json` (settings), `weights.safetensors`, `card.md`; nothing else is read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from liangxin.digests import bytes_digest
from liangxin.errors import JudgeError
from liangxin.records import Scale

SETTINGS = "scorer.json"
WEIGHTS = "weights.safetensors"
CARD = "card.md"
FORMAT = 1
LEAST_FOR_ABSTAINING = 200
"""Calibration labels below which no head may offer to abstain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstain:
    """When a head holds its tongue (split conformal risk control, see `liangxin.scorer.conformal`)."""

    risk: float
    """The share of answers that may be ruled on and wrong, on average over calibration sets."""
    threshold: float
    """Below this probability of its likeliest level the head abstains; above 1 it always does."""
    labels: int
    """Calibration labels that the threshold was found on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One dimension with levels of its own."""

    name: str
    """The dimension (a benchmark's top category), or `*` for all that have no head of their own."""
    levels: tuple[str, ...]
    """Worst first, as in `liangxin.records.Scale`."""
    temperature: float = 1.0
    """Logits are divided by it before they become probabilities."""
    abstain: Abstain | None = None
    scale: str = ""
    """The name of the one scale that the head rules on; empty: any scale with its levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of a scorer but its weights."""

    name: str
    backbone: Literal["ngram", "hf", "flames"]
    heads: tuple[Head, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The backbone's own: `ngram` has parts, orders and bits; `hf` has path, pooling, template, tokens."""
    chinese: bool = True
    """Trained on Chinese: it abstains on answers in another script."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on and how; for people and for the identity."""

    def head_for(self, dimension: str | None) -> int | None:
        """The place of the head for a dimension: its own, else `*`, else None."""
        names = [head.name for head in self.heads]
        if dimension is not None and dimension in names:
            return names.index(dimension)
        return names.index("*") if "*" in names else None

    def head_on(self, dimension: str | None, scale: Scale) -> int | None:
        """The place of the head that rules on a dimension by a scale, or None.

        A head named by the dimension goes before one named by the scale, and that before `*`; each must have the
        scale's levels, and its scale if it names one.
        """
        levels = tuple(level.name for level in scale.levels)
        fit = {
            head.name: place
            for place, head in enumerate(self.heads)
            if head.levels == levels and head.scale in ("", scale.name)
        }
        return next((fit[name] for name in (dimension, scale.name, "*") if name in fit), None)


def write_settings(folder: Path, settings: Settings) -> None:
    """Write `scorer.json`, sorted and indented, so that equal settings are equal bytes."""
    text = json.dumps(
        {"format": FORMAT, **settings_values(settings)}, ensure_ascii=False, indent=1, sort_keys=True
    )
    (folder / SETTINGS).write_text(text + "\n", encoding="utf-8")


def read_settings(folder: Path) -> Settings:
    """Read `scorer.json`.

    Raises:
        JudgeError: it is missing, of another format, or malformed.
    """
    path = folder / SETTINGS
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise JudgeError(
            f"{folder}: no scorer here ({SETTINGS} is missing); train one with `liangxin scorer train`"
        ) from None
    except ValueError as error:
        raise JudgeError(f"{path}: not JSON ({error})") from None
    try:
        if values.pop("format") != FORMAT:
            raise ValueError(f"format {FORMAT} expected; this scorer was written by another version")
        heads = tuple(_head(one) for one in values.pop("heads"))
        settings = Settings(heads=heads, **values)
        if settings.backbone not in ("ngram", "hf", "flames") or not heads:
            raise ValueError("no such backbone, or no heads")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JudgeError(f"{path}: not a scorer's settings ({error})") from None
    return settings


def _head(values: Mapping[str, Any]) -> Head:
    abstain = values.get("abstain")
    head = Head(
        name=str(values["name"]),
        levels=tuple(str(level) for level in values["levels"]),
        temperature=float(values.get("temperature", 1.0)),
        abstain=Abstain(**abstain) if abstain else None,
        scale=str(values.get("scale", "")),
    )
    if len(head.levels) < 2 or len(set(head.levels)) < len(head.levels):
        raise ValueError(f"head {head.name!r} needs two or more different levels")
    if not (math.isfinite(head.temperature) and head.temperature > 0):
        raise ValueError(f"head {head.name!r} needs a temperature above 0")
    if head.abstain is not None and head.abstain.labels < LEAST_FOR_ABSTAINING:
        raise ValueError(f"head {head.name!r} abstains by fewer than {LEAST_FOR_ABSTAINING} labels")
    return head


def weights_digest(folder: Path) -> str:
    """The sha256 of the scorer's weights (64 hex digits).

    Raises:
        JudgeError: they cannot be read.
    """
    path = folder / WEIGHTS
    try:
        return bytes_digest(path)
    except OSError as error:
        raise JudgeError(
            f"{path}: not readable ({error.strerror or error}); is the scorer complete?"
        ) from None


def settings_values(settings: Settings) -> Mapping[str, Any]:
    """The settings as JSON can hold them, for a judge's manifest and for `scorer.json`.

    A head without a scale of its own has no such field, as before there was one: its identity stays.
    """
    values = asdict(settings)
    for head in values["heads"]:
        if not head["scale"]:
            del head["scale"]
    return cast("Mapping[str, Any]", values)
