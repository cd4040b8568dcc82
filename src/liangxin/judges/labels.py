"""`labels:FILE`: people's levels from a file, each bound to the answer it was given for.

A row names an item (`id` or `prompt`), a `turn` and a `level`; `response`, `response_sha256` or
`dialogue` say which answer it is about. A label for another answer is counted and never used. Several
annotators are one judge with several labels for an answer; the benchmark says how they combine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from liangxin.errors import DataError, JudgeError
from liangxin.files import file_digest, read_rows
from liangxin.files.unread import watched_rows
from liangxin.judges.base import JudgeContext
from liangxin.judges.identity import canonical, identity
from liangxin.judges.label_rows import Label, LabelReader, Subject, digests
from liangxin.records import Case, Scale, Verdict
from liangxin.specs import OWN_SCALES, scale_of


class Annotator(NamedTuple):
    """One annotator's labels on one scale."""

    subject: Subject
    name: str
    """As the file names them; empty where it names nobody."""


class Labels:
    """All labels of a file that are for this run, and what became of them; shared by their annotators."""

    def __init__(self, path: str, context: JudgeContext) -> None:
        self.path = path
        self.sha256 = file_digest(path)
        self.unbound = 0
        self.elsewhere = 0
        self.differing: set[int] = set()
        self.met: set[int] = set()
        self.used: dict[Annotator, dict[tuple[str, int], list[Label]]] = {}
        self._rows: dict[tuple[object, ...], int] = {}
        reader = LabelReader(context)
        for row in watched_rows(path, read_rows(path)):
            self._add(reader.read(row))

    def _add(self, label: Label) -> None:
        answer = label.trial or label.dialogue
        place = (label.item, label.turn, label.annotator, answer, label.subject, label.model)
        first = self._rows.setdefault(place, label.row)
        if first != label.row:
            raise DataError.at(
                self.path,
                label.row,
                "id",
                found=f"a second label for item {label.item}, turn {label.turn} by "
                f"{label.annotator or 'the same annotator'} (the first is in row {first})",
                expected="one label for each item, turn, annotator and trial",
            )
        if label.elsewhere:
            self.elsewhere += 1
            return
        self.unbound += not label.bound
        theirs = self.used.setdefault(Annotator(label.subject, label.annotator), {})
        theirs.setdefault((label.item, label.turn), []).append(label)

    def find(self, annotator: Annotator, case: Case) -> Label | None:
        """The annotator's label for this very answer.

        Raises:
            DataError: two rows are about it, one by its dialogue and one by its trial.
        """
        labels = self.used.get(annotator, {}).get((case.item_id, case.turn), [])
        here = [label for label in labels if label.names(case)]
        if not here:
            return None
        answer = digests(case.answer)
        fitting = [label for label in here if label.fits(case, answer)]
        self.met.update(label.row for label in here)
        self.differing.update(label.row for label in here if label not in fitting)
        if len(fitting) > 1:
            raise DataError.at(
                self.path,
                fitting[1].row,
                "dialogue",
                found=f"a second label for the same answer (the first is in row {fitting[0].row})",
                expected="one label for each item, turn, annotator and trial",
            )
        return fitting[0] if fitting else None

    def notices(self) -> Sequence[str]:
        """What was not used and why, and what was taken on trust."""
        name = PurePath(self.path).name
        said: list[str] = []
        unmatched = len(self.differing) + self.elsewhere
        if unmatched:
            said.append(
                f"labels:{name}: {unmatched} labels unmatched and not used ({len(self.differing)} were given for "
                f"another answer, {self.elsewhere} for another model)"
            )
        total = sum(len(found) for theirs in self.used.values() for found in theirs.values())
        if self.met and (unmet := total - len(self.met)):
            said.append(
                f"labels:{name}: {unmet} labels met no answer this time (item not asked, reply blocked, empty or "
                "failed, or already ruled on)"
            )
        if self.unbound:
            said.append(
                f"labels:{name}: {self.unbound} labels do not say which answer they are for; they were taken as "
                "given for the recorded answers of this run"
            )
        return said


class LabelsJudge:
    """One annotator as a judge on one scale."""

    batch = 512
    connections = 1

    def __init__(self, labels: Labels, annotator: Annotator, context: JudgeContext) -> None:
        self.subject: Subject = annotator.subject
        self.annotator = annotator.name
        self._labels = labels
        self._annotator = annotator
        self._benchmark = context.benchmark
        self._manifest: Mapping[str, object] = canonical(
            {
                "kind": "labels",
                "file": PurePath(labels.path).name,
                "sha256": labels.sha256,
                "subject": self.subject,
                "scales": {"*": OWN_SCALES[self.subject]}
                if self.subject in OWN_SCALES
                else context.benchmark.scales,
                "binding": "a label counts only for the answer that it names by text, sha256 or dialogue",
            }
        )
        self.identity = identity(f"labels:{PurePath(labels.path).name}", self._manifest)

    def scale_for(self, category: tuple[str, ...]) -> Scale:
        """The benchmark's scale for the category, or one of our own."""
        return scale_of(self.subject, self._benchmark, category)

    async def rule(self, cases: Sequence[Case]) -> Sequence[Verdict | None]:
        """The label of each answer, or None where this annotator gave none for it.

        Raises:
            DataError: a label's level is not on its item's scale, or two rows are about one answer.
        """
        return [self._one(case) for case in cases]

    def _one(self, case: Case) -> Verdict | None:
        label = self._labels.find(self._annotator, case)
        if label is None:
            return None
        scale = self.scale_for(case.category)
        if scale.level(label.level) is None:
            raise DataError.at(
                self._labels.path,
                label.row,
                "level",
                found=repr(label.level),
                expected=f"a level of {'/'.join(case.category) or case.item_id}: "
                + ", ".join(level.name for level in scale.levels),
            )
        return Verdict(level=label.level, reason=label.note)

    def manifest(self) -> Mapping[str, object]:
        """The file's name and digest, the scales."""
        return self._manifest

    def notices(self) -> Sequence[str]:
        """The same for every annotator, and complete once all have ruled."""
        return self._labels.notices()

    async def aclose(self) -> None:
        """Nothing to release."""


def open_labels(name: str, context: JudgeContext) -> Sequence[LabelsJudge]:
    """A judge for each annotator and scale of the file; all of one scale share one identity.

    Raises:
        JudgeError: no file is named.
        DataError: the file or a row is wrong; nothing of it is used.
    """
    if not name:
        raise JudgeError("judge 'labels' lacks its file: write labels:FILE")
    labels = Labels(name, context)
    # Without any label for this run the judge still exists, and everything is unlabelled.
    annotators = sorted(labels.used) or [Annotator("primary", "")]
    return [LabelsJudge(labels, annotator, context) for annotator in annotators]
