"""Install what tests need beside Python packages: Debian's chromium and a Chinese font, where that is possible.

Where it is not (no root, no apt), the browser tests skip and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = ("chromium", "fonts-noto-cjk")


def main() -> None:
    """Install once; never fail, since the tests themselves say what they lack."""
    if shutil.which("chromium") is not None:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("set-up: no chromium, and it cannot be installed here: the browser tests will skip")
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], stdout=subprocess.DEVNULL, env=environment, check=False)
    if done.returncode:
        print("set-up: apt-get could not install chromium: the browser tests will skip")


if __name__ == "__main__":
    main()
