"""How the component that delivers forms tells where and when they are sat."""

from __future__ import annotations

from blueprints.services.sittings import FormSitting as FormSitting
from blueprints.services.sittings import register_uses as register_uses

__all__ = ["FormSitting", "register_uses"]
