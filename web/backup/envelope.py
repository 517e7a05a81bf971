"""A stream encrypted with a passphrase: blocks of AES-256-GCM that can be neither changed, dropped, swapped nor cut off.

``magic ‖ salt (16) ‖ prefix (7) ‖ blocks``: each block is at most one mebibyte, its nonce is prefix ‖ number (4) ‖ whether it is
the last (1), its key comes from the passphrase and the salt by scrypt.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kernel.errors import InvalidInputError
from kernel.i18n import N_

MAGIC = b"kaoku-sealed/1\n"
SALT, PREFIX, TAG = 16, 7, 16
BLOCK = 1024 * 1024
MIN_PASSPHRASE = 12
WRONG = N_("备份不能解密：口令不对，或者文件已损坏、不完整")


def read_passphrase(file: Path) -> str:
    """Return the passphrase that stands in a file.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or holds fewer than twelve characters.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        raise InvalidInputError(N_("口令文件 %(name)s 不能读取，请检查路径和权限"), name=str(file)) from exc
    if len(text) < MIN_PASSPHRASE:
        raise InvalidInputError(N_("备份口令至少需要 %(n)s 个字符"), n=MIN_PASSPHRASE)
    return text


def is_sealed(head: bytes) -> bool:
    """Say whether a file that begins like this is encrypted."""
    return head.startswith(MAGIC)


class Cipher:
    """The blocks' key and nonces."""

    def __init__(self, passphrase: str, salt: bytes, prefix: bytes) -> None:
        key = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
        self.aead, self.prefix, self.number = AESGCM(key), prefix, 0

    def nonce(self, *, is_last: bool) -> bytes:
        """Return the nonce of the next block."""
        nonce = self.prefix + self.number.to_bytes(4, "big") + bytes([is_last])
        self.number += 1
        return nonce


class SealingWriter:
    """Takes plain bytes and writes encrypted blocks; `close` writes the last one."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        salt, prefix = os.urandom(SALT), os.urandom(PREFIX)
        self.target, self.cipher, self.waiting = target, Cipher(passphrase, salt, prefix), bytearray()
        target.write(MAGIC + salt + prefix)

    def write(self, data: bytes) -> int:
        """Take plain bytes."""
        self.waiting += data
        while len(self.waiting) > BLOCK:
            self._put(bytes(self.waiting[:BLOCK]), is_last=False)
            del self.waiting[:BLOCK]
        return len(data)

    def close(self) -> None:
        """Write what waits as the last block."""
        self._put(bytes(self.waiting), is_last=True)

    def _put(self, block: bytes, *, is_last: bool) -> None:
        self.target.write(self.cipher.aead.encrypt(self.cipher.nonce(is_last=is_last), block, MAGIC))


class OpeningReader:
    """Gives the plain bytes of encrypted blocks; raises InvalidInputError at the first bit that differs."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        head = source.read(len(MAGIC) + SALT + PREFIX)
        salt, prefix = head[len(MAGIC) : len(MAGIC) + SALT], head[len(MAGIC) + SALT :]
        if not is_sealed(head) or len(prefix) != PREFIX:
            raise InvalidInputError(WRONG)
        self.source, self.cipher = source, Cipher(passphrase, salt, prefix)
        self.ready, self.following = bytearray(), source.read(BLOCK + TAG)
        if not self.following:  # even nothing is sealed as one block
            raise InvalidInputError(WRONG)

    def read(self, size: int = -1) -> bytes:
        """Return up to so many plain bytes; fewer only at the end."""
        while self.following and (size < 0 or len(self.ready) < size):
            self._open_block()
        size = len(self.ready) if size < 0 else size
        data = bytes(self.ready[:size])
        del self.ready[:size]
        return data

    def _open_block(self) -> None:
        block, self.following = self.following, self.source.read(BLOCK + TAG)
        try:
            self.ready += self.cipher.aead.decrypt(self.cipher.nonce(is_last=not self.following), block, MAGIC)
        except InvalidTag as exc:
            raise InvalidInputError(WRONG) from exc
