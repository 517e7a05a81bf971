"""Tables of the bank; importing this package makes the metadata whole."""

from qbank.models import items, standards

__all__ = ["items", "standards"]
