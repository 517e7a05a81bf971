"""The application factory: the only place that knows every component."""

from __future__ import annotations

import uuid
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from flask import Flask, g, request
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from kernel import crypto, disk
from kernel.db import db, engine_options, prepare_engine
from kernel.settings import Settings
from web import assets, errors, filters, i18n, layout, observability, openapi, security

ROOT = Path(__file__).resolve().parent.parent
COMPONENTS = ("qbank", "blueprints", "exam_delivery", "certification")


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application from settings (default: the environment)."""
    settings = settings or Settings.from_env()
    crypto.configure(settings.secret_key)
    disk.configure(settings)
    app = Flask("web", static_folder=None)
    _configure(app, settings)
    _templates(app)
    load_models()
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.before_request(_request_id)
    for part in (observability, security, errors, assets, i18n, filters, layout, openapi):
        part.init_app(app)
    register_components(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        KAOKU=settings,
        SECRET_KEY=crypto.derive_key(settings.secret_key, "flask-session"),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        SESSION_COOKIE_NAME="kaoku_form",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    settings.instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def _templates(app: Flask) -> None:
    """Find templates in web/, in each component's own folder, and the item types' three views in item_templates/."""
    folders = [ROOT / "web/templates", ROOT, *(ROOT / name / "templates" for name in COMPONENTS)]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(str(folder)) for folder in folders])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _request_id() -> None:
    g.pop("actor", None)  # an outer application context (a command, a test) must not lend its actor
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if offered.isalnum() and len(offered) <= 36 else uuid.uuid4().hex


def load_models() -> None:
    """Import every model, so that the metadata is whole."""
    for module in (
        "kernel.identity",
        "kernel.audit",
        "kernel.conflicts",
        "kernel.idempotency",
        "kernel.jobs",
        "kernel.lists",
        "kernel.profiles",
        *COMPONENTS,
    ):
        part(f"{module}.models")
    part("blueprints.models_panels")
    for component in COMPONENTS:
        part(f"{component}.rules")


def part(name: str) -> ModuleType | None:
    """Return a component's module, or None when the component has no such part."""
    found = find_spec(name)
    return import_module(name) if found and found.origin else None


def register_components(app: Flask) -> None:
    """Register pages and API of every component, and the pages of the house itself."""
    for owner in ("web", *COMPONENTS):
        if pages := part(f"{owner}.pages"):
            for bp in pages.BLUEPRINTS:
                app.register_blueprint(bp)
            layout.add_component(app, pages)
        if api := part(f"{owner}.api"):
            for bp in api.BLUEPRINTS:
                openapi.add_blueprint(app, bp)
    for owner in COMPONENTS:
        part(f"{owner}.jobs")
    part("web.jobs")
    part("web.backup.schedule")
    part("web.disk_watch")
    part("web.dependants")
