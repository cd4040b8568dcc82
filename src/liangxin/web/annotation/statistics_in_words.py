"""How the agreement page says its numbers: names of statistics, reasons for none, shares with their interval."""

from __future__ import annotations

import re

from markupsafe import Markup

from liangxin.agreement.estimate import CannotSay, Estimate
from liangxin.annotation.outcome.agreement import AgreedShare
from liangxin.annotation.outcome.annotators import Severity
from liangxin.charts import PERCENT, Axis, Mark, lane, stack
from liangxin.web.asking import Language

STATISTICS: dict[str, tuple[str, str]] = {
    "pairwise": ("两两一致率", "pairwise agreement"),
    "alpha_nominal": ("Krippendorff α（名义）", "Krippendorff’s α, nominal"),
    "alpha_ordinal": ("Krippendorff α（有序）", "Krippendorff’s α, ordinal"),
    "alpha_interval": ("Krippendorff α（等距）", "Krippendorff’s α, interval"),
    "ac1": ("Gwet AC1", "Gwet’s AC1"),
    "ac2_quadratic": ("Gwet AC2（二次权重）", "Gwet’s AC2, quadratic"),
    "ac2_ordinal": ("Gwet AC2（有序权重）", "Gwet’s AC2, ordinal"),
}
REASONS: dict[CannotSay, tuple[str, str]] = {
    CannotSay.NO_ROWS: ("还没有可比的回答", "no answers to compare yet"),
    CannotSay.TOO_FEW: ("两人以上判过的回答不足 10 条", "fewer than 10 answers judged by two or more"),
    CannotSay.NO_VARIATION: (
        "所有结论同一档，无法扣除偶然",
        "all verdicts of one level: chance cannot be taken out",
    ),
}
DIFFERING = (
    "各维度的分档含义不同，合起来没有意义，请看各维度",
    "the dimensions’ levels mean different things: see each dimension",
)
_UNIT = Axis(low=0, high=1, ticks=(0, 0.25, 0.5, 0.75, 1), origin=0)
_SIGNED = Axis(low=-1, high=1, ticks=(-1, -0.5, 0, 0.5, 1), origin=0, reference=0)


class Words:
    """The reader's language, and numbers as they are written in it."""

    def __init__(self, language: Language) -> None:
        self.english = language == "en"

    def say(self, both: tuple[str, str]) -> str:
        """One of (Chinese, English)."""
        return both[self.english]

    def title(self, name: str) -> str:
        """A statistic's name."""
        return self.say(STATISTICS[name])

    def short(self, name: str) -> str:
        """A statistic's name at the head of a narrow column: without its author's."""
        return re.sub(r"(Krippendorff|Gwet)(’s)? |（|）|,", " ", self.title(name)).strip()

    def value(self, estimate: Estimate) -> str:
        """A value: shares in percent, coefficients with three digits."""
        if estimate.value is None:
            return "—"
        return percent(estimate.value) if estimate.name == "pairwise" else f"{estimate.value:.3f}"

    def interval(self, estimate: Estimate) -> str:
        """Its interval, or nothing."""
        if estimate.low is None or estimate.high is None:
            return ""
        if estimate.name == "pairwise":
            return span(estimate.low, estimate.high)
        return f"[{estimate.low:.2f}, {estimate.high:.2f}]"

    def why_not(self, estimate: Estimate) -> str:
        """Why there is no value."""
        why = estimate.cannot_say
        return "" if why is None else self.say(REASONS.get(why, (str(why), str(why))))

    def estimate_lane(self, estimate: Estimate, axis: Axis) -> Markup:
        """A value with its interval on an axis; nothing where there is no value."""
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return Markup("")
        times = 100 if estimate.name == "pairwise" else 1
        shown = PERCENT if estimate.name == "pairwise" else axis
        mark = Mark(
            value=times * estimate.value, low=times * estimate.low, high=times * estimate.high, dot=True
        )
        return lane(
            shown, mark, self.title(estimate.name), f"{self.value(estimate)} {self.interval(estimate)}"
        )

    def share(self, share: AgreedShare) -> str:
        """A share with its interval and n."""
        if share.value is None or share.limits is None:
            return self.say(("无", "none"))
        return f"{percent(share.value)} {span(*share.limits)}"

    def share_lane(self, share: AgreedShare, title: str) -> Markup:
        """A share with its interval."""
        if share.value is None or share.limits is None:
            return Markup("")
        low, high = share.limits
        mark = Mark(value=100 * share.value, low=100 * low, high=100 * high, dot=True)
        return lane(PERCENT, mark, title, f"{self.share(share)}, n = {share.n}")

    def severity(self, severity: Severity | None) -> str:
        """How much milder or stricter than the others."""
        if severity is None:
            return self.say(("无", "none"))
        return f"{severity.value:+.2f} [{severity.low:+.2f}, {severity.high:+.2f}]"

    def severity_lane(self, severity: Severity | None, axis: Axis, title: str) -> Markup:
        """The same around zero."""
        if severity is None:
            return Markup("")
        mark = Mark(value=severity.value, low=severity.low, high=severity.high, dot=True)
        return lane(axis, mark, title, f"{self.severity(severity)}, n = {severity.n}")

    def levels(self, counts: dict[str, int], title: str) -> Markup:
        """How often each level was given, as one bar from the worst level to the best."""
        parts = [(f"l{place} of{len(counts)}", count) for place, count in enumerate(counts.values())]
        described = ", ".join(f"{name}: {count}" for name, count in counts.items())
        return stack(parts, title, described)

    def seconds(self, seconds: float | None) -> str:
        """A length of time."""
        if seconds is None:
            return "—"
        if seconds < 100:
            return self.say((f"{seconds:.0f} 秒", f"{seconds:.0f} s"))
        return self.say((f"{seconds / 60:.1f} 分", f"{seconds / 60:.1f} min"))


def coefficient_axis(estimates: list[Estimate]) -> Axis:
    """From 0 to 1, or from -1 where an interval reaches below 0."""
    lows = [one.low for one in estimates if one.low is not None and one.name != "pairwise"]
    return _SIGNED if min(lows, default=0.0) < 0 else _UNIT


def severity_axis(all_of: list[Severity]) -> Axis:
    """Around 0, as wide as the widest interval needs in steps of half a level."""
    widest = max((max(abs(one.low), abs(one.high)) for one in all_of), default=0.5)
    reach = max(0.5, -(-widest // 0.5) * 0.5)
    return Axis(low=-reach, high=reach, ticks=(-reach, 0, reach), origin=0, reference=0)


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f}%"


def span(low: float, high: float) -> str:
    """An interval of shares in percent."""
    return f"[{100 * low:.0f}, {100 * high:.0f}]"
