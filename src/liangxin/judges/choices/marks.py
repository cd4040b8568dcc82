"""What stands around an answer and is none of it: special tokens, answer tags, LaTeX boxes.

A box, an `<answer>` block and 【答案】 say where the answer is: each becomes an answer line of its own.
"""

from __future__ import annotations

import re

_ANSWER_LINE = "答案:"

_BAR = r"[|\uff5c]"
_TURN_ENDS = re.compile(
    rf"</s>|<{_BAR}(?:im_end|endoftext|eot_id|eom_id|end|end_of_text|end[_\u2581]of[_\u2581]sentence){_BAR}>"
    r"|<end_of_turn>|<eos>|\[EOS\]",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]{0,80}\}){0,200})\}")
_INSIDE = re.compile(r"\\(?:text(?:bf|rm)?|mathrm|mathbf)\b|[{}]")
_LABEL = re.compile(
    r"[(（]?(?:[A-Ja-j](?:\s*[,，、]\s*[A-Ja-j]){0,9}|(?:回复|选项|reply |response |option )\s?\w{1,2})[)）.]?",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"\s*<(?:final_?)?answer>(.*?)(?:</(?:final_?)?answer>\s*|$)", re.IGNORECASE | re.DOTALL)
_ANSWER_TAG = re.compile(r"<(?:final_?)?answer>\s*", re.IGNORECASE)
_HEADING = re.compile(r"[【\[〔〖]\s*(?:最终|正确|参考|本题)?答案\s*[】\]〕〗]\s*[:：]?\s*")
_TOKEN = re.compile(
    rf"<{_BAR}[^<>\n]{{1,40}}{_BAR}>|</?(?:[sbipu]|[A-Za-z][A-Za-z_\-]{{1,30}})/?>|\[/?(?:INST|BOS|EOS|PAD|SEP|CLS|UNK)\]"
)

_LEADING = re.compile(rf"(?:\s|{_TOKEN.pattern})*")


def unmarked(text: str) -> str:
    """The text without special tokens, and what it marks as the answer on a line of its own behind 答案.

    What follows the end of the model's turn is another turn, and is left out.
    """
    text = _BOX.sub(_unboxed, _one_turn(text))
    text = _HEADING.sub(f"\n{_ANSWER_LINE}", _ANSWER_TAG.sub(f"\n{_ANSWER_LINE}", text))
    return _TOKEN.sub("\n", text).strip()


def strip_tokens(text: str) -> str:
    """The text without special tokens; what encloses an answer stays."""
    return re.sub(
        r"</?s>|<[|\uff5c][^<>\n]{1,40}[|\uff5c]>|<end_of_turn>|<eo[a-z]>", "", _one_turn(text)
    ).strip()


def _one_turn(text: str) -> str:
    begins = _LEADING.match(text)
    end = _TURN_ENDS.search(text, begins.end() if begins else 0)
    return text if end is None else text[: end.start()]


def _unboxed(found: re.Match[str]) -> str:
    """A boxed label as an answer line; anything else in a box (a number) stays where it is."""
    inner = _INSIDE.sub("", found[1]).strip()
    return f"\n{_ANSWER_LINE}{inner}\n" if _LABEL.fullmatch(inner) else found[1]


def in_answer_block(text: str) -> str:
    """What an `<answer>` block around the whole text encloses; else the text."""
    found = _BLOCK.fullmatch(text)
    return found[1].strip() if found else text
