"""What the documentation site makes at build time, so that it cannot go stale.

A page for each benchmark from its card, the reference of the command line from the commands themselves, and the
lists of decisions. Every page exists in Chinese (`PAGE.zh.md`) and in English (`PAGE.en.md`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads this file alone, without its folder

from cards import benchmark_page, benchmarks_page
from commands import commands_page
from sources import benchmark_names, changelog_page, page_title, unwrapped

LANGUAGES = ("zh", "en")
FOLDERS = {"DECISIONS": "decisions"}
"""A folder of pages of one language, listed in the navigation in order."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the parts of the navigation that follow from what there is."""
    docs = Path(config.docs_dir)
    config.nav = [_filled(entry, docs) for entry in config.nav or []]
    if (extra := sorted((docs / "statistics").glob("*.md"))) and not _listed(config.nav, "statistics/"):
        config.nav.append({"统计": [_entry(docs, path) for path in _in_chinese(extra)]})
    return config


@event_priority(100)  # before the pages are sorted by language
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, by name: `on_page_read_source` gives their text."""
    for path in made_pages():
        if not (Path(config.docs_dir) / path).exists():
            files.append(File(path, config.docs_dir, config.site_dir, config.use_directory_urls))
    return files


def on_page_read_source(page: Page, config: MkDocsConfig) -> str | None:
    """The text of a page that is made; None for one that is a file."""
    if (Path(config.docs_dir) / page.file.src_uri).exists():
        return None
    make = made_pages().get(page.file.src_uri)
    return None if make is None else make()


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Chinese that was wrapped, without the blanks that a browser would show at the wraps."""
    del page, config, files
    return unwrapped(markdown)


def made_pages() -> dict[str, Callable[[], str]]:
    """Every page that is made, with what makes its Markdown."""
    pages: dict[str, Callable[[], str]] = {"changelog.md": changelog_page}
    for language in LANGUAGES:
        pages[f"benchmarks/index.{language}.md"] = partial(benchmarks_page, language)
        for name in benchmark_names():
            pages[f"benchmarks/{name}.{language}.md"] = partial(benchmark_page, name, language)
        pages[f"reference/cli.{language}.md"] = partial(commands_page, language)
    return pages


def _filled(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((title, target),) = entry.items()
    if target == "BENCHMARKS":
        pages = [{name: f"benchmarks/{name}.md"} for name in benchmark_names()]
        return {title: [{"全部基准": "benchmarks/index.md"}, *pages]}
    if isinstance(target, str) and target in FOLDERS:
        found = sorted((docs / FOLDERS[target]).glob("*.md"))
        return {title: [_entry(docs, path) for path in _in_chinese(found)]}
    return entry


def _in_chinese(paths: list[Path]) -> list[Path]:
    """One path for each page, whichever languages it has."""
    return [path for path in paths if not path.name.endswith(".en.md")]


def _entry(docs: Path, path: Path) -> str | dict[str, str]:
    """A page of both languages by its own headings; one of a single language by that heading."""
    place = path.relative_to(docs).as_posix()
    if place.endswith(".zh.md"):
        return place.removesuffix(".zh.md") + ".md"
    return {page_title(path): place}


def _listed(nav: Any, beginning: str) -> bool:
    if isinstance(nav, dict):
        return any(_listed(value, beginning) for value in nav.values())
    if isinstance(nav, list):
        return any(_listed(one, beginning) for one in nav)
    return isinstance(nav, str) and nav.startswith(beginning)
