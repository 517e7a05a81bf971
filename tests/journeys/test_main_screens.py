"""Every entry of every role's menu opens, is accessible, and is written as a picture for people to look at."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.journey

ROLES = [
    "demo-platform-admin", "demo-organisation-admin", "demo-editor", "demo-author", "demo-reviewer1", "demo-assembler",
    "demo-form-approver1", "demo-exam-officer", "demo-invigilator1", "demo-chief-invigilator", "demo-marker",
    "demo-assessor", "demo-certification-officer", "demo-supervisor",
]  # fmt: skip


@pytest.mark.parametrize("username", ROLES)
def test_every_menu_entry_of_the_role_opens_without_a_fault(desk, username):
    seat = desk(username)
    seat.check()
    seat.shoot(f"{username}-home")
    addresses = seat.page.locator("#side-menu a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert addresses
    for address in addresses:
        seat.page.set_viewport_size({"width": 1440, "height": 900})
        seat.open(address)
        seat.shoot(f"{username}{re.sub(r'[^a-z0-9]+', '-', address)}".rstrip("-"))


def test_the_public_pages_open_for_everybody(desk):
    seat = desk()
    for path, name in (("/sign-in", "sign-in"), ("/certificates", "certificate-look-up"), ("/exam/", "exam-sign-in")):
        seat.open(path)
        seat.shoot(f"public-{name}")
