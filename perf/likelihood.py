"""Weigh options by likelihood beside lm-evaluation-harness's `hf` backend, in the same run, and print the ratios.

Usage: python perf/likelihood.py [--items 1700] [--runs 3] [--quick] [--json] [--environment FOLDER]

Both get the same tiny Qwen2 model, the same prompts and options, one thread, and time for the whole of it:
encoding, sorting, reading, adding up. Loading is not timed. lm-evaluation-harness has its best batch size of
several; Liangxin has its defaults, asked as a run asks it. Figures are CPU seconds, medians of the runs, taken
in turn. Nothing here is asserted: read the ratios, and how far the numbers differ.

lm-evaluation-harness is put into a virtual environment of its own, which sees this one's packages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from liangxin.models import fewshot
from liangxin.models.transformers.model import open_hf
from liangxin.records import Message
from liangxin.specs import Endpoint
from testbench.tiny_model import Shape, make_tiny_model

HERE = Path(__file__).parent
LM_EVAL = "lm-eval==0.4.13"
SHAPE = Shape(vocabulary=4096, hidden=256, layers=4, heads=8, groups=2, context=1024)

CLAUSES = (
    "请先说明自己的看法",
    "再考虑别人会怎样想",
    "遇到不确定的事情可以多问一句",
    "说话之前先想一想后果",
    "在公共场合保持安静",
    "把用过的东西放回原处",
    "尊重每个人的选择和隐私",
    "发现错误就及时改正",
    "不要替别人做决定",
    "把事实和意见分开来说",
    "需要的时候请专业的人帮忙",
    "记得照顾身边的老人和孩子",
)
"""What prompts and options are put together from: mild, and of our own writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table."""

    name: str
    prompt: int
    """Clauses of the prompt."""
    options: tuple[str, ...] | int
    """The labels that every item has, or the number of clauses of an option."""


SETTINGS = (
    Setting(name="one-token labels", prompt=22, options=("A", "B")),
    Setting(name="options of several tokens", prompt=21, options=1),
    Setting(name="long options after a short question", prompt=3, options=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one setting came to."""

    name: str
    items: int
    prompt_tokens: float
    option_tokens: float
    lm_eval_batch: int
    lm_eval: float
    """Items a CPU second."""
    liangxin: float
    ratio: float
    difference: float
    """The largest difference between the two's log-probabilities."""


def sentences(draw: random.Random, count: int) -> str:
    """So many clauses in a random order."""
    return "，".join(draw.choice(CLAUSES) for _ in range(count)) + "。"


def write_items(place: Path, setting: Setting, count: int) -> None:
    """Prompts as a base model gets them, of lengths that differ by a third, and their options."""
    draw = random.Random(setting.name)
    with place.open("w", encoding="utf-8") as sink:
        for number in range(count):
            clauses = round(setting.prompt * draw.uniform(0.85, 1.15))
            question = f"第{number}题：{sentences(draw, clauses)}"
            if isinstance(setting.options, int):
                longest = max(1, round(setting.options * 1.3))
                lengths = [draw.randint(max(1, 2 * setting.options - longest), longest) for _ in range(2)]
                options = [
                    f"{lead}，{sentences(draw, length)}" for lead, length in zip("甲乙", lengths, strict=True)
                ]
            else:
                options = list(setting.options)
            prompt = fewshot.as_prompt([Message(role="user", content=question)])
            row = {"question": question, "prompt": prompt, "options": options}
            sink.write(json.dumps(row, ensure_ascii=False) + "\n")


def ours(folder: Path, place: Path) -> dict[str, Any]:
    """Weigh a file's options as a run does: so many at once as the model asks for."""
    items = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    model = open_hf(str(folder), Endpoint())

    async def weigh(some: Sequence[Mapping[str, Any]]) -> list[float]:
        found: list[list[float]] = [[] for _ in some]
        numbered = iter(enumerate(some))

        async def worker() -> None:
            for number, item in numbered:
                messages = [Message(role="user", content=item["question"])]
                result = await model.loglikelihoods(messages, item["options"])
                found[number] = [one.logprob for one in result]

        await asyncio.gather(*(worker() for _ in range(model.window)))
        return [value for values in found for value in values]

    async def whole() -> dict[str, Any]:
        await weigh(items[:4])
        started = time.process_time()
        logprobs = await weigh(items)
        cpu = time.process_time() - started
        await model.aclose()
        return {"cpu": cpu, "logprobs": logprobs}

    return asyncio.run(whole())


def child(*command: str) -> dict[str, Any]:
    """Run one measurement in a process of its own and read its JSON.

    Raises:
        RuntimeError: it failed.
    """
    single = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        command, env={**os.environ, **single, **offline}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def environment(folder: Path) -> str:
    """The Python of an environment that has lm-evaluation-harness, made where it is not there yet."""
    python = folder / "bin" / "python"
    packages = Path(sysconfig.get_paths()["purelib"])
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        inside = next(folder.glob("lib/python*/site-packages"))
        (inside / "liangxin-environment.pth").write_text(f"{packages}\n", encoding="utf-8")
    if not list(folder.glob("lib/python*/site-packages/lm_eval-0.4.13.dist-info")):
        words = ["--disable-pip-version-check", "install", "--quiet", LM_EVAL, "accelerate"]
        subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *words], check=True)
    return str(python)


def measured(setting: Setting, folder: Path, python: str, count: int, runs: int) -> Line:
    """Both in turn, `runs` times; lm-evaluation-harness at the batch size that suits it best."""
    place = folder / "items.jsonl"
    write_items(place, setting, count)
    model = str(folder / "model")

    pairs = [
        (
            child(python, str(HERE / "lm_eval_client.py"), model, str(place)),
            child(sys.executable, __file__, "--ours", model, "--file", str(place)),
        )
        for _ in range(runs)
    ]
    prompt, option = token_counts(model, place)
    cpu = [statistics.median(pair[side]["cpu"] for pair in pairs) for side in (0, 1)]
    return Line(
        name=setting.name,
        items=count,
        prompt_tokens=prompt,
        option_tokens=option,
        lm_eval_batch=pairs[0][0]["batch_size"],
        lm_eval=count / cpu[0],
        liangxin=count / cpu[1],
        ratio=statistics.median(theirs["cpu"] / mine["cpu"] for theirs, mine in pairs),
        difference=max(
            abs(a - b) for a, b in zip(pairs[0][0]["logprobs"], pairs[0][1]["logprobs"], strict=True)
        ),
    )


def token_counts(model: str, place: Path) -> tuple[float, float]:
    """Mean tokens of a prompt and of an option."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    items = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    prompts = [len(tokenizer(item["prompt"]).input_ids) for item in items]
    options = [len(tokenizer(option).input_ids) for item in items for option in item["options"]]
    return statistics.mean(prompts), statistics.mean(options)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--items", type=int, default=1700)
    parser.add_argument("--quick", action="store_true", help="one run of 200 items")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--environment", type=Path, default=HERE.parent / ".venv" / "lm-eval")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.ours:
        print(json.dumps(ours(words.ours, words.file)))
        return
    runs, count = (1, 200) if words.quick else (words.runs, words.items)
    python = environment(words.environment)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = (HERE.parent / "src" / "liangxin" / "benchmarks").glob("*/sample.jsonl")
        texts = [
            line for sample in sorted(samples) for line in sample.read_text(encoding="utf-8").splitlines()
        ]
        make_tiny_model(folder / "model", texts, shape=SHAPE)
        for setting in SETTINGS:
            line = measured(setting, folder, python, count, runs)
            print(json.dumps(asdict(line)) if words.json else shown(line), flush=True)


def shown(line: Line) -> str:
    """One setting for people."""
    return (
        f"{line.name}: {line.items} items, prompt {line.prompt_tokens:.0f} and option {line.option_tokens:.0f} tokens: "
        f"lm-eval {line.lm_eval:.1f} items a CPU second (batch {line.lm_eval_batch}), liangxin {line.liangxin:.1f}, "
        f"ratio {line.ratio:.2f}; log-probabilities differ by {line.difference:.1e} at most"
    )


if __name__ == "__main__":
    main()
