"""Pure rules of blueprints and forms: states, default mixes, documents of a sealed form. No database, no HTTP, no clock."""

from blueprints.rules import panel_profile, profile

__all__ = ["panel_profile", "profile"]
