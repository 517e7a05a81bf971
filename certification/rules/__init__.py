"""Pure rules of certification: numbers, decisions, states, periods, rosters, data compliance, and the profile's keys."""

from certification.rules import keys

__all__ = ["keys"]
