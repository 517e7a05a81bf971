"""Tables of the bank; importing this package makes the metadata whole."""

from qbank.models import standards

__all__ = ["standards"]
