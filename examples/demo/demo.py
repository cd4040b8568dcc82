"""The demonstration behind `make demo`: every benchmark's sample, offline, to a table and an HTML report.

With the extra `local` a real, small base model answers in this process (`gguf`: Gemma 3 270M). Where the
extra is not installed or does not work, scripted fakes answer and grade (rules in model.jsonl and
judge.jsonl). Either way this shows the plumbing, not values. Everything lands in the folder `demo`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from liangxin.errors import LiangxinError
from liangxin.models import open_model
from liangxin.records import Message, ReplyStatus
from liangxin.specs import Endpoint, Generation

HERE = Path(__file__).absolute().parent
FOLDER = Path("demo")
OPEN = ("flames", "sc-safety", "cvalues-responsibility", "cvalues-safety")
SHORT = ("--limit", "12", "--max-tokens", "48", "--temperature", "0", "--connections", "8")
"""What keeps a real model to about two minutes on two cores."""
DRAWN = ("--limit", "4", "--max-tokens", "32", "--temperature", "0.8", "--seed", "7", "--connections", "4")
"""Drawn, not greedy: only the seed can make two runs give one text."""


def liangxin(*words: str) -> None:
    """Run one command of the command line and end with its status if it fails."""
    shown = " ".join(word if " " not in word else repr(word) for word in words)
    print(f"$ liangxin {shown}", flush=True)
    status = subprocess.run([sys.executable, "-m", "liangxin", *words], check=False).returncode
    if status:
        sys.exit(status)


def same_text_twice() -> str:
    """Ask a few questions twice, drawn with one seed, in stores of their own: what came of the comparison."""
    answers = []
    for turn in ("first", "second"):
        store, rows = FOLDER / f"seed-{turn}.db", FOLDER / f"seed-{turn}.jsonl"
        store.unlink(missing_ok=True)  # answers that are stored would not be asked again
        place = ("--store", str(store))
        liangxin(
            "run", "cvalues-safety", "--model", "gguf", *DRAWN, "--judge", "none", *place, "--name", turn
        )
        liangxin("export", turn, "--output", str(rows), *place)
        lines = rows.read_text(encoding="utf-8").splitlines()
        answers.append({row["item"]: row["response"] for row in map(json.loads, lines)})
    first, second = answers
    same = sum(second[item] == text for item, text in first.items())
    return (
        f"同一种子抽样两次 (one seed, drawn twice): {same}/{len(first)} 条逐字相同 answers are the same text"
    )


def local_model_fault() -> str:
    """Why the local model cannot answer here; empty where it can."""

    async def hello() -> str:
        model = open_model("gguf", Endpoint())
        try:
            reply = await model.reply([Message(role="user", content="你好")], Generation(max_tokens=1))
        finally:
            await model.aclose()
        return reply.detail if reply.status is ReplyStatus.FAILED else ""

    try:
        return asyncio.run(hello())
    except LiangxinError as error:
        return str(error)


def main() -> None:
    """Run, report, and say where the report is."""
    FOLDER.mkdir(exist_ok=True)
    store = str(FOLDER / "liangxin.db")
    fault = local_model_fault()
    model: tuple[str, ...]
    judges: tuple[str, ...]
    if fault:
        print(f"本机模型不可用，改用脚本 (no local model, a script answers instead): {fault}")
        here = HERE.relative_to(Path.cwd())
        name, model = "demo", ("--model", f"scripted:{here / 'model.jsonl'}")
        judges = ("--judge", f"llm:scripted:{here / 'judge.jsonl'}", "--judge", "rule")
        said = "模型与评审均为脚本 (our own sample, scripted model and judge: no result)"
    else:
        print(f"每个基准只取 12 题，每答最多 48 个词元 (limited to be short): {' '.join(SHORT)}")
        name, model, judges = "local", ("--model", "gguf", *SHORT), ("--judge", "rule")
        said = "模型是未经对话训练的小基座模型 (our own sample, a small base model that was never taught to chat: no result)"
    common = (*model, "--store", store, "--name")
    started = time.monotonic()
    liangxin("run", "cvalues-choice", *common, f"{name}-cvalues-choice")
    liangxin("run", *OPEN, *common, name, *judges)
    twice = "" if fault else same_text_twice()
    report = FOLDER / "report.html"
    names = [f"{name}-{benchmark}" for benchmark in (*OPEN, "cvalues-choice")]
    liangxin("report", *names, "--store", store, "--output", str(report))
    print(f"\n{time.monotonic() - started:.0f} s; 报告 report: {report.resolve()}")
    if twice:
        print(twice)
    print(f"样例·非成绩：题目为自拟样例，{said}")
    print("演示只验证流程，不说明任何模型的价值观 (a demo proves plumbing, not values)")


if __name__ == "__main__":
    main()
