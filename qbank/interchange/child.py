"""The process that reads one foreign file: started by `limited`, bounded by the system, with no way to the network.

It sets its own limits before it looks at the file, reads the request from standard input and writes the answer to the one
file that it is told. Whatever happens to it, the program that started it goes on.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import signal
import sys
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


def main(arguments: list[str]) -> int:
    """Read the request, do it, write the answer; the exit status names the limit that was reached."""
    memory_bytes, cpu_seconds, file_bytes = (int(one) for one in arguments[1:4])
    bound_process(memory_bytes, cpu_seconds, file_bytes)
    try:
        from qbank.interchange import progress
        from qbank.interchange.wire import answer

        progress.listen(progress.into_file(Path(f"{arguments[0]}.progress")))
        Path(arguments[0]).write_bytes(answer(sys.stdin.buffer.read()))
    except MemoryError:
        return EXIT_MEMORY
    except OSError as error:
        if error.errno == errno.EFBIG:
            return EXIT_FILE_SIZE
        return EXIT_MEMORY if error.errno == errno.ENOMEM else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
