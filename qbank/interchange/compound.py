"""One stream of a compound file, the folder of files inside a file that Office 97 to 2003 wrote."""

from __future__ import annotations

import struct

HEADER_SECTORS = 109
ENTRY_BYTES = 128


class Compound:
    """The sectors of a compound file; every chain ends at the latest when it has as many sectors as the file.

    Raises
    ------
    ValueError, struct.error
        For a file that is damaged.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in {9, 12} or mini_shift != 6:
            raise ValueError("no compound file")
        self._size, self._mini_size = 1 << shift, 1 << mini_shift
        self._n_sectors = len(data) // self._size
        self._fat = self._allocation()
        first_entry, self._cutoff, mini_fat = struct.unpack_from("<I4xII", data, 48)
        self._entries = self._chain(first_entry)
        numbers = self._chain(mini_fat)
        self._mini_fat = struct.unpack(f"<{len(numbers) // 4}I", numbers)

    def stream(self, name: str) -> bytes:
        """Return a stream by its name; raises ValueError when there is none."""
        root_start = 0
        for at in range(0, len(self._entries) - ENTRY_BYTES + 1, ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", self._entries, at + 64)
            start, size = struct.unpack_from("<II", self._entries, at + 116)
            if kind == 5:
                root_start = start
            elif kind == 2 and self._entries[at : at + max(0, length - 2)].decode("utf-16-le", "replace") == name:
                return self._read(start, size, root_start)
        raise ValueError("no such stream")

    def _read(self, start: int, size: int, root_start: int) -> bytes:
        if size >= self._cutoff:
            return self._chain(start)[:size]
        mini = self._chain(root_start)
        pieces: list[bytes] = []
        while start < len(self._mini_fat) and len(pieces) <= len(self._mini_fat):
            pieces.append(mini[start * self._mini_size : (start + 1) * self._mini_size])
            start = self._mini_fat[start]
        return b"".join(pieces)[:size]

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        return self._data[at : at + self._size]

    def _chain(self, start: int) -> bytes:
        pieces: list[bytes] = []
        while start < len(self._fat) and len(pieces) <= self._n_sectors:
            pieces.append(self._sector(start))
            start = self._fat[start]
        return b"".join(pieces)

    def _allocation(self) -> tuple[int, ...]:
        """Return which sector follows which."""
        numbers = list(struct.unpack_from(f"<{HEADER_SECTORS}I", self._data, 76))
        more = struct.unpack_from("<I", self._data, 68)[0]
        n_in_sector = self._size // 4
        for _ in range(self._n_sectors):
            if more >= self._n_sectors:
                break
            *found, more = struct.unpack(f"<{n_in_sector}I", self._sector(more))
            numbers += found
        kept = [number for number in numbers[: self._n_sectors] if number < self._n_sectors]
        table = b"".join(self._sector(number) for number in kept)
        return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
