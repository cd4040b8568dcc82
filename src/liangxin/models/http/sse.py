"""Server-sent events, as far as streamed answers use them (HTML standard, 9.2.6: parsing an event stream).

A line ends with LF or CRLF; of the fields only `data` is read. Never raises, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Events:
    """Cuts bytes that arrive in any pieces into the data of their events."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The data of every event that ends in this chunk, in order."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._line += part
            line, self._line = bytes(self._line), bytearray()
            yield from self._take(line.removesuffix(b"\r"))
        self._line += rest

    def end(self) -> Iterator[bytes]:
        """What an answer that broke off without its last blank line still holds.

        The standard drops it; but a provider that closes the connection after a whole line has said it.
        """
        if self._line:
            line, self._line = bytes(self._line), bytearray()
            yield from self._take(line.removesuffix(b"\r"))
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[bytes]:
        if self._first:
            self._first, line = False, line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            if self._data:
                data, self._data = b"\n".join(self._data), []
                yield data
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
