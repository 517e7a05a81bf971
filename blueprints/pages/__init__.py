"""Pages of blueprints, assembly and forms."""

from __future__ import annotations

from blueprints.pages import (
    blueprint_copies,
    blueprint_exchange,
    blueprint_versions,
    blueprints,
    capacity,
    editor,
    form_sets,
    forms,
    hand_work,
    ledger,
    panel_rating,
    panel_reports,
    panels,
    prints,
    quarantine,
    release,
    report,
    runs,
    sources,
    whole_forms,
)
from blueprints.pages.navigation import MENU, todos

BLUEPRINTS = (
    blueprints.bp,
    editor.bp,
    sources.bp,
    blueprint_versions.bp,
    blueprint_copies.bp,
    blueprint_exchange.bp,
    runs.bp,
    forms.bp,
    form_sets.bp,
    hand_work.bp,
    prints.bp,
    capacity.bp,
    ledger.bp,
    report.bp,
    release.bp,
    quarantine.bp,
    panels.bp,
    panel_rating.bp,
    panel_reports.bp,
    whole_forms.bp,
)

__all__ = ["BLUEPRINTS", "MENU", "todos"]
