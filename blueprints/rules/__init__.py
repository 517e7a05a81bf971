"""Pure rules of blueprints and forms: states, default mixes, documents of a sealed form. No database, no HTTP, no clock."""

from blueprints.rules import profile

__all__ = ["profile"]
