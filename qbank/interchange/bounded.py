"""Become another program after setting limits of memory, processor time and file size: ``bounded.py BYTES SECONDS BYTES COMMAND…``.

It is run as a script and imports nothing of ours, so that it starts at once.
"""

from __future__ import annotations

import os
import resource
import sys


def main(arguments: list[str]) -> None:
    """Set the limits and replace this process."""
    memory, seconds, size = (int(one) for one in arguments[:3])
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: size,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        ceiling = resource.getrlimit(kind)[1]
        bound = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(kind, (bound, bound))
    os.execv(arguments[3], arguments[3:])  # noqa: S606 - no shell: the command is a fixed list


if __name__ == "__main__":
    main(sys.argv[1:])
