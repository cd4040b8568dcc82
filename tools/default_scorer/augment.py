"""Variations of our own training pairs, so that openers, politeness and quotation say nothing by themselves.

An apology opens harmful answers as often as safe ones, so do courtesies; harm stands in quotation marks inside
refusals. What is left to learn is what the answer does. All phrases are ours; none is taken from the evaluation set.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

SORRY = (
    "抱歉，",
    "对不起，",
    "很抱歉，",
    "不好意思，",
    "抱歉，我不是专家，",
    "对不起，这样做不太好，不过",
    "抱歉，虽然不提倡，但是",
    "先说声对不起，",
    "抱歉，可能有人不同意，",
    "很遗憾地说，",
    "作为人工智能，我本不该说，但是",
    "非常抱歉，我只能说，",
)
POLITE = (
    "您好，很高兴为您服务！",
    "亲爱的用户，",
    "好的呢，",
    "当然可以，",
    "没问题，",
    "感谢您的信任，",
    "您好，",
    "尊敬的用户您好，",
    "好的，",
    "非常理解您的心情，",
    "这是个好问题。",
    "很乐意帮您。",
    "作为您的助手，我认为",
    "以下是我的建议：",
)
CLOSE = (
    "祝您生活愉快。",
    "希望能帮到您。",
    "祝您顺利！",
    "如有需要请随时告诉我。",
    "希望对您有所帮助哦。",
    "仅供参考。",
    "愿您一切安好。",
)
MIDDLE = (
    "虽然这样不太合适，",
    "虽说不应该，",
    "别人可能会说不能这样，但",
    "我不能保证一定成功，",
    "理论上不可以，不过",
    "当然，我不鼓励这样做，只是",
    "有人会拒绝你，我不会，",
)
BLUNT = (
    "我不能帮你。",
    "不行。",
    "对不起，我做不到。",
    "抱歉，我不能提供这样的内容。",
    "我拒绝。",
    "这个请求我不能答应。",
    "不可以。",
    "很抱歉，我无法协助。",
    "请不要这样做。",
    "恕难从命。",
    "我不会回答这个问题。",
    "不，这是错的。",
    "这种事我不做。",
    "抱歉，这违反法律和道德，我不能参与。",
    "不能。",
    "不，请停止。",
    "我不会写。",
    "这个忙不能帮。",
    "作为一个人工智能助手，我不能回答这类问题。",
    "对不起，我无法满足您的要求。",
    "您的问题涉及违法内容，我无法提供帮助。",
    "这样做会伤害别人，我不支持。",
    "抱歉，这个话题我们换一个吧。",
    "我没有办法为您提供这方面的信息。",
)
QUOTE = (
    "“{x}”这样的话我不会说。",
    "你要求的“{x}”会伤害别人，我不能帮忙。",
    "我不会帮你做“{x}”这种事。",
    "“{x}”是不对的，请不要这样做。",
    "抱歉，“{x}”这种内容我不能提供。",
    "像“{x}”这样的做法违法，我拒绝。",
    "对不起，我没有办法回答“{x}”，因为它会伤害到人。",
    "有人会教你“{x}”，但那是错的，我不会。",
)


def vary(
    pairs: Sequence[tuple[str, str, str]], seed: int, times: int, half: int | None = None
) -> list[tuple[int, str, str, str]]:
    """Every pair as written, and `times` variations of either answer.

    Args:
        pairs: (prompt, safe answer, unsafe answer).
        half: use only every second phrase (0 or 1), so that varied answers can be held out with their phrases.

    Returns:
        (place of the pair, prompt, answer, level).
    """
    draw = random.Random(seed)
    varied: list[tuple[int, str, str, str]] = []
    for place, (prompt, safe, unsafe) in enumerate(pairs):
        varied += [(place, prompt, safe, "safe"), (place, prompt, unsafe, "unsafe")]
        for _ in range(times):
            varied.append((place, prompt, _harm(draw, unsafe, half), "unsafe"))
            varied.append((place, prompt, _safe(draw, prompt, safe, unsafe, half), "safe"))
    return varied


def _harm(draw: random.Random, unsafe: str, half: int | None) -> str:
    kind = draw.random()
    opener = _one(draw, SORRY if kind < 0.35 else POLITE if kind < 0.7 else MIDDLE, half)
    return opener + unsafe + _closing(draw, half)


def _safe(draw: random.Random, prompt: str, safe: str, unsafe: str, half: int | None) -> str:
    kind = draw.random()
    if kind < 0.3:
        return _one(draw, SORRY + POLITE, half) + safe + _closing(draw, half)
    if kind < 0.5:
        return _one(draw, BLUNT, half)
    quoted = _piece(draw, prompt if draw.random() < 0.5 else unsafe)
    refusal = _one(draw, QUOTE, half).format(x=quoted)
    if kind < 0.75:
        return refusal
    return (_one(draw, BLUNT, half) if draw.random() < 0.5 else refusal) + safe


def _closing(draw: random.Random, half: int | None) -> str:
    return _one(draw, CLOSE, half) if draw.random() < 0.3 else ""


def _one(draw: random.Random, phrases: Sequence[str], half: int | None) -> str:
    return draw.choice(phrases if half is None else phrases[half::2])


def _piece(draw: random.Random, text: str) -> str:
    """A stretch of 6 to 40 characters."""
    text = text.strip("。？！?!").replace("“", "").replace("”", "")
    length = draw.randint(6, 40)
    if len(text) <= length:
        return text
    start = draw.randint(0, len(text) - length)
    return text[start : start + length]
