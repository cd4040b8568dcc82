"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# A busy machine is no failure, and continuous integration must give one answer for one commit.
settings.register_profile("liangxin", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("liangxin")
