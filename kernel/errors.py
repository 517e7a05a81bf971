"""The tree of refusals that a person may meet.

::

    DomainError
    ├── InvalidInputError   422  something in the input must be mended
    ├── NotFoundError       404
    ├── ForbiddenError      403
    ├── UnauthenticatedError 401
    ├── ConflictError       409  changed meanwhile, or not possible in this state
    │   ├── StaleResponseError
    │   └── IllegalTransitionError
    ├── GoneError           410  an attempt that is closed
    ├── TooManyAttemptsError 429
    └── DependencyError     503  something outside does not answer

A message is Chinese, says what, where and how to mend it, and may hold ``%(name)s`` placeholders that `context` fills;
the edge (``web/errors.py``) translates the template first and fills it afterwards.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a stable code; `context` fills the message and travels as details."""

    code: ClassVar[str] = "refused"
    http_status: ClassVar[int] = 400

    def __init__(self, message: str, *, error_code: str | None = None, **context: Any) -> None:
        super().__init__(message)
        self.template = message
        self.context = context
        self.error_code = error_code or self.code

    @property
    def message(self) -> str:
        """The Chinese message with its placeholders filled."""
        return self.template % self.context if self.context else self.template

    def __str__(self) -> str:
        return self.message


class InvalidInputError(DomainError):
    """Input that must be mended; `details` maps field names to lists of messages."""

    code = "invalid_input"
    http_status = 422

    def __init__(self, message: str, *, fields: dict[str, list[str]] | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.fields = fields or {}


class NotFoundError(DomainError):
    """No such thing, or not for this organisation: both look the same from outside."""

    code = "not_found"
    http_status = 404


class ForbiddenError(DomainError):
    """The actor lacks the permission."""

    code = "forbidden"
    http_status = 403


class UnauthenticatedError(DomainError):
    """Nobody is signed in, or the session has ended."""

    code = "unauthenticated"
    http_status = 401


class ConflictError(DomainError):
    """Not possible as things stand: somebody was faster, or the state forbids it."""

    code = "conflict"
    http_status = 409


class StaleResponseError(ConflictError):
    """An older answer arrived after a newer one."""

    code = "stale_response"


class IllegalTransitionError(ConflictError):
    """The state machine has no such step."""

    code = "illegal_transition"


class GoneError(DomainError):
    """What was asked for is closed for good."""

    code = "gone"
    http_status = 410


class TooManyAttemptsError(DomainError):
    """Slow down: throttled sign-in or look-up; `retry_after_seconds` is in the context."""

    code = "too_many_attempts"
    http_status = 429


class DependencyError(DomainError):
    """Something outside this program does not answer."""

    code = "dependency_unavailable"
    http_status = 503
