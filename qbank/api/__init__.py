"""JSON interface of the bank."""

from __future__ import annotations

from flask_smorest import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
