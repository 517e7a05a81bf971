"""Pages of blueprints, assembly and forms."""

from __future__ import annotations

from blueprints.pages import blueprints, editor, forms, hand_work, prints, quarantine, runs
from blueprints.pages.navigation import MENU, todos

BLUEPRINTS = (blueprints.bp, quarantine.bp, editor.bp, runs.bp, forms.bp, hand_work.bp, prints.bp)

__all__ = ["BLUEPRINTS", "MENU", "todos"]
