"""The page as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """An element of a parsed page."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", *, kind: str = "", **attributes: str) -> list[Element]:
        """Every element below with that tag, class and attributes (`data_x` stands for `data-x`)."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            fits = (not tag or child.tag == tag) and (
                not kind or kind in child.attributes.get("class", "").split()
            )
            if fits and wanted.items() <= child.attributes.items():
                found.append(child)
            found += child.all(tag, kind=kind, **attributes)
        return found

    def one(self, tag: str = "", *, kind: str = "", **attributes: str) -> Element:
        """The only such element."""
        found = self.all(tag, kind=kind, **attributes)
        assert len(found) == 1, (tag, kind, attributes, len(found))
        return found[0]

    def _spoken(self, without: str) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif without not in child.attributes.get("class", "").split():
                yield from child._spoken(without)

    @property
    def text(self) -> str:
        """All text below, as it is."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def said(self, language: str) -> str:
        """The text below that one language (`zh` or `en`) shows, blanks collapsed."""
        other = {"zh": "en", "en": "zh"}[language]
        return " ".join("".join(self._spoken(other)).split())

    @property
    def words(self) -> str:
        """All text below with blanks collapsed."""
        return " ".join(self.text.split())


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element(tag="", attributes={})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(
            Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        )

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Element]:
    """A page as a tree; every element must be closed where it was opened."""

    def parsed(page: str) -> Element:
        builder = _Builder()
        builder.feed(page)
        builder.close()
        assert builder.open == [builder.root]
        return builder.root

    return parsed
