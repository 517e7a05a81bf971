"""Keys derived from the root secret, sealed documents and encrypted fields.

AES-256-GCM from the `cryptography` library; every envelope names its suite and key version, so that keys and suites can
be changed without touching old data at once.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import DomainError
from kernel.i18n import N_

SUITE_AES_GCM_V1 = b"\x01\x01"
"""Suite 1 (AES-256-GCM, HKDF-SHA-256), key version 1."""
NONCE_LENGTH = 12


class SealBrokenError(DomainError):
    """Ciphertext was changed, or belongs to another place or key."""

    code = "seal_broken"
    http_status = 409


@lru_cache(maxsize=64)
def derive_key(secret: str, purpose: str) -> bytes:
    """Return the 32-byte key of one purpose; purposes never share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=b"kaoku", info=purpose.encode()).derive(secret.encode())


def new_key() -> bytes:
    """Return a fresh random 32-byte data key."""
    return AESGCM.generate_key(bit_length=256)


def encrypt(key: bytes, plain: bytes, *, bound_to: str) -> bytes:
    """Return suite ‖ nonce ‖ ciphertext; `bound_to` names the place, so that values cannot be swapped between rows."""
    nonce = os.urandom(NONCE_LENGTH)
    return SUITE_AES_GCM_V1 + nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def decrypt(key: bytes, envelope: bytes, *, bound_to: str) -> bytes:
    """Return the plain bytes; raises SealBrokenError when a single bit, the place or the key differs."""
    if envelope[:2] != SUITE_AES_GCM_V1 or len(envelope) < 2 + NONCE_LENGTH:
        raise SealBrokenError(N_("密文格式无法识别，可能已损坏"))
    nonce, body = envelope[2 : 2 + NONCE_LENGTH], envelope[2 + NONCE_LENGTH :]
    try:
        return AESGCM(key).decrypt(nonce, body, bound_to.encode())
    except InvalidTag as exc:
        raise SealBrokenError(N_("密文校验失败：内容被改动或密钥不符")) from exc


def blind_index(key: bytes, *parts: str) -> str:
    """Return a keyed index by which an encrypted value can be found; without the key it tells nothing."""
    return hmac.new(key, "\x1f".join(parts).encode(), sha256).hexdigest()


_ROOT: dict[str, str] = {}


def configure(secret: str) -> None:
    """Give the process its root secret; the application factory and the commands do this once."""
    _ROOT["secret"] = secret


def purpose_key(purpose: str) -> bytes:
    """Return this installation's key for a purpose such as ``personal-data`` or ``form-delivery``."""
    return derive_key(_ROOT["secret"], purpose)
