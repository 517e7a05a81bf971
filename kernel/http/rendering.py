"""Pages from their one context object."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template
from werkzeug.wrappers import Response


def render_page(template: str, page: Any, *, status: int = 200) -> tuple[str, int]:
    """Render a template whose only context is the frozen dataclass `page`."""
    return render_template(template, page=page), status


def redirect_with_message(address: str, message: str, category: str = "success") -> Response:
    """Answer a completed POST: say what happened (already translated) and go to a page that can be reloaded."""
    flash(message, category)
    return redirect(address, code=303)
