"""The file of Safe Exam Browser: plain XML, or sealed with a password in the form that the browser reads.

Sealed: gzip( ``pswd`` + envelope( gzip( XML ) ) ). The envelope is the one named RNCryptor: version, options, two salts, vector,
AES-256-CBC with PKCS#7, then an HMAC-SHA-256 over all of it; both keys are derived with PBKDF2-SHA-1 in 10,000 rounds. The salts and
rounds are the format's, not ours: such a password keeps honest people honest and is no secret for what must stay one.
"""

from __future__ import annotations

import gzip
import hmac
import os
import plistlib
from collections.abc import Mapping
from hashlib import pbkdf2_hmac
from typing import Any
from xml.parsers.expat import ExpatError

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from kernel.errors import InvalidInputError
from kernel.i18n import N_

PREFIX_PASSWORD, PREFIX_PLAIN = b"pswd", b"plnd"
GZIP = b"\x1f\x8b"
VERSION, OPTIONS = b"\x02", b"\x01"
"""Version 2 is what every reader takes; it differs from 3 for passwords beyond ASCII alone, which `write_file` refuses."""
READABLE = {b"\x02", b"\x03"}
SALT, VECTOR, MAC, ROUNDS = 8, 16, 32, 10_000
HEAD = 2 + 2 * SALT + VECTOR
BLOCK_BITS = 128
NO_SETTINGS = N_("这不是安全考试浏览器的配置文件")


def write_file(settings: Mapping[str, Any], password: str = "") -> bytes:
    """Return a settings file: plain XML, or sealed when there is a password.

    Raises
    ------
    InvalidInputError
        If the password holds characters beyond ASCII.
    """
    xml = plistlib.dumps(dict(settings), fmt=plistlib.FMT_XML, sort_keys=True)
    if not password:
        return xml
    if not password.isascii():
        message = N_("配置密码只能用英文字母、数字和符号")
        raise InvalidInputError(message, fields={"settings_password": [message]})
    return gzip.compress(PREFIX_PASSWORD + _seal(gzip.compress(xml, mtime=0), password), mtime=0)


def read_file(body: bytes, password: str = "") -> dict[str, Any]:
    """Return the settings in a file.

    Raises
    ------
    InvalidInputError
        If it is no settings file, or the password is not its own.
    """
    opened = gzip.decompress(body) if body.startswith(GZIP) else body
    kind, rest = opened[:4], opened[4:]
    if kind == PREFIX_PASSWORD:
        opened = gzip.decompress(_open(rest, password))
    elif kind == PREFIX_PLAIN:
        opened = gzip.decompress(rest)
    try:
        found = plistlib.loads(opened, fmt=plistlib.FMT_XML)
    except (ExpatError, ValueError) as exc:
        raise InvalidInputError(NO_SETTINGS) from exc
    if not isinstance(found, dict):
        raise InvalidInputError(NO_SETTINGS)
    return found


def _seal(plain: bytes, password: str) -> bytes:
    cipher_salt, mac_salt, vector = os.urandom(SALT), os.urandom(SALT), os.urandom(VECTOR)
    padder = PKCS7(BLOCK_BITS).padder()
    encryptor = Cipher(AES(_derive(password, cipher_salt)), CBC(vector)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    message = VERSION + OPTIONS + cipher_salt + mac_salt + vector + encryptor.update(padded) + encryptor.finalize()
    return message + hmac.digest(_derive(password, mac_salt), message, "sha256")


def _derive(password: str, salt: bytes) -> bytes:
    return pbkdf2_hmac("sha1", password.encode(), salt, ROUNDS, 32)


def _open(envelope: bytes, password: str) -> bytes:
    message, mac = envelope[:-MAC], envelope[-MAC:]
    cipher_salt, mac_salt, vector = message[2:10], message[10:18], message[18:HEAD]
    is_whole = len(message) > HEAD and message[:1] in READABLE and message[1:2] == OPTIONS
    if not is_whole or not hmac.compare_digest(mac, hmac.digest(_derive(password, mac_salt), message, "sha256")):
        raise InvalidInputError(N_("配置密码不正确，或文件已损坏"))
    decryptor = Cipher(AES(_derive(password, cipher_salt)), CBC(vector)).decryptor()
    unpadder = PKCS7(BLOCK_BITS).unpadder()
    padded = decryptor.update(message[HEAD:]) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
