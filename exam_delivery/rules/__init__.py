"""Rules of exam delivery: values of the rule profile, session states, admission numbers, seats, layouts, rosters, scoring."""

from exam_delivery.rules import equating_keys, keys, marking_keys, readiness_keys

__all__ = ["equating_keys", "keys", "marking_keys", "readiness_keys"]
