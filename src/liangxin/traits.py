"""What a judge and a model are, whatever their SPEC says: set by their kind, stored with what they did.

A stored run is read later, on other machines, by pages that know no kinds; they read these.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The installed package that brings a model, a judge, a benchmark or a measure."""

    package: str
    """Its name as package indexes compare names; part of an identity."""
    version: str
    """Of the package, for manifests only: an update must not ask paid answers again."""
    module: str
    """Where its entry point leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """What must be known of a model when its answers are read."""

    recorded: bool = False
    """Its answers were recorded before, and their file is all that says who gave them."""
    scripted: bool = False
    """A fake that follows a script: numbers from it are no results."""
    costs: bool = False
    """It is asked at an endpoint with a key, which costs money."""
    reads_file: bool = False
    """Its answers depend on a file that its SPEC names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTraits:
    """What must be known of a judge when its verdicts are read; of a jury, what holds for its members."""

    people: bool = False
    """It is a record of people's verdicts: it can stand for the truth, and nothing can be asked of it twice."""
    from_labels: bool = False
    """A file of labels, which may grow: it is read anew each time, and what it does not say is `unlabelled`."""
    needs_items: bool = False
    """It must know the data's items before it can be opened."""
    asks: tuple[str, ...] = ()
    """The SPECs of the models that it asks."""
    costs: bool = False
    """One of these costs money (see `ModelTraits`)."""
    reads_file: bool = False
    """Its verdicts depend on a file that its SPEC names."""
    exact: bool = False
    """It reads what stands there (a letter, a word from a list): it has no error to be measured."""
