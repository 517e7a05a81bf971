"""Reading forms: typed values of fields, and refusals as messages beside them."""

from __future__ import annotations

import uuid
from datetime import date

from flask_babel import gettext as _

from kernel.errors import DomainError, InvalidInputError


def uuid_or_none(text: str) -> uuid.UUID | None:
    """Return the key that a field carries, or None when it is empty or malformed."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def date_or_none(text: str) -> date | None:
    """Return the day that a date field carries, or None when it is empty or malformed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def field_messages(exc: DomainError) -> dict[str, list[str]]:
    """Return a refusal's messages by field, in the reader's language."""
    fields = exc.fields if isinstance(exc, InvalidInputError) else {}
    return {name: [_filled(_(message), exc) for message in messages] for name, messages in fields.items()}


def _filled(message: str, exc: DomainError) -> str:
    return message % exc.context if "%(" in message else message
