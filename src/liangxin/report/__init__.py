"""The report: one self-contained HTML page, made from the store and nothing else."""

from liangxin.report.page import render

__all__ = ["render"]
