"""Pages of blueprints, assembly and forms."""

from __future__ import annotations

from flask import Blueprint

from kernel.http import MenuEntry

BLUEPRINTS: tuple[Blueprint, ...] = ()
MENU: tuple[MenuEntry, ...] = ()
