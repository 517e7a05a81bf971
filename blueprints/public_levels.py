"""Occupations and levels of the organisation's bank, for sittings that are planned before a form exists."""

from qbank.public import LevelInfo as LevelInfo
from qbank.public import list_levels as list_levels
