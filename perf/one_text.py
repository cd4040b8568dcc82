"""Does the local model's text depend on what else is asked, by tokens a step; and what do small steps cost?

Every prompt's answer, by its log probabilities, is compared with the same model that reads one token at a time.
Usage: python perf/one_text.py [--steps 4 7 32]
"""

from __future__ import annotations

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from liangxin.models import fewshot
from liangxin.models.llama_cpp.model import SEQUENCES, load
from liangxin.models.llama_cpp.weights import default_weights
from liangxin.records import Message

TEXT = (
    "介绍一下北京的春天和秋天，再说说那里的小吃、胡同和公园，最后给一个三天的行程。The quick brown fox 123。"
    * 12
)
LENGTHS = (3, 10, 40, 60, 90, 120, 200, 350)

Answer = tuple[int, tuple[tuple[float, ...], ...]]
"""Tokens of the prompt, and the five best log probabilities at each token of the answer."""


def prompts(count: int) -> list[str]:
    """Pieces of a text, every other one as a question after examples."""
    draw, made = random.Random(5), []
    for number in range(count):
        length = draw.choice(LENGTHS)
        start = draw.randrange(len(TEXT) - length)
        piece = TEXT[start : start + length]
        made.append(fewshot.as_prompt([Message(role="user", content=piece)]) if number % 2 else piece)
    return made


def answer(server: Any, prompt: str, tokens: int = 6) -> Answer:
    """The five best log probabilities at every token of a greedy answer."""
    body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0.0, "cache_prompt": False}
    pieces: list[Any] = []

    def take(piece: Any) -> bool:
        pieces.append(piece)
        return False

    server.handle_completions({**body, "logprobs": 5, "ignore_eos": True}, take)
    last = pieces[-1][-1] if isinstance(pieces[-1], list) else pieces[-1]
    told = last["choices"][0]["logprobs"]["content"]
    best = tuple(tuple(top["logprob"] for top in one["top_logprobs"]) for one in told)
    return last["usage"]["prompt_tokens"], best


def main() -> None:
    """Print, for each size of a step, how many answers are equal, and the speed of reading and writing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 7, 32], help="tokens of a step")
    parser.add_argument("--prompts", type=int, default=28)
    settings = parser.parse_args()
    asked = prompts(settings.prompts)
    server = load(default_weights(), 1, step=1)
    alone = [answer(server, prompt) for prompt in asked]
    for step in settings.steps:
        server = load(default_weights(), 1, step=step)
        answer(server, "好")
        started = time.perf_counter()
        long, _ = answer(server, TEXT[:900], tokens=1)
        read = long / (time.perf_counter() - started)
        started = time.perf_counter()
        answer(server, "你好。", tokens=100)
        written = 100 / (time.perf_counter() - started)
        same = []
        for at_once in range(1, SEQUENCES + 1):
            order = list(range(len(asked)))
            random.Random(at_once).shuffle(order)
            with ThreadPoolExecutor(at_once) as workers:
                got = list(workers.map(lambda place, to=server: answer(to, asked[place]), order))
            same.append(sum(one == alone[place] for place, one in zip(order, got, strict=True)))
        print(
            f"{step:>3} tokens a step: {'/'.join(map(str, same))} of {len(asked)} answers equal at 1/2/3/4 at once; "
            f"{read:.0f} tokens a second read, {written:.0f} written"
        )


if __name__ == "__main__":
    main()
