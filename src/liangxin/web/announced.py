"""The site's server, which says where it is once it answers."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn


class AnnouncedServer(uvicorn.Server):
    """Says that it is there only after it has begun to listen.

    By then an interrupt is the server's to handle. Before, Python raises it wherever it happens to be; in a weak
    reference's callback it is lost, and the site goes on after the user has ended it.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets=sockets)
        self._announce()
