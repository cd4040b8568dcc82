"""How likely llama.cpp finds each of several labels as the next words: their first differing token decides.

What the labels begin with together (the 回复 of 回复1 and 回复2) is appended to the prompt, and the next token's
probabilities are asked for, the whole vocabulary's where the likeliest thousands do not hold the labels'.
What is common has one probability, so leaving it out changes no comparison; the numbers are those of the
differing token alone. llama.cpp's server says them before any sampling (`n_probs`, tools/server/README.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from liangxin.errors import ModelError
from liangxin.models.base import Likelihood, NotWeighed

TOPS = (256, 8192, 1 << 20)
"""How many of the likeliest tokens are asked for, one number after the other, until the labels' are there."""

_MARK = "："

Ask = Callable[[str, int], Any]
"""(text appended to the prompt, number of the likeliest tokens to list) -> llama.cpp's answer to a request for one token."""


def weigh(ask: Ask, labels: Sequence[str]) -> tuple[Likelihood, ...]:
    """The natural logarithm of the probability of each label's own token.

    Args:
        ask: puts one question to the server; only its answer's first token matters.

    Raises:
        ModelError: one token does not tell the labels apart.
        NotWeighed: the server gives no probabilities.
    """
    common, rests = divide(labels)
    wanted = [rest.encode() for rest in rests]
    for top in TOPS:
        listed = top_tokens(ask(common, top))
        found = [listed.get(rest) for rest in wanted]
        if None not in found:
            return tuple(Likelihood(logprob=value, tokens=1) for value in found if value is not None)
        if len(listed) < top:
            break
    missing = [label for label, value in zip(labels, found, strict=True) if value is None]
    raise ModelError(
        f"one token does not tell the labels {', '.join(labels)} apart: after {common!r} this model has no single "
        f"token for the rest of {', '.join(missing)}"
    )


def check(count: Callable[[str], int], labels: Sequence[str]) -> None:
    """See that the tokenizer writes each label as their common beginning and one token.

    Args:
        count: the number of a text's tokens.

    Raises:
        ModelError: it writes another way, so the next token's probability is not the label's.
    """
    common, rests = divide(labels)
    # Prompts end in a mark of their own, to which no label's character is joined.
    begun = count(_MARK + common)
    wrong = [common + rest for rest in rests if count(_MARK + common + rest) != begun + 1]
    if wrong:
        raise ModelError(
            f"one token does not tell the labels {', '.join(labels)} apart: this model's tokenizer does not write "
            f"{', '.join(wrong)} as {common!r} and one token more; let it write, with --choose-by generation"
        )


def divide(labels: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """What labels begin with together, and what is left of each.

    Raises:
        ModelError: nothing is left of one, or two are the same.
    """
    common = os.path.commonprefix(list(labels))
    rests = tuple(label[len(common) :] for label in labels)
    if len(set(rests)) < len(rests) or not all(rests):
        raise ModelError(f"the labels {', '.join(labels)} cannot be told apart by what follows {common!r}")
    return common, rests


def top_tokens(answer: Any) -> dict[bytes, float]:
    """The likeliest tokens for the answer's first place: bytes to log-probability.

    Several tokens may be written alike; the likeliest is the one that the tokenizer would write.

    Raises:
        NotWeighed: the answer holds none.
    """
    try:
        first = answer["choices"][0]["logprobs"]["content"][0]
        pairs = [(bytes(one["bytes"]), float(one["logprob"])) for one in first["top_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        raise NotWeighed("llama.cpp gave no probabilities") from None
    found: dict[bytes, float] = {}
    for token, logprob in pairs:
        found[token] = max(logprob, found.get(token, logprob))
    return found
