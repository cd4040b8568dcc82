"""The catalogue: what a sentence is known by, and what it is in a language.

Values in the holes are text from outside. They are handed on as they are, whatever they look like: a sentence that can be
read in two ways that would say different things is not translated.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from string import Formatter
from types import MappingProxyType

FOLDER = Path(__file__).parent
_TOLD = "t"
"""`{name!t}` in a translation: what stands in this hole is a sentence of the package too."""
_DEEPEST = 3
MOST = 256
"""Ways to read a sentence beyond which none is looked at."""
_BRACKETS = 3


@dataclass(frozen=True, slots=True)
class Wording:
    """A text with holes: `texts` stand around them, one more than there are holes."""

    texts: tuple[str, ...]
    holes: tuple[str, ...]
    told: frozenset[str] = frozenset()
    """The holes that hold a sentence of the package."""

    @classmethod
    def of(cls, written: str) -> Wording:
        """Read one as it is written: `no run {name} in {store}`, braces doubled."""
        texts, holes, told = [""], [], set()
        for text, name, _, conversion in Formatter().parse(written):
            texts[-1] += text
            if name is not None:
                holes.append(name)
                texts.append("")
                if conversion == _TOLD:
                    told.add(name)
        return cls(tuple(texts), tuple(holes), frozenset(told))

    def joined(self, pairs: Sequence[tuple[str, str]]) -> Wording:
        """With each pair of holes that stand side by side as one hole, named after the first."""
        texts: list[str] = [self.texts[0]]
        holes: list[str] = []
        for name, text in zip(self.holes, self.texts[1:], strict=True):
            if texts[-1] == "" and holes and (holes[-1], name) in pairs:
                texts[-1] = text
                continue
            holes.append(name)
            texts.append(text)
        return Wording(tuple(texts), tuple(holes), self.told)

    @property
    def beside(self) -> list[tuple[str, str]]:
        """Pairs of holes without a text between them; where one ends and the other begins is not told by what is read."""
        inner = zip(self.holes, self.holes[1:], self.texts[1:], strict=False)
        return [(one, other) for one, other, text in inner if not text and not {one, other} & self.told]

    @property
    def weight(self) -> int:
        """How much of it is text."""
        return sum(map(len, self.texts))

    def readings(self, sentence: str) -> list[Mapping[str, str]]:
        """All that the holes may hold, as many ways as there are; more than MOST stand for too many."""
        if not self.holes:
            return [{}] if sentence == self.texts[0] else []
        start, end = len(self.texts[0]), len(sentence) - len(self.texts[-1])
        if start > end or not sentence.startswith(self.texts[0]) or not sentence.endswith(self.texts[-1]):
            return []
        found = islice(self._split(sentence, 1, start, end), MOST + 1)
        return [dict(zip(self.holes, values, strict=True)) for values in found]

    def _split(self, sentence: str, place: int, start: int, end: int) -> Iterator[tuple[str, ...]]:
        """The values of the holes from one on; a text is looked for only where those behind it fit as well."""
        if place == len(self.texts) - 1:
            yield (sentence[start:end],)
            return
        text = self.texts[place]
        last = end
        for later in reversed(self.texts[place + 1 : -1]):
            last = sentence.rfind(later, start, last)
            if last < 0:
                return
        at = sentence.find(text, start, last)
        while at >= 0:
            for rest in self._split(sentence, place + 1, at + len(text), end):
                yield (sentence[start:at], *rest)
            at = sentence.find(text, at + 1, last)


@dataclass(frozen=True, slots=True)
class Translation:
    """A sentence and what it is in the language."""

    known: Wording
    said: Wording

    @classmethod
    def of(cls, known: Wording, said: Wording) -> Translation:
        """Holes that stand side by side in both are read as one: their values are handed on together."""
        pairs = [pair for pair in known.beside if pair in said.beside]
        return cls(known.joined(pairs), said.joined(pairs))


class Catalogue:
    """What is known in one language."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        """Read the entries.

        Args:
            entries: the translation of each text as it is known.
        """
        self.fixed = MappingProxyType({known: said for known, said in entries.items() if "{" not in known})
        made = [
            Translation.of(Wording.of(known), Wording.of(said))
            for known, said in entries.items()
            if "{" in known
        ]
        self._open = sorted(made, key=lambda one: -one.known.weight)

    def said(self, sentence: str, depth: int = 0) -> str:
        """The sentence in the language; as it is where nothing fits, or where it may mean more than one thing."""
        for head, rest in _heads(sentence):
            found = self._whole(head, depth)
            if len(found) == 1:
                return found.pop() + rest
            if found:
                break
        return sentence

    def _whole(self, sentence: str, depth: int) -> set[str]:
        """What it may be in the language: nothing where no entry fits, more than one where that is not clear."""
        if sentence in self.fixed:
            return {self.fixed[sentence]}
        found: list[tuple[Translation, set[str]]] = []
        for one in self._open:
            made = self._made(one, sentence, depth)
            if made and not any(_narrower(before.known, one.known) for before, _ in found):
                found.append((one, made))
        return set().union(*(made for _, made in found))

    def _made(self, one: Translation, sentence: str, depth: int) -> set[str]:
        """What an entry makes of a sentence, whichever way it is read: the one in which most of its parts are known."""
        ways = one.known.readings(sentence)
        if not ways:
            return set()
        if len(ways) > MOST:
            return {sentence, ""}
        known = [self._known(one.said, holes, depth) if len(ways) > 1 else 0 for holes in ways]
        best = [holes for holes, most in zip(ways, known, strict=True) if most == max(known)]
        return {self._filled(one.said, holes, depth) for holes in best}

    def _known(self, said: Wording, holes: Mapping[str, str], depth: int) -> int:
        """How much of what should be sentences is known; less than nothing where some of it is not."""
        told = [holes[name] for name in said.told if holes[name]]
        return sum(map(len, told)) if all(len(self._whole(text, depth + 1)) == 1 for text in told) else -1

    def _filled(self, said: Wording, holes: Mapping[str, str], depth: int) -> str:
        parts = [said.texts[0]]
        for name, text in zip(said.holes, said.texts[1:], strict=True):
            told = name in said.told and depth < _DEEPEST
            parts += [self.said(holes[name], depth + 1) if told else holes[name], text]
        return "".join(parts)


def _heads(sentence: str) -> Iterator[tuple[str, str]]:
    """The whole of it, then what stands before a bracket that ends it: there is what a provider said of it."""
    yield sentence, ""
    at = -1
    for _ in range(_BRACKETS if sentence.endswith(")") else 0):
        at = sentence.find(" (", at + 1)
        if at < 0:
            return
        yield sentence[:at], sentence[at:]


def _narrower(one: Wording, other: Wording) -> bool:
    """Whether all that fits one fits the other too: then it is the one that is meant."""
    return bool(other.readings("\0".join(one.texts)))


def files(language: str) -> Sequence[Path]:
    """The files of a language's entries."""
    return sorted((FOLDER / language).glob("*.toml"))


def entries_of(path: Path) -> Mapping[str, str]:
    """A file's entries."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def opened(language: str, *areas: str) -> Catalogue:
    """The catalogue of a language, or of some of its areas alone."""
    entries: dict[str, str] = {}
    for path in files(language):
        if not areas or path.stem in areas:
            entries.update(entries_of(path))
    return Catalogue(entries)
