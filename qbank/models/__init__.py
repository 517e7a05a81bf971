"""Tables of the bank; importing this package makes the metadata whole."""

from qbank.models import (
    approvals,
    corrections,
    curation,
    disclosures,
    editions,
    imports,
    items,
    sharing,
    standards,
    statistics,
    workflow,
    writing,
)

__all__ = [
    "approvals",
    "corrections",
    "curation",
    "disclosures",
    "editions",
    "imports",
    "items",
    "sharing",
    "standards",
    "statistics",
    "workflow",
    "writing",
]
