"""The left menu marks where one is: one entry, the nearest."""

from __future__ import annotations

import pytest

from kernel.identity.permissions import Role


@pytest.mark.parametrize("path", ["/writing/mine", "/writing/", "/items/", "/items/new"])
def test_one_entry_is_marked_however_addresses_lie_below_each_other(sign_in, path):
    page = sign_in(Role.EDITOR).get(path, follow_redirects=True).text
    assert page.count("menu-item is-active") == 1
    assert page.count('aria-current="page"') >= 1
