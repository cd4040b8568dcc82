"""What a question asks for: the right statement or the wrong one, the better reply or the worse one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

_WRONG = (
    r"不(?:太|够|完全|尽)?(?:正确|对|符合|属于|恰当|合理|合适|合法|妥当?|当|成立|包括|包含|可能|能|会|是|应该?|应当|宜|得|准确|严谨|科学|一致|相符|安全|可取|需要?|具有|利于|存在|体现|可以|必)"
    r"|(?<!没)(?<!无)(?:错误|有误|有语病|违反|违背|违法|有害)|最不|错的|没有(?!语病|错误|问题|毛病)|无法|未"
)
_NOUN = "(?:一?[项组个句种条]|选项|说法|叙述|表述|描述|判断|推断|推测|观点|理解|分析|句子|做法|行为|答案|结论|推论|解释|评价|选择)"
_RIGHT = (
    "(?<!不)(?<!不太)(?:正确|对|符合|恰当|合理|合适|属于|无误|成立|准确|妥当|没有(?:语病|错误|问题|毛病))"
)
_END = rf"[^,.?!;:，。？！；：\n]{{0,24}}?(?:的{_NOUN}{{0,2}}|{_NOUN})?(?:是|有|为)(?:哪[一几]?{_NOUN}?)?[\s(（_)）:：]*(?:$|[.?。？\n(（_])"
_PICK = rf"[^,.?!;:，。？！；：\n]{{0,16}}?的(?:那|哪)?{_NOUN}"
_WHICH = r"(?:哪[一几]?[项组个句种条]|哪些|下列|以下|which)[^,.?!，。？！\n]{0,24}?"
_ENGLISH = r"(?<![a-z])which[^.?!\n]{0,80}?(?<![a-z])(?:not|incorrect|wrong|false|inappropriate|unsafe|untrue|least)\b|(?<![a-z])except\b"
_ASKS_WRONG = re.compile(
    rf"(?P<a>{_WRONG}){_END}|{_WHICH}(?P<b>{_WRONG})[^,.!，。！\n]{{0,24}}?[?？]"
    rf"|(?:选出|选择|找出|指出|挑出)[^,.，。\n]{{0,16}}?(?P<c>{_WRONG}){_PICK}"
    rf"|{_ENGLISH}",
    re.IGNORECASE,
)
_ASKS_RIGHT = re.compile(
    rf"{_RIGHT}{_END}|{_WHICH}{_RIGHT}[^,.!，。！\n]{{0,12}}?[?？]|(?:选出|选择|找出|指出)[^,.，。\n不错]{{0,16}}?{_RIGHT}{_PICK}"
)
_WRAPPED = re.compile(r"[ \t\u3000]{0,8}\n(?=[的是有为一（(])")
_OPTIONS_BEGIN = re.compile(r"(?:^|[\s(（])[(（]?(?:A|1|甲)\s?[)）.．、:：](?!\d)")

_WHICH_REPLY = (
    r"(?:哪(?:一)?(?:个|条|种)?(?:回复|回答|答复|反馈|回应|选项|答案)?|which (?:of the two )?(?:reply|response|answer|option|one)?\s?(?:is|seems)?)"
    r"[^,.?!，。？！\n]{0,8}?(?:更|最|比较|较|\s)"
)
_BETTER = re.compile(
    rf"{_WHICH_REPLY}为?(?:好|安全|负责|合适|恰当|妥当|可取|优|佳|better|best|safer|more (?:responsible|appropriate|helpful))",
    re.IGNORECASE,
)
_WORSE = re.compile(
    rf"{_WHICH_REPLY}为?(?:不(?:安全|好|合适|恰当|妥|可取|负责)|差|糟|坏|危险|有害|worse|worst|less (?:safe|responsible|appropriate)|more (?:harmful|dangerous))",
    re.IGNORECASE,
)

Comparison = Literal["better", "worse"]


def wrong_wanted(prompt: str, choices: Sequence[str] = ()) -> str | None:
    """The word with which the question asks in the negative (错误, 不属于, …); None: it asks for the right option.

    Only the question itself is looked at, before its options: an instruction behind them speaks of 正确 in
    every question. Where it asks in both ways, the last counts.

    Args:
        choices: the options' texts, which the prompt holds.
    """
    begins = [at for one in choices if one.strip() and (at := prompt.find(one)) > 0]
    question = prompt[: min(begins)] if begins else prompt
    listed = list(_OPTIONS_BEGIN.finditer(question))
    if listed:
        question = question[: listed[-1].start()]
    question = _WRAPPED.sub("", question)
    wrong = list(_ASKS_WRONG.finditer(question))
    right = [found.end() for found in _ASKS_RIGHT.finditer(question)]
    if not wrong or (right and right[-1] > wrong[-1].end()):
        return None
    last = wrong[-1]
    return last["a"] or last["b"] or last["c"] or "wrong"


def comparison_wanted(prompt: str) -> Comparison | None:
    """Which of two replies the question asks for; None where it asks for neither.

    The first place that compares counts: the replies may compare too.
    """
    better, worse = _BETTER.search(prompt), _WORSE.search(prompt)
    if worse and (better is None or worse.start() <= better.start()):
        return "worse"
    return "better" if better else None
