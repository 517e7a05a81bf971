"""A network cable between a browser and a server on this machine, which can be pulled out."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

BYTES = 65536


class Cable:
    """Passes connections on to the server, until it is pulled: nothing listens then, as when a switch in the room fails."""

    def __init__(self, server: tuple[str, int], host: str = "127.0.0.1") -> None:
        self.server = server
        self.ends: list[socket.socket] = []
        self.listener = self._listening((host, 0))
        self.address: tuple[str, int] = self.listener.getsockname()

    @property
    def url(self) -> str:
        """Where the browser finds the server."""
        return "http://{}:{}".format(*self.address)

    def plug(self, unplugged: bool) -> None:  # noqa: FBT001 - Playwright's `set_offline` has this form
        """Pull the cable, with every connection through it, or put it in again."""
        if unplugged:
            self.close()
        else:
            self.listener = self._listening(self.address)

    def close(self) -> None:
        """End every connection and take no new one."""
        for end in [self.listener, *self.ends]:
            hang_up(end)
        self.ends.clear()

    def _listening(self, address: tuple[str, int]) -> socket.socket:
        listener = socket.create_server(address)
        threading.Thread(target=self._serve, args=[listener], daemon=True).start()
        return listener

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                near = listener.accept()[0]
                far = socket.create_connection(self.server)
            except OSError:
                return
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=[source, sink], daemon=True).start()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until one side ends."""
    with suppress(OSError):
        while data := source.recv(BYTES):
            sink.sendall(data)
    hang_up(sink)


def hang_up(end: socket.socket) -> None:
    """Close a socket, also for the thread that waits at it."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
