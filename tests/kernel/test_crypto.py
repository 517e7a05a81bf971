from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from kernel.crypto import SealBrokenError, blind_index, decrypt, derive_key, encrypt, new_key

KEY = derive_key("a root secret", "test")
PLACE = "candidates|id_number|1"


@given(st.binary(max_size=200))
def test_what_was_encrypted_comes_back(plain):
    assert decrypt(KEY, encrypt(KEY, plain, bound_to=PLACE), bound_to=PLACE) == plain


def test_every_single_changed_bit_is_found():
    envelope = encrypt(KEY, b"110101", bound_to=PLACE)
    for position in range(len(envelope) * 8):
        changed = bytearray(envelope)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBrokenError):
            decrypt(KEY, bytes(changed), bound_to=PLACE)


def test_a_value_cannot_be_moved_to_another_row_or_opened_with_another_key():
    envelope = encrypt(KEY, b"110101", bound_to=PLACE)
    with pytest.raises(SealBrokenError):
        decrypt(KEY, envelope, bound_to="candidates|id_number|2")
    with pytest.raises(SealBrokenError):
        decrypt(new_key(), envelope, bound_to=PLACE)


@pytest.mark.parametrize("short", [b"", b"\x01", b"\x01\x01", b"\x01\x01" + b"\0" * 12])
def test_a_stump_is_refused_as_broken(short):
    with pytest.raises(SealBrokenError):
        decrypt(KEY, short, bound_to=PLACE)


def test_the_same_text_never_looks_the_same_twice():
    assert len({encrypt(KEY, b"x", bound_to=PLACE) for _ in range(100)}) == 100


def test_purposes_have_keys_of_their_own_by_the_published_derivation():
    assert derive_key("s" * 32, "personal-data") != derive_key("s" * 32, "personal-index")
    expected = HKDF(algorithm=SHA256(), length=32, salt=b"kaoku", info=b"personal-data").derive(b"s" * 32)
    assert derive_key("s" * 32, "personal-data") == expected


def test_an_index_finds_the_same_number_and_does_not_confuse_its_parts():
    assert blind_index(KEY, "id", "110101") == blind_index(KEY, "id", "110101")
    assert blind_index(KEY, "id", "110101") != blind_index(new_key(), "id", "110101")
    assert blind_index(KEY, "a", "bc") != blind_index(KEY, "ab", "c")
