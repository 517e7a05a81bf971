"""JSON interface of the bank."""

from __future__ import annotations

from flask_smorest import Blueprint

from qbank.api import changes, items, reviews, standards, writing

BLUEPRINTS: tuple[Blueprint, ...] = (standards.bp, items.bp, writing.bp, reviews.bp, changes.bp)
