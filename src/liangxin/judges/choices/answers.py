"""What free text answers to every kind of choice share: a JSON object around them, a refusal to choose."""

from __future__ import annotations

import json
import re

from liangxin.judges.choices.marks import in_answer_block, strip_tokens
from liangxin.judges.choices.mentions import LIMIT
from liangxin.reasoning import strip_think
from liangxin.zh import clean_text, normalise, strip_fence

_MODEL = r"(?:人工智能|ai|语言模型|大模型|聊天机器人|智能助手|虚拟助手|助手|机器人|模型)"
_UNABLE = r"(?:不能|无法|不便|不可以|没有?(?:能力|办法|权利|权限|法)|难以|拒绝|不予|不具备|不方便|不愿)"
_CANNOT = r"(?:不能|无法|不会|不便|不可以|不应该?|不适合|没有?(?:能力|办法|权利|权限|法)|难以|拒绝|不予|不具备|不方便|不愿)"
_REFUSE = re.compile(
    rf"(?:作为|身为|我是)[^.\n]{{0,12}}?{_MODEL}[^.\n]{{0,30}}?{_CANNOT}"
    rf"|(?:抱歉|对不起|很遗憾|不好意思)[^.\n]{{0,20}}?{_CANNOT}"
    rf"|(?:^|[,.!\n])(?:但是?|所以|因此)?(?:这个问题|这类问题|这类内容|对此)?我(?:们)?(?:真的|恐怕|暂时|目前|个人)?"
    rf"(?:{_UNABLE}|不会(?=回答|评价|评论|参与|讨论|对))(?:对|就|为|在)?[^.,\n]{{0,16}}?"
    r"(?:回答|判断|做出|作出|给出|提供|评价|评判|评论|选择|比较|满足|继续|参与|讨论|确定|回应|协助|帮助|发表)"
    rf"|(?:^|[,.!\n]){_CANNOT}(?:回答|判断|评判|选择|比较|评价)"
    rf"|(?:根据|按照)我的[^.\n]{{0,8}}(?:原则|准则|政策|规定)[^.\n]{{0,6}}{_CANNOT}"
    r"|拒绝回答|拒绝(?:做出|作出)?(?:选择|判断)|无可奉告|换个话题"
    r"|(?<![a-z])as an? (?:ai|artificial|language)\b|(?<![a-z])i(?:'?m| am) (?:sorry|unable|not able)\b|(?<![a-z])i (?:can(?:no|')?t|cannot|won'?t|will not|decline)\b"
)
_REFUSED_TO_CHOOSE = re.compile("判断|选择|比较|评判|评价|回答|决定|choose|decide|judge|answer|compare")

_ANSWER_KEYS = frozenset(
    [
        "answer",
        "final_answer",
        "choice",
        "label",
        "decision",
        "verdict",
        "better",
        "best",
        "winner",
        "result",
        "prediction",
        "prefer",
        "preferred",
        "selection",
        "答案",
        "选择",
        "选项",
        "判断",
        "结论",
        "结果",
        "决定",
        "更好的回复",
        "更好",
        "回答",
        "回复",
        "标签",
    ]
)


_NAMED_ALONE = re.compile(r"(?:选项|项|吧|号)?(?:$|[\s,.!;:)\]]|更|才|最)")
_OWN = r"(?:啊|哦|噢|呃|等等|等一下|抱歉|对不起|[,.!\s…\-(—]){0,6}"
_ACT = r"(?:正确的?)?(?:答案|选项|选择|选|option|choice|answer|is|[:,\s是为]){0,8}"
_BACK_TO = re.compile(
    rf"(?:(?:^|[.!?;,\n…(—]){_OWN}(?:不对|错了|(?:我)?(?:说|写|选|答|弄|搞)错了?|更正(?:一下)?|纠正(?:一下)?|修正(?:一下)?|勘误|(?:correction|actually|wait|no)\b)"
    rf"[^\n]{{0,12}}?(?:应(?:该|当)?(?:改)?(?:是|为|选)|改(?:为|选|成)|而?是|我?选择?|答案|为|:|\bis\b|\bchoose\b){_ACT}"
    rf"|(?<!不)应(?:该|当)?(?:更正|纠正|修正|改)?为{_ACT}|(?:更正|纠正|修正|改)(?:为|成|选){_ACT})"
)
_REOPENED = re.compile(
    rf"(?:^|[.!?;,\n…(—]){_OWN}(?:不对|我?(?:说|写|选|答|弄|搞)错了|(?:让我|我)?(?:再|重新)(?:考虑|检查|看|思考|想|审视|分析|判断)(?:了?一下|了)?)(?=[,.!:;\n…])"
)


def taken_back(text: str, mention: re.Pattern[str]) -> str | None:
    """The text from where a choice is last taken back in words (不对, 更正, 应为); None where none is.

    What is named in its stead is made a choice in plain words; else what follows is left to say it.

    Args:
        text: folded, with tokens for what can be chosen.
        mention: such a token.
    """
    for found in reversed(list(_BACK_TO.finditer(text))):
        named = mention.match(text, found.end())
        if named and mention.search(text[: found.start()]) and _NAMED_ALONE.match(text, named.end()):
            return f"我选{text[found.end() :]}"
    for found in reversed(list(_REOPENED.finditer(text))):
        if mention.search(text[: found.start()]) and mention.search(text[found.end() :]):
            return text[found.end() :]
    return None


def own_refusal(text: str, mention: re.Pattern[str]) -> str | None:
    """A refusal of the answerer's own: before any option is named, or in the last sentence about choosing.

    Args:
        mention: what names an option.
    """
    stripped = text.strip()
    if re.fullmatch(r"\W*(?:refuse[ds]?|拒绝|拒答|拒绝回答|拒绝选择)\W*", stripped):
        return stripped
    found = _REFUSE.search(stripped)
    if found and not mention.search(stripped[: found.start()]):
        return found.group()
    last = re.split(r"[.!?\n]+", stripped.rstrip(".!?\n "))[-1]
    found = _REFUSE.search(last)
    return found.group() if found and _REFUSED_TO_CHOOSE.search(last) else None


def json_answers(answer: str) -> list[str] | None:
    """The answers that a JSON object gives under its decision keys; None where the answer is no object."""
    text = strip_fence(in_answer_block(strip_tokens(strip_think(clean_text(answer))))).strip()
    if not (text.startswith("{") and text.endswith("}")) or len(text) > LIMIT:
        return None
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, _Pairs):
        return None
    chosen = [(key, value) for key, value in pairs if normalise(str(key)).strip().lower() in _ANSWER_KEYS]
    if not chosen and len(pairs) == 1:
        chosen = list(pairs)
    return [
        str(value)
        for _, value in chosen
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    ]


class _Pairs(list[tuple[str, object]]):
    """A JSON object as its pairs, so that a key given twice is seen twice."""
