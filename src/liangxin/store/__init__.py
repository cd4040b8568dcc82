"""The run store: everything that was asked, answered and ruled, appended and never rewritten."""

from liangxin.store.content import hashed
from liangxin.store.database import DEFAULT_STORE, Database, opened, store_url
from liangxin.store.dialogues import ADJUDICATED, StoredDialogue, StoredVerdict, dialogues, dialogues_at
from liangxin.store.evidence import Evidence, Look, ValidationRecord
from liangxin.store.leases import ASKING, Lease, Work
from liangxin.store.patience import StorePatience
from liangxin.store.runs import JudgeRecord, NewRun, RunRecord, Runs
from liangxin.store.spill import Spill, spilled, take_in
from liangxin.store.transfer import Transferred, copy_run
from liangxin.store.writer import Writer

__all__ = [
    "ADJUDICATED",
    "ASKING",
    "DEFAULT_STORE",
    "Database",
    "Evidence",
    "JudgeRecord",
    "Lease",
    "Look",
    "NewRun",
    "RunRecord",
    "Runs",
    "Spill",
    "StorePatience",
    "StoredDialogue",
    "StoredVerdict",
    "Transferred",
    "ValidationRecord",
    "Work",
    "Writer",
    "copy_run",
    "dialogues",
    "dialogues_at",
    "hashed",
    "opened",
    "spilled",
    "store_url",
    "take_in",
]
