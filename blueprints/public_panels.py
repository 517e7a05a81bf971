"""What other components may use of panels for standard setting."""

from __future__ import annotations

from blueprints.services.panel_scores import register_form_scores

__all__ = ["register_form_scores"]
