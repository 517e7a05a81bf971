"""Pages of blueprints, assembly and forms."""

from __future__ import annotations

from blueprints.pages import (
    blueprint_copies,
    blueprint_exchange,
    blueprint_versions,
    blueprints,
    editor,
    forms,
    hand_work,
    prints,
    quarantine,
    runs,
)
from blueprints.pages.navigation import MENU, todos

BLUEPRINTS = (
    blueprints.bp,
    quarantine.bp,
    editor.bp,
    blueprint_versions.bp,
    blueprint_copies.bp,
    blueprint_exchange.bp,
    runs.bp,
    forms.bp,
    hand_work.bp,
    prints.bp,
)

__all__ = ["BLUEPRINTS", "MENU", "todos"]
