"""The site in a real browser: it fits a telephone and asks nobody but itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

CHROMIUM = "/usr/bin/chromium"
PAGES = (
    "index",
    "tutorial",
    "examples",
    "howto/judge",
    "benchmarks/flames",
    "reference/cli",
    "reference/python",
    "reference/files",
    "numbers",
    "glossary",
)


@pytest.mark.parametrize("language", ["", "en/"])
def test_pages_fit_a_telephone_and_load_nothing_from_elsewhere(site: Path, language: str) -> None:
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url))
        for name in PAGES:
            page.goto((site / f"{language}{name}.html").as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{language}{name}: {wide} px wide"
        browser.close()
    assert len(asked) > len(PAGES)
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
