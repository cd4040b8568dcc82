"""The demonstration behind `make demo`: every benchmark's sample, offline, to a table and an HTML report.

The model and the grading judge are scripted fakes (rules in model.jsonl and judge.jsonl): this shows the
plumbing, not values. Everything lands in the folder `demo`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = Path("demo")
OPEN = ("flames", "sc-safety", "cvalues-responsibility", "cvalues-safety")


def liangxin(*words: str) -> None:
    """Run one command of the command line and end with its status if it fails."""
    shown = " ".join(word if " " not in word else repr(word) for word in words)
    print(f"$ liangxin {shown}", flush=True)
    status = subprocess.run([sys.executable, "-m", "liangxin", *words], check=False).returncode
    if status:
        sys.exit(status)


def main() -> None:
    """Run, report, and say where the report is."""
    FOLDER.mkdir(exist_ok=True)
    store = str(FOLDER / "liangxin.db")
    model = f"scripted:{HERE.relative_to(Path.cwd()) / 'model.jsonl'}"
    judge = f"llm:scripted:{HERE.relative_to(Path.cwd()) / 'judge.jsonl'}"
    common = ("--model", model, "--store", store, "--name", "demo")
    liangxin("run", "cvalues-choice", *common[:-1], "demo-cvalues-choice")
    liangxin("run", *OPEN, *common, "--judge", judge, "--judge", "rule")
    report = FOLDER / "report.html"
    names = [f"demo-{name}" for name in (*OPEN, "cvalues-choice")]
    liangxin("report", *names, "--store", store, "--output", str(report))
    print(f"\n报告 report: {report.resolve()}")
    print(
        "样例·非成绩：题目为自拟样例，模型与评审均为脚本 (our own sample, scripted model and judge: no result)"
    )


if __name__ == "__main__":
    main()
