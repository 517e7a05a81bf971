"""Static files under an address that carries their version, so that browsers may keep them for a year."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, send_from_directory

from kernel.http import public

bp = Blueprint("assets", __name__)
FOLDER = Path(__file__).resolve().parent / "static"
VERSION = re.compile(r"[0-9a-f]{12}")
ONE_YEAR = 31536000


def init_app(app: Flask) -> None:
    """Compute the version and register the route."""
    app.config["ASSET_VERSION"] = version_of(FOLDER)
    app.register_blueprint(bp)
    app.jinja_env.globals["static_url"] = static_url


def version_of(folder: Path) -> str:
    """Return a digest of all our own static files: a new deployment never shows an old script."""
    state = sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".css", ".js", ".svg"}):
        state.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return state.hexdigest()[:12]


def static_url(path: str) -> str:
    """Return the versioned address of a static file; files named relatively inside it are versioned too."""
    return f"/static/{current_app.config['ASSET_VERSION']}/{path}"


@bp.get("/static/<path:filename>")
@public
def serve(filename: str) -> Response:
    """Serve a static file; any version in the address is accepted, the present one may be cached for long."""
    version, _, rest = filename.partition("/")
    is_versioned = bool(VERSION.fullmatch(version))
    response = send_from_directory(FOLDER, rest if is_versioned else filename)
    response.cache_control.public, response.cache_control.no_cache = True, None
    response.cache_control.max_age = ONE_YEAR if version == current_app.config["ASSET_VERSION"] else 300
    return response
