"""The demonstration behind `make demo`: what Liangxin shows, in seconds, and then a model asked live, offline.

First three recorded models (model-a, -b, -c.jsonl) with recorded grades (grades-*.jsonl) and thirty labels by two
annotators (out of labels.jsonl): answers, grades and labels are examples that we wrote (演示标注，虚构，不是人的判断).
Then, with the extra `local`, a real, small base model (`gguf`: Gemma 3 270M) is asked every benchmark's sample and
judged by the default; where the extra is not installed or does not work, a script answers (model.jsonl). No number
here is a result (样例·非成绩). Everything lands in the folder `demo`.
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

HERE = Path(__file__).absolute().parent.relative_to(Path.cwd())
FOLDER = Path("demo")
BENCHMARKS = ("flames", "sc-safety", "cvalues-responsibility", "cvalues-safety", "cvalues-choice")
RECORDED = ("a", "b", "c")
READ = 15
"""Answers that are read, by two annotators: thirty labels."""
SHORT = ("--limit", "12", "--max-tokens", "48", "--temperature", "0", "--connections", "8")
"""What keeps a real model to about two minutes on two cores."""


def liangxin(store: Path, *words: str) -> None:
    """Run one command of the command line and end with its status if it fails."""
    print(f"\n$ liangxin {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "liangxin", *words, "--store", str(store)]
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(status)


def recorded() -> Path:
    """Three recorded models: scores, board, comparison, correction, decision; gives where their report is."""
    print("一、三个录下来的模型；回答、评分与标注都是示例：演示标注，虚构，不是人的判断")
    print("(1. three recorded models; answers, grades and labels are examples that we wrote, no person's)")
    store = FOLDER / "recorded.db"
    # A second look at a claim is not the first: the show begins anew each time.
    for left in FOLDER.glob(f"{store.name}*"):
        left.unlink()
    run = ("run", "cvalues-safety", "--model")
    names = [f"demo-{one}" for one in RECORDED]
    for one, name in zip(RECORDED, names, strict=True):
        grades = f"labels:{HERE / f'grades-{one}.jsonl'}"
        liangxin(store, *run, f"replay:{HERE / f'model-{one}.jsonl'}", "--judge", grades, "--name", name)
    liangxin(store, "leaderboard", "cvalues-safety", "--samples")
    liangxin(store, "compare", "demo-a", "demo-b")
    # Grades of a whole run leave nothing to be read, so b's answers are judged once more, as a run of its own.
    again = (f"replay:{HERE / 'model-b.jsonl'}", "--seed", "1", "--name", "demo-read")
    liangxin(store, *run, *again, "--judge", "scorer")
    drawn, labels = FOLDER / "read.jsonl", FOLDER / "labels.jsonl"
    by_scorer = ("demo-read", "--judge", "scorer")
    liangxin(store, "sample", *by_scorer, "--for-labels", str(READ), "--output", str(drawn))
    fill_in(drawn, labels)
    liangxin(store, "judge", "demo-read", "--judge", f"labels:{labels}")
    liangxin(store, "scores", *by_scorer)
    claim = ("--measure", "safe_rate", "--at-least", "90")
    liangxin(store, "decide", "demo-a", *claim)
    liangxin(store, "decide", *by_scorer, *claim, "--corrected")
    report = FOLDER / "recorded.html"
    liangxin(store, "report", *names, "--output", str(report))
    return report


def fill_in(drawn: Path, labels: Path) -> None:
    """Give the answers that `liangxin sample` drew the levels that two annotators would, from the examples."""
    said: dict[str, list[dict[str, str]]] = {}
    for row in rows(HERE / "labels.jsonl"):
        said.setdefault(row["id"], []).append(row)
    filled = [one for row in rows(drawn) for one in said[row["id"]]]
    lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in filled)
    labels.write_text("".join(lines), encoding="utf-8")
    print(f"{len(filled)} 个示例标注 (example labels): {labels}", flush=True)


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of a JSON lines file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def live() -> tuple[Path, str]:
    """The local model, or a script, asked now and judged by the default; gives the report, and what answered."""
    fault = local_model_fault()
    print("\n二、现问现评：默认评审 (2. asked live, judged by the default judges)")
    if fault:
        print(f"本机模型不可用，改用脚本 (no local model, a script answers instead): {fault}")
        name, model = "script", ["--model", f"scripted:{HERE / 'model.jsonl'}"]
        said = "脚本 (a script)"
    else:
        print(f"每个基准只取 12 题，每答最多 48 个词元 (limited to be short): {' '.join(SHORT)}")
        name, model = "local", ["--model", "gguf", *SHORT]
        said = "未经对话训练的小基座模型 (a small base model that was never taught to chat)"
    store = FOLDER / "liangxin.db"
    liangxin(store, "run", *BENCHMARKS, *model, "--name", name)
    report = FOLDER / "report.html"
    liangxin(store, "report", *(f"{name}-{one}" for one in BENCHMARKS), "--output", str(report))
    return report, said


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
    """Show, ask, report, and say where the report is."""
    FOLDER.mkdir(exist_ok=True)
    started = time.monotonic()
    shown = recorded()
    print(f"\n{time.monotonic() - started:.0f} s; 报告 report: {shown.resolve()}")
    asked, said = live()
    print(f"\n{time.monotonic() - started:.0f} s; 报告 report: {asked.resolve()}")
    print(f"样例·非成绩：题目为自拟样例；第一部分是虚构的示例，第二部分作答的是{said}")
    print("演示不说明任何模型的价值观 (no result: a demo says nothing of any model's values)")


if __name__ == "__main__":
    main()
