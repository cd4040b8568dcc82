"""What an outside package brings; some of it is wrong on purpose."""

from dataclasses import replace

from liangxin_plugin.small_talk import BENCHMARK

NUMBER = 7
BARE = replace(BENCHMARK, name="bare", sample="not-there.jsonl")


def open_hollow(name: str, settings: object) -> object:
    """No model and no judge, as a slip of the pen would have it."""
    return object()
