"""Addresses as people type them from paper."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("address", ["/certificates", "/my-results", "/sign-in", "/certificates/statement"])
def test_a_slash_too_much_leads_to_the_page(app, address):
    client = app.test_client()
    led = client.get(f"{address}/?number=1&_external=1")
    assert (led.status_code, led.headers["Location"]) == (301, f"{address}?number=1&_external=1")
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/draws", "/room-check"])
def test_a_missing_slash_leads_to_the_page_too(app, address):
    assert app.test_client().get(address).headers["Location"].endswith(f"{address}/")


@pytest.mark.parametrize("address", ["/no-such-page/", "//example.com/", "/certificates/x/", "/api/v1/no-such/"])
def test_what_means_no_page_is_not_found_and_leads_nowhere_else(app, address):
    answer = app.test_client().get(address)
    assert answer.status_code == 404 or "example.com" not in answer.headers["Location"].removeprefix("http://localhost")


def test_a_form_is_never_led_on(app):
    assert app.test_client().post("/certificates/", data={"number": "1", "name": "2"}).status_code == 404
