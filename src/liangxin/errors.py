"""Every error that Liangxin states to its user.

    LiangxinError            exit status 1
    ├── DataError            a data, labels or replay file is wrong: FILE:ROW: FIELD: found …, expected …
    ├── StoreError           the run store cannot be opened, read or written
    │   ├── StoreUnavailable it may pass: locked, full, restarting, not reached
    │   │   └── StoreLocked  another program holds the store's lock
    │   ├── UnknownRun       no run of that name or id
    │   ├── StoreReadOnly    the store may only be read here, and something was to be written
    │   ├── RunAtWork        another command asks or judges the same run now
    │   └── LeaseLost        another command has taken the work over while this one was suspended
    ├── ModelError           a model cannot be reached or used at all
    │   └── AccessDenied     the provider answered 401 or 403: the run stops
    ├── JudgeError           a judge cannot be used on this run
    ├── PluginError          what an installed package brings cannot be used
    ├── PeopleError          a project, account, assignment or label is not as asked; said in Chinese and English
    │   ├── NotAllowed       this person may not do that (HTTP 403)
    │   ├── NotThere         no such project, task, link, … (HTTP 404)
    │   ├── Conflict         somebody else was first, or the ground has changed (HTTP 409)
    │   ├── TooLarge         more than a page takes at once (HTTP 413)
    │   └── TooOften         a rate limit (HTTP 429)
    └── UsageError           exit status 2: the command line is wrong
        └── UnknownName      no such benchmark, model, judge or measure

The command line prints the message alone, never a traceback. Anything else that escapes is a defect.
"""

from __future__ import annotations


class LiangxinError(Exception):
    """A stated failure: the message says what is wrong, where, and what to do."""

    exit_status = 1


class DataError(LiangxinError):
    """A file's content is not what its reader needs; nothing of it was loaded."""

    @classmethod
    def at(cls, file: str, row: int, field: str, *, found: str, expected: str) -> DataError:
        """The one-line form for a bad row; `row` is the physical line (or sheet row), counted from 1."""
        return cls(f"{file}:{row}: {field}: found {found}, expected {expected}")


class StoreError(LiangxinError):
    """The run store cannot be opened, read or written."""


class StoreUnavailable(StoreError):
    """The store is locked, full, restarting or not reached: trying again may help."""


class StoreLocked(StoreUnavailable):
    """Another program holds the store's lock: the store is there, and waiting alone helps."""


class UnknownRun(StoreError):
    """No run of that name or id is in the store."""


class StoreReadOnly(StoreError):
    """The store may only be read here, and something was to be written; nothing was."""


class RunAtWork(StoreError):
    """Another command asks or judges the same run now: two would pay for everything twice."""


class LeaseLost(StoreError):
    """Another command has taken the work over while this one was suspended or cut off; this one stores no more."""


class ModelError(LiangxinError):
    """A model cannot be reached or used at all."""


class AccessDenied(ModelError):
    """The provider refused the key (401 or 403); asking on would only repeat it."""


class JudgeError(LiangxinError):
    """A judge cannot be used on this run."""


class PluginError(LiangxinError):
    """A model, judge, benchmark or measure of an installed package cannot be used."""


class PeopleError(LiangxinError):
    """What a person asked of the annotation site cannot be done; the site says it in the reader's language."""

    http_status = 400

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class NotAllowed(PeopleError):
    """This person may not do that."""

    http_status = 403


class NotThere(PeopleError):
    """No such project, task, link, …"""

    http_status = 404


class Conflict(PeopleError):
    """Somebody else was first, or what the request builds on has changed."""

    http_status = 409


class TooLarge(PeopleError):
    """More than a page takes at once."""

    http_status = 413


class TooOften(PeopleError):
    """A rate limit; the message says how long to wait."""

    http_status = 429


class UsageError(LiangxinError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class UnknownName(UsageError):
    """A name that no registry holds."""
