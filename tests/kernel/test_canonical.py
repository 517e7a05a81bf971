from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.canonical import canonical_json, digest, digest_bytes

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), PLAIN, max_size=6))
def test_the_order_of_keys_makes_no_difference(value):
    turned = dict(reversed(list(value.items())))
    assert canonical_json(value) == canonical_json(turned)
    assert digest(value) == digest(turned)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": "1"}), ({"a": None}, {}), ([1, 2], [2, 1]), ({"a": "é"}, {"a": "e\u0301"}), (True, 1)],
)
def test_different_values_have_different_digests(one, other):
    assert digest(one) != digest(other)


def test_decimals_keep_their_digits():
    assert canonical_json({"score": Decimal("1.50")}) == b'{"score":"1.50"}'
    assert canonical_json(Decimal("1E+2")) == b'"100"'


def test_what_has_no_one_form_is_refused():
    with pytest.raises(TypeError):
        canonical_json({"set": {1}})


def test_the_digest_of_nothing_is_the_published_one():
    assert digest_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
