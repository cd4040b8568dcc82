"""The one signal that is not an error: the user ended the run."""

from __future__ import annotations


class Interrupted(BaseException):
    """SIGINT or SIGTERM ended the work; what had been answered is stored."""
