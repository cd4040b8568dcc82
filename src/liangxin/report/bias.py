"""Position bias of a choice model as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from markupsafe import Markup

from liangxin.charts import PERCENT, Mark, lane, scale_line
from liangxin.measures import PositionBias, wilson
from liangxin.report.numbers import FEW, figure, span
from liangxin.words import Bilingual

AXIS = replace(PERCENT, reference=50.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionShare:
    """One share with its counts, a Wilson interval and its lane."""

    title: Bilingual
    note: Bilingual
    value: str
    interval: str
    part: int
    whole: int
    few: bool
    chart: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBiasView:
    """Whether the model prefers the reply that stands first."""

    shares: tuple[PositionShare, ...]
    scale: Markup
    both_first: int
    both_second: int


def bias_view(bias: PositionBias, series: int) -> PositionBiasView:
    """Shares of rows (choice, accuracy by place of the gold reply) and of pairs (the same reply in both orders)."""
    return PositionBiasView(
        shares=(
            _share(
                Bilingual(zh="选择排在前面的", en="Chose the first"),
                Bilingual(
                    zh="已读出选择的行；两种顺序都问时，没有偏差即为 50%",
                    en="of rows with a decision; 50 % without bias where both orders are asked",
                ),
                bias.chose_first,
                bias.decided,
                series,
            ),
            _share(
                Bilingual(zh="好的在前时选对", en="Right when the better is first"),
                Bilingual(
                    zh="已读出选择、且更好的排在前面的行",
                    en="of decided rows whose better reply stands first",
                ),
                bias.gold_first_right,
                bias.gold_first,
                series,
            ),
            _share(
                Bilingual(zh="好的在后时选对", en="Right when the better is second"),
                Bilingual(
                    zh="已读出选择、且更好的排在后面的行",
                    en="of decided rows whose better reply stands second",
                ),
                bias.gold_second_right,
                bias.gold_second,
                series,
            ),
            _share(
                Bilingual(zh="两种顺序选同一个回复", en="Same reply in both orders"),
                Bilingual(zh="两种顺序都读出选择的题", en="of questions decided in both orders"),
                bias.consistent,
                bias.pairs_decided,
                series,
            ),
        ),
        scale=scale_line(AXIS),
        both_first=bias.both_first,
        both_second=bias.both_second,
    )


def _share(title: Bilingual, note: Bilingual, part: int, whole: int, series: int) -> PositionShare:
    value = low = high = None
    if whole:
        value = 100 * part / whole
        low, high = (100 * limit for limit in wilson(part, whole))
    few = whole < FEW
    mark = Mark(value=value, low=low, high=high, bare=few, series=series)
    described = f"{figure(value)}% ({part}/{whole}); 95% 区间 interval {span(low, high)}"
    return PositionShare(
        title=title,
        note=note,
        value=figure(value),
        interval=span(low, high),
        part=part,
        whole=whole,
        few=few,
        chart=lane(AXIS, mark, f"{title.zh} {title.en}", described),
    )
