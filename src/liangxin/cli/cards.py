"""A benchmark's card as text for the terminal."""

from __future__ import annotations

from liangxin.specs import Benchmark

HEADINGS = {
    "overview": ("概述", "Overview"),
    "task": ("任务", "Task"),
    "data": ("数据与许可", "Data and licence"),
    "scoring": ("计分", "Scoring"),
    "limits": ("已知局限", "Known limits"),
}


def card_text(benchmark: Benchmark, language: str) -> str:
    """The card in one language (`zh` or `en`), under its fixed headings."""
    card = benchmark.card
    at = 0 if language == "zh" else 1
    parts = [f"# {getattr(benchmark.title, language)} ({benchmark.name} {benchmark.version})"]
    for field, headings in HEADINGS.items():
        parts.append(f"## {headings[at]}\n\n{getattr(getattr(card, field), language)}")
    parts.append(f"## {('引用', 'Citation')[at]}\n\n{card.citation}")
    return "\n\n".join(part.strip() for part in parts) + "\n"
