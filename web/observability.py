"""Request ids, metrics, and the two health answers."""

from __future__ import annotations

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from sqlalchemy import text

from kernel.clock import monotonic
from kernel.db import db
from kernel.http import public, requires
from kernel.identity.permissions import Permission
from kernel.logs import configure_logging
from web.disk_watch import measure

REQUESTS = Counter("kaoku_requests", "Answered requests", ["endpoint", "method", "status"])
SECONDS = Histogram("kaoku_request_seconds", "Time to answer", ["endpoint"])
bp = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Set up logging and register the health and metrics answers."""
    configure_logging(app.config["KAOKU"].log_level)
    app.before_request(_start_timer)
    app.after_request(_finish)
    app.register_blueprint(bp)


def _start_timer() -> None:
    g.started = monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.get("request_id", ""))


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    endpoint = request.endpoint or "unknown"
    REQUESTS.labels(endpoint, request.method, response.status_code).inc()
    SECONDS.labels(endpoint).observe(monotonic() - g.get("started", monotonic()))
    return response


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process lives."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Say whether requests can be answered: the database is there. A short disk is named, but answers go on."""
    try:
        db.session.execute(text("SELECT 1"))
    except Exception as exc:  # noqa: BLE001 - whatever is wrong, the answer is: not ready
        structlog.get_logger().error("not_ready", reason=type(exc).__name__)
        return jsonify({"status": "unavailable"}), 503
    return jsonify({"status": "ready", "disk": measure()}), 200


@bp.get("/metrics")
@requires(Permission.SYSTEM_READ)
def metrics() -> Response:
    """Return the process's metrics in the Prometheus text form."""
    measure()
    return Response(generate_latest(REGISTRY), mimetype=CONTENT_TYPE_LATEST)
