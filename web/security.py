"""Headers on every answer, CSRF on every form, and the walls around both."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFProtect

from kernel.http.access import bearer_token

csrf = CSRFProtect()
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
CAMERA_ENDPOINTS = frozenset({"door_photos.show", "door_photos.take"})
"""The page at the door alone may ask for the camera; it shows what it takes as an element's own stream and as `blob:`."""
WITH_CAMERA = HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")
OPEN_PREFIXES = ("/api/v1/exam/", "/api/v1/certification/inbound/")
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def init_app(app: Flask) -> None:
    """Protect the application."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # checked below: scripts with a bearer token send no form
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    csrf.init_app(app)
    app.before_request(_check_csrf)
    app.after_request(_add_headers)


def _check_csrf() -> None:
    """Refuse cross-site writes; a bearer token cannot be sent by a foreign page, so it needs no form token."""
    if app_checks_csrf() and request.method in UNSAFE_METHODS and not bearer_token() and not _is_open_api():
        csrf.protect()


def app_checks_csrf() -> bool:
    """Say whether forms are checked; only tests switch it off."""
    return bool(current_app.config.get("WTF_CSRF_ENABLED", True))


def _is_open_api() -> bool:
    """Say whether a call of the API rests on no cookie: on a password, an attempt's key or a signature."""
    return request.path == "/api/v1/auth/sign-in" or request.path.startswith(OPEN_PREFIXES)


def _add_headers(response: Response) -> Response:
    if request.endpoint in CAMERA_ENDPOINTS:
        response.headers["Permissions-Policy"] = WITH_CAMERA
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
