"""Conflicts of interest over the whole cycle: declared relations, rules as a table, checks at assignment and at access.

Every component may ask: who may not do what, because of whom, by which rule. Components that know candidates announce
themselves (`register_candidates`), so that a form's approver is checked against people that only exam delivery knows.
"""

from kernel.conflicts.rules import (
    RULES,
    Conflict,
    ConflictRule,
    CycleRole,
    Party,
    RelationKind,
    Severity,
)
from kernel.conflicts.services import (
    ConflictOfInterestError,
    candidates_of_form,
    find,
    is_related,
    register_candidates,
    related_users,
    require_none,
)

__all__ = [
    "RULES",
    "Conflict",
    "ConflictOfInterestError",
    "ConflictRule",
    "CycleRole",
    "Party",
    "RelationKind",
    "Severity",
    "candidates_of_form",
    "find",
    "is_related",
    "register_candidates",
    "related_users",
    "require_none",
]
