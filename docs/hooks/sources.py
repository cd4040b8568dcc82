"""Small things that several made pages need."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from liangxin.benchmarks import BENCHMARKS

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—"
_MARKS = "，。；：、！？（）《》“”"
_WRAP = re.compile(
    rf"(?<=[{_WIDE}])\n[ ]*(?=[{_WIDE}])"  # Chinese goes on in Chinese
    rf"|(?<=[{_MARKS}])\n[ ]*(?=[\w`*\[])(?!\d+\.)"  # a full-width mark brings its own space
)
_FENCE = re.compile(r"^([ ]*)(```+)[^\n]*\n.*?^\1\2[ ]*$", re.MULTILINE | re.DOTALL)


def unwrapped(markdown: str) -> str:
    """The text with lines joined where Chinese was wrapped; code blocks and lists stay as they are."""
    parts, at = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_WRAP.sub("", markdown[at : fence.start()]), fence.group()]
        at = fence.end()
    return "".join([*parts, _WRAP.sub("", markdown[at:])])


def benchmark_names() -> tuple[str, ...]:
    """Every benchmark of the package."""
    return BENCHMARKS.names()


def changelog_page() -> str:
    """CHANGELOG.md, its links to files of the repository's docs folder made links to their pages."""
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.sub(r"\]\(docs/([^)#]+?)(?:\.(?:zh|en))?\.md", r"](\1.md", text)


def page_title(path: Path) -> str:
    """The first heading of a Markdown file, without a number before it."""
    first = path.read_text(encoding="utf-8").lstrip().splitlines()[0]
    title = first.removeprefix("#").strip()
    number, _, rest = title.partition(". ")
    return rest if number.isdigit() else title


def linked(text: str) -> str:
    """A citation with its addresses and arXiv numbers as links."""
    text = re.sub(r"https://[^\s<>]*[^\s<>.,;)]", r"<\g<0>>", text)
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def code(text: str) -> str:
    """A text as code; a code span of Markdown with a pipe in it would end a table's cell."""
    return f"<code>{escape(text, quote=False).replace('|', '&#124;')}</code>"


def cell(text: str) -> str:
    """A text as it may stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
