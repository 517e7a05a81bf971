"""Rules about every address of the application."""

from __future__ import annotations

import pytest
from werkzeug.routing import Rule

from kernel.identity.permissions import Role
from web.security import HEADERS

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
MARKS = ("required_permissions", "needs_sign_in", "is_public")
SIGNED = "api_certification_inbound.send_results"
"""Another system signs the body instead of signing in; no cookie counts there, so no token of a form is needed."""
PUBLIC_WRITES = {"auth.do_sign_in", "api_auth.sign_in", SIGNED}
PUBLIC_READS = {
    "assets.serve", "auth.sign_in", "auth.set_language", "health.healthz", "health.readyz", "openapi.openapi_json",
    "openapi.docs", "cert_credentials.did_document", "cert_credentials.status_list",
}  # fmt: skip
PUBLIC_BLUEPRINTS = {
    "cert_lookup", "api_certificates",  # the public look-up of certificates
    "draw_promises",  # commitments of draws, published for everybody to check
    "cert_own",  # candidates see their own results after proving who they are
    "item_reports",  # anybody may report a wrong item
    "room_checks",  # a technician with the code of a room checks its seats
}  # fmt: skip


def handlers(app, rule: Rule) -> list:
    """Return the functions behind a rule: one, or one for each method of a class."""
    view = app.view_functions[rule.endpoint]
    if not hasattr(view, "view_class"):
        return [view]
    return [getattr(view.view_class, method.lower()) for method in rule.methods - {"HEAD", "OPTIONS"}]


def rules(app) -> list[Rule]:
    return list(app.url_map.iter_rules())


def test_every_address_says_who_may_use_it(app):
    bare = [
        str(rule)
        for rule in rules(app)
        for handler in handlers(app, rule)
        if not any(hasattr(handler, m) for m in MARKS)
    ]
    assert bare == []


def test_no_address_says_two_things_about_who_may_use_it(app):
    double = [
        str(rule)
        for rule in rules(app)
        for handler in handlers(app, rule)
        if sum(hasattr(handler, m) for m in MARKS) > 1
    ]
    assert double == []


def test_what_is_open_to_everybody_is_listed_here(app):
    opened = {
        (rule.endpoint, bool(rule.methods & UNSAFE))
        for rule in rules(app)
        for handler in handlers(app, rule)
        if hasattr(handler, "is_public")
    }
    foreign = {pair for pair in opened if pair[0].partition(".")[0] not in PUBLIC_BLUEPRINTS}
    assert {endpoint for endpoint, writes in foreign if writes} == PUBLIC_WRITES
    assert {endpoint for endpoint, writes in foreign if not writes} == PUBLIC_READS


def test_nobody_gets_anywhere_without_signing_in(app):
    client = app.test_client()
    seen = []
    for rule in rules(app):
        if any(hasattr(handler, "is_public") for handler in handlers(app, rule)):
            continue
        method = min(rule.methods - {"HEAD", "OPTIONS"})
        address = filled(rule)
        answer = client.open(address, method=method)
        is_refused = answer.status_code == 401 or (
            answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
        )
        if not is_refused:
            seen.append(f"{method} {address} {answer.status_code}")
    assert seen == []


def filled(rule: Rule) -> str:
    """Return an address of a rule, with something harmless for every part."""
    samples = {"UUIDConverter": "00000000-0000-7000-8000-000000000000", "IntegerConverter": 1}
    values = {
        name: next(iter(getattr(converter, "items", ())), samples.get(type(converter).__name__, "x"))
        for name, converter in rule._converters.items()
    }
    return rule.build(values, append_unknown=False)[1]


@pytest.mark.parametrize("address", ["/sign-in", "/", "/nowhere", "/healthz", "/api/v1/me", "/api/v1/docs"])
def test_every_answer_carries_the_security_headers(app, address):
    answer = app.test_client().get(address)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_form_without_its_token_is_refused_and_with_it_accepted(app, sign_in):
    client = sign_in(Role.AUTHOR)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        refused = client.post("/sign-out")
        page = client.get("/account/password").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        accepted = client.post("/sign-out", data={"csrf_token": token})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert refused.status_code == 400
    assert "页面已过期" in refused.text
    assert accepted.status_code == 303


def test_every_form_that_posts_is_checked_for_its_token(app, sign_in):
    client = sign_in(Role.PLATFORM_ADMIN)
    app.config["WTF_CSRF_ENABLED"] = True
    passed = []
    try:
        for rule in rules(app):
            method = next(iter(sorted(rule.methods & UNSAFE)), None)
            if method and rule.endpoint not in {"api_auth.sign_in", SIGNED}:
                answer = client.open(filled(rule), method=method)
                if answer.status_code != 400:
                    passed.append(f"{method} {rule} {answer.status_code}")
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert passed == []


def test_a_request_id_of_the_caller_is_kept_when_it_is_harmless(app):
    client = app.test_client()
    assert client.get("/healthz", headers={"X-Request-ID": "abc123"}).headers["X-Request-ID"] == "abc123"
    assert client.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["X-Request-ID"] != "<script>"
