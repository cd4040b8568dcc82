"""The run store: everything that was asked, answered and ruled, appended and never rewritten."""

from liangxin.store.database import DEFAULT_STORE, Database, store_url
from liangxin.store.dialogues import Ruling, StoredDialogue, dialogues
from liangxin.store.runs import JudgeRecord, NewRun, RunRecord, Runs
from liangxin.store.writer import Writer

__all__ = [
    "DEFAULT_STORE",
    "Database",
    "JudgeRecord",
    "NewRun",
    "Ruling",
    "RunRecord",
    "Runs",
    "StoredDialogue",
    "Writer",
    "dialogues",
    "store_url",
]
