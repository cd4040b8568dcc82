"""Liangxin (量心): measure the values and the safety of Chinese large language models."""

__version__ = "0.1.0"
