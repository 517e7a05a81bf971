"""The process in which one foreign file is read: it bounds itself before it looks at the file, with no way to the network.

It reads the request from standard input and writes the answer to the one file that it is told. Whatever happens to it, the
program that started it (`kernel.confined`) goes on.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

EXIT_MEMORY, EXIT_FILE_SIZE = 71, 72
OPEN_FILES = 64
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def bound_process(memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Set the limits of this process; a way to the network is cut off where the system lets us."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wanted = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 2),
        resource.RLIMIT_FSIZE: (file_bytes, file_bytes),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, (soft, hard) in wanted.items():
        ceiling = resource.getrlimit(kind)[1]
        top = hard if ceiling == resource.RLIM_INFINITY else min(hard, ceiling)
        resource.setrlimit(kind, (min(soft, top), top))
    ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)  # refused on some systems, and then nothing is lost


def serve(arguments: list[str], answer: Callable[[bytes, Path], bytes]) -> int:
    """Answer the one request; the exit status names the limit that was reached.

    Parameters
    ----------
    arguments : list of str
        Where the answer goes, then the limits: bytes of memory, seconds of processor time, bytes of a file.
    answer : callable
        Makes the answer from the request; is also told where the answer goes, for files beside it.
    """
    memory_bytes, cpu_seconds, file_bytes = (int(one) for one in arguments[1:4])
    bound_process(memory_bytes, cpu_seconds, file_bytes)
    out = Path(arguments[0])
    try:
        out.write_bytes(answer(sys.stdin.buffer.read(), out))
    except MemoryError:
        return EXIT_MEMORY
    except OSError as error:
        if error.errno == errno.EFBIG:
            return EXIT_FILE_SIZE
        return EXIT_MEMORY if error.errno == errno.ENOMEM else 1
    return 0
