"""Write every page of the site as a picture, 390 and 1440 px wide, in both languages, and say what is wrong with it.

Usage: python tests/screens.py FOLDER
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from liangxin.benchmarks import open_benchmark
from liangxin.web.site import AttackSettings, Site
from testbench.looking import ENTRANCE, WIDTHS, every, visits
from testbench.scene import offered, store_of
from testbench.site import free_port, serve

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Fill a store, serve it, look at every page."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="liangxin-screens-") as place, sync_playwright() as playwright:
        scene = store_of(Path(place))
        benchmarks = tuple(map(open_benchmark, ("flames", "sc-safety", "cvalues-safety")))
        site = Site(
            database=scene.database,
            base_url=f"http://127.0.0.1:{free_port()}",
            single_user=False,
            attack=AttackSettings(models=(offered(scene, Path(place)),), benchmarks=benchmarks),
        )
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=ARGUMENTS
        )
        shapes = [(width, english, False) for width in WIDTHS for english in (False, True)]
        with serve(site):
            faults = every(browser, site, visits(scene), shapes, folder)
        alone = replace(site, base_url=f"http://127.0.0.1:{free_port()}", single_user=True, token="t" * 43)
        with serve(alone):
            faults += every(browser, alone, [ENTRANCE], shapes, folder)
        browser.close()
        scene.database.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}; {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
