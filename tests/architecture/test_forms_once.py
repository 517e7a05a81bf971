"""Every form that is sent survives a double click: it carries a key and its view is run once for it, or says here why not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask

from tests.architecture.sources import ROOT, short
from tests.architecture.test_templates import TEMPLATES

DRAFT = "keeps a draft: the last state counts, and a page sends many under one key"
SEEN = "shows what is secret: every look is noted, and nothing else changes"
CHECKED = "looks something up: nothing changes"
ENTRY = "lets somebody in or out: the second time is a sign-in of its own, or nobody is there any more"
WITHOUT_A_KEY = {
    "auth.do_sign_in": ENTRY,
    "cert_assessing.save": DRAFT,
    "cert_lookup.check_statement": CHECKED,
    "cert_lookup.look_up": CHECKED,
    "cert_own.enter": ENTRY,
    "cert_own.leave": ENTRY,
    "cert_records.reveal": SEEN,
    "forms.view": SEEN,
    "marking.save_draft": DRAFT,
    "panel_rating.keep": DRAFT,
    "registrations.reveal": SEEN,
    "room_checks.check": "keeps the last check of a seat",
}
CARRIES_A_KEY = re.compile(r"\bcsrf\(\)|\b(?:confirm|bulk_bar)\(")
FORM = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL)


def endpoints(app: Flask) -> Iterator[tuple[str, bool]]:
    """Yield every view that a form can be sent to, and whether it runs once for a key."""
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/"):
            yield rule.endpoint, bool(getattr(app.view_functions[rule.endpoint], "runs_once", False))


def test_every_view_that_takes_a_form_runs_once_for_a_key_or_is_listed_with_its_reason(app_with_schema: Flask) -> None:
    assert {name for name, runs_once in endpoints(app_with_schema) if not runs_once} == set(WITHOUT_A_KEY)


def test_every_form_carries_the_key_that_one_macro_gives() -> None:
    macro = (ROOT / "web/templates/components/forms.html").read_text("utf-8")
    assert re.search(r"macro csrf\(\)(?:(?!endmacro).)*name=\"once_key\"", macro, re.DOTALL)
    bare = [
        short(file)
        for file in TEMPLATES
        for form in FORM.findall(file.read_text("utf-8"))
        if not CARRIES_A_KEY.search(form)
    ]
    assert bare == []


def test_no_form_makes_a_token_of_its_own() -> None:
    makers = [
        short(file) for file in TEMPLATES for form in FORM.findall(file.read_text("utf-8")) if "csrf_token()" in form
    ]
    assert makers == []
