"""Languages: Simplified Chinese is the source text, English comes from the catalogues of all packages."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, has_request_context, request
from flask_babel import Babel, get_locale

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
COOKIE = "kaoku_language"
PACKAGES = ("kernel", "item_templates", "qbank", "blueprints", "exam_delivery", "certification", "web")


def init_app(app: Flask) -> None:
    """Register the translation folders that exist."""
    folders = [ROOT / name / "translations" for name in PACKAGES]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(str(f) for f in folders if f.exists())
    app.config["BABEL_DEFAULT_LOCALE"] = LANGUAGES["zh"]
    Babel(app, locale_selector=select_locale, timezone_selector=lambda: app.config["KAOKU"].timezone)


def select_locale() -> str:
    """Return the language a person chose; Chinese unless English was asked for."""
    if not has_request_context():  # a command or a job speaks the source language
        return LANGUAGES["zh"]
    return LANGUAGES.get(request.args.get("lang") or request.cookies.get(COOKIE, "zh"), LANGUAGES["zh"])


def html_language() -> str:
    """Return the value of the page's ``lang`` attribute."""
    return "en" if str(get_locale()) == "en" else "zh-CN"
