"""Password hashing: Argon2id with the OWASP parameters that survive a sign-in storm (t=2, 19 MiB, p=1)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kernel.errors import InvalidInputError
from kernel.i18n import N_

MIN_LENGTH = 10
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DECOY = _HASHER.hash("a name nobody has")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def hash_password(password: str) -> str:
    """Return the Argon2id hash; refuse what is too short or too simple."""
    if len(password) < MIN_LENGTH:
        short = N_("密码至少 %(n)s 位")
        raise InvalidInputError(short, n=MIN_LENGTH, fields={"password": [short]})
    if len(set(password)) < 4:
        raise InvalidInputError(N_("密码过于简单，请混合使用不同字符"))
    return _HASHER.hash(password)


def verify_password(password: str, stored: str | None) -> bool:
    """Check a password; an unknown user costs the same time as a wrong password."""
    try:
        return _HASHER.verify(stored or _DECOY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Return a random password of 16 readable characters (about 79 bits)."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)
