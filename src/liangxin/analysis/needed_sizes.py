"""One plan: how many items or labels would do, and what that rests on. All rates in percent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from liangxin.errors import UsageError
from liangxin.planning.judged import (
    JudgeAccuracy,
    PlannedStratum,
    calibration_size,
    corrected_half_width,
    labels_needed,
    two_stage_half_width,
)
from liangxin.planning.sizes import claim_size, difference_size, margin_size, paired_size

POWER = 80.0
"""In percent, where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is asked for; in percent, None where it was not named."""

    at_least: float | None = None
    margin: float | None = None
    difference: float | None = None
    rate: float | None = None
    discordant: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    items: int | None = None
    labels: int | None = None
    confidence: float = 95.0
    power: float | None = None
    """None: `POWER`."""

    @property
    def power_share(self) -> float:
        """The power as a share of 1."""
        return (POWER if self.power is None else self.power) / 100

    def reads(self, *names: str) -> None:
        """Refuse what was named beside these, as this plan would not read it.

        Raises:
            UsageError: something was.
        """
        for field in fields(self):
            if field.name not in (*names, "confidence") and getattr(self, field.name) is not None:
                shown = ", ".join(f"--{name.replace('_', '-')}" for name in names)
                raise UsageError(
                    f"--{field.name.replace('_', '-')} is not part of this plan, which reads {shown}: leave it out"
                )


def plan(wanted: PlanRequest) -> dict[str, Any]:
    """The plan as JSON: `design`, what it needs, and what was supposed.

    Raises:
        UsageError: the wishes do not make one plan.
    """
    goals = [name for name in ("at_least", "margin", "difference") if getattr(wanted, name) is not None]
    two_stage = wanted.sensitivity is not None or wanted.specificity is not None
    if len(goals) > 1 or not (goals or two_stage):
        raise UsageError("name one goal: --at-least P (a claim), --margin M, or --difference D")
    if two_stage:
        return _judged(wanted)
    if wanted.at_least is not None:
        return _claim(wanted, wanted.at_least)
    return _margin(wanted) if wanted.margin is not None else _difference(wanted)


def _claim(wanted: PlanRequest, at_least: float) -> dict[str, Any]:
    if wanted.rate is None:
        raise UsageError("--at-least needs --rate R, the true rate that is supposed (in percent)")
    wanted.reads("at_least", "rate", "power")
    found = claim_size(
        at_least / 100, wanted.rate / 100, confidence=wanted.confidence / 100, power=wanted.power_share
    )
    return {
        "design": "claim",
        "items": found.n,
        "least_passes": found.passes,
        "power": 100 * found.power,
        "at_least": at_least,
        "rate": wanted.rate,
        "confidence": wanted.confidence,
        "method": "clopper-pearson one-sided, exact power",
    }


def _margin(wanted: PlanRequest) -> dict[str, Any]:
    wanted.reads("margin", "rate")
    rate = 50.0 if wanted.rate is None else wanted.rate
    assert wanted.margin is not None
    return {
        "design": "margin",
        "items": margin_size(wanted.margin / 100, rate / 100, wanted.confidence / 100),
        "margin": wanted.margin,
        "rate": rate,
        "confidence": wanted.confidence,
        "method": "wilson",
    }


def _difference(wanted: PlanRequest) -> dict[str, Any]:
    assert wanted.difference is not None
    shared = {"confidence": wanted.confidence / 100, "power": wanted.power_share}
    told = {
        "difference": wanted.difference,
        "confidence": wanted.confidence,
        "power": POWER if wanted.power is None else wanted.power,
    }
    if wanted.discordant is not None:
        wanted.reads("difference", "discordant", "power")
        items = paired_size(wanted.difference / 100, wanted.discordant / 100, **shared)
        return {
            "design": "paired difference",
            "items": items,
            "discordant": wanted.discordant,
            **told,
            "method": "connor 1987",
        }
    if wanted.rate is None:
        raise UsageError(
            "--difference needs --discordant S (both models on the same items) or --rate R (items of their own)"
        )
    wanted.reads("difference", "rate", "power")
    items = difference_size(wanted.rate / 100, (wanted.rate - wanted.difference) / 100, **shared)
    return {"design": "difference", "items_each": items, "rate": wanted.rate, **told, "method": "fleiss 1981"}


def _judged(wanted: PlanRequest) -> dict[str, Any]:
    if wanted.sensitivity is None or wanted.specificity is None or wanted.rate is None:
        raise UsageError("a judge's plan needs --sensitivity, --specificity and --rate")
    if wanted.items is None:
        raise UsageError("a judge's plan needs --items N, the answers that the judge rules on")
    if wanted.at_least is not None or wanted.difference is not None:
        raise UsageError("a judge's plan is for a --margin M, or for what --labels N would give")
    wish = "margin" if wanted.labels is None else "labels"
    wanted.reads("sensitivity", "specificity", "rate", "items", wish)
    judge = JudgeAccuracy(sensitivity=wanted.sensitivity / 100, specificity=wanted.specificity / 100)
    rate, confidence = wanted.rate / 100, wanted.confidence / 100
    passed = judge.raw(rate)
    strata = [_stratum(wanted.items, passed, rate * judge.sensitivity)]
    strata.append(_stratum(wanted.items, 1 - passed, rate * (1 - judge.sensitivity)))
    told: dict[str, Any] = {
        "design": "judge and people",
        "items": wanted.items,
        "rate": wanted.rate,
        "raw_rate": 100 * passed,
        "sensitivity": wanted.sensitivity,
        "specificity": wanted.specificity,
        "confidence": wanted.confidence,
    }
    if wanted.labels is not None:
        half = two_stage_half_width(strata, wanted.labels, confidence=confidence)
        return told | {"labels": wanted.labels, "margin": 100 * half, "method": "stratified, neyman"}
    if wanted.margin is None:
        raise UsageError("name what is wanted: --margin M, or --labels N to see the margin that they give")
    apart = calibration_size(wanted.margin / 100, rate, judge, wanted.items, confidence)
    alone = None
    if apart is not None:
        alone = 100 * corrected_half_width(rate, judge, wanted.items, apart, confidence)
    return told | {
        "margin": wanted.margin,
        "labels": labels_needed(wanted.margin / 100, strata, confidence=confidence),
        "calibration": None if apart is None else {"good": apart.good, "bad": apart.bad, "margin": alone},
        "method": "stratified, neyman (labels of this run); rogan-gladen (calibration on other answers)",
    }


def _stratum(items: int, share: float, good: float) -> PlannedStratum:
    """A stratum that holds a share of all answers, `good` of all answers being good and in it."""
    return PlannedStratum(size=round(items * share), weight=share, rate=good / share if share > 0 else 0.0)
