"""Ports of the machine that nobody takes while no server listens on them."""

from __future__ import annotations

import atexit
import socket


def kept_port(port: int = 0) -> int:
    """Keep a port, a free one unless it is named, until this process ends, and return it.

    It is bound and not listened on: whoever connects is refused, the system gives it to nobody, neither to another server nor to
    a connection that goes out, and a server that reuses addresses, as all of ours do, may listen on it.
    """
    kept = socket.socket()
    atexit.register(kept.close)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", port))
    return int(kept.getsockname()[1])
