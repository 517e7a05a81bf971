"""Jinja filters: times, decimals, item HTML, masked numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from item_templates.hotspot.pages import picture_parts
from item_templates.instances import frozen_or_nothing
from item_templates.markup import render_html
from item_templates.registry import all_types
from kernel.clock import now
from kernel.http.idempotency import new_key


def init_app(app: Flask) -> None:
    """Register the filters and globals that all templates may use."""
    app.jinja_env.filters.update(
        datetime=format_datetime, date=format_date, relative=relative_time, decimal=format_decimal, item_html=item_html,
        stored_text=stored_text, item_frozen=frozen_or_nothing, item_picture=picture_parts,
    )  # fmt: skip
    app.jinja_env.globals.update(now=now, item_types=all_types, new_once_key=new_key)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(current_app.config["KAOKU"].timezone))


def format_datetime(moment: datetime | None) -> str:
    """Return ``2026-11-21 14:30`` in the installation's zone, or a dash."""
    return _local(moment).strftime("%Y-%m-%d %H:%M") if moment else "—"


def format_date(moment: datetime | date | None) -> str:
    """Return ``2026-11-21``, or a dash."""
    if moment is None:
        return "—"
    return _local(moment).strftime("%Y-%m-%d") if isinstance(moment, datetime) else moment.isoformat()


def relative_time(moment: datetime | None) -> str:
    """Return how long ago or how far ahead a moment is, in words."""
    if moment is None:
        return "—"
    seconds = int((moment.astimezone(UTC) - now()).total_seconds())
    size = abs(seconds)
    if size < 60:
        return str(_("刚刚") if seconds <= 0 else _("马上"))
    number, unit = _largest_unit(size)
    ahead = seconds > 0
    return str(_("%(n)s%(unit)s后", n=number, unit=unit) if ahead else _("%(n)s%(unit)s前", n=number, unit=unit))


def _largest_unit(size: int) -> tuple[int, str]:
    if size < 3600:
        return size // 60, ngettext("分钟", "分钟", size // 60)
    if size < 86400:
        return size // 3600, ngettext("小时", "小时", size // 3600)
    return size // 86400, ngettext("天", "天", size // 86400)


def format_decimal(value: Decimal | float | None) -> str:
    """Return a mark without trailing zeros: ``60``, ``59.5``."""
    if value is None:
        return "—"
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def stored_text(text: str | None) -> str:
    """Return a sentence that a job stored, in the reader's language when the catalogues know it."""
    return _(text) if text else ""  # a template's own gettext would take it for markup


def item_html(html: str) -> Markup:
    """Return sanitised item HTML for output; a medium's name becomes its address."""
    return Markup(render_html(html, lambda media_id: f"/media/{media_id}"))  # noqa: S704 - sanitised by nh3 on write and here
