"""The page that asks what is meant when a form that was carried out comes again with other content."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, render_template, request
from werkzeug.wrappers import Response

from kernel.idempotency import AskedOtherwiseError

CONFLICT = 409
WORDS = re.compile(r"[^\x00-\x7f]|\S\s+\S")


@dataclass(frozen=True, slots=True)
class AskedAgainPage:
    """A form that was sent a second time with other content: all of it, ready to be sent as an act of its own."""

    action: str
    is_multipart: bool
    fields: list[tuple[str, str]]
    files: list[tuple[str, list[str]]]
    asked_at: datetime
    result_href: str

    @property
    def words(self) -> list[str]:
        """What was typed, as far as people can read it without the names of the fields."""
        return [value for _name, value in self.fields if WORDS.search(value)]


def page(earlier: AskedOtherwiseError, *, without: Collection[str]) -> Response:
    """Show what was typed, say that nothing was done with it, and offer to send it as a new act; files are chosen anew."""
    fields = [one for one in request.form.items(multi=True) if one[0] not in without]
    headers = earlier.answer.headers
    shown = AskedAgainPage(
        request.full_path.rstrip("?"), request.mimetype == "multipart/form-data", fields, _files(), earlier.asked_at,
        headers.get("Location") or headers.get("HX-Redirect") or "",
    )  # fmt: skip
    return current_app.response_class(render_template("asked_again.html", page=shown), status=CONFLICT)


def _files() -> list[tuple[str, list[str]]]:
    """Return the names of the chosen files by field, also of fields in which none was chosen."""
    return [(name, [one.filename for one in storages if one.filename]) for name, storages in request.files.lists()]
