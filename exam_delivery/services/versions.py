"""Refuse what was typed into a form that somebody else has saved since."""

from __future__ import annotations

from kernel.errors import ConflictError
from kernel.i18n import N_


def check_version(present: int, seen: int) -> None:
    """Refuse a form that was opened before somebody else saved."""
    if present != seen:
        raise ConflictError(N_("这份资料已被他人修改，您的更改没有保存；请打开最新内容后重新填写"))
