"""Setting which browser a session needs: the settings file is written first, then asked for."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from exam_delivery.models import ExamSession, SessionLockdown, SessionStatus
from exam_delivery.repository import lockdown as repository
from exam_delivery.repository import planning
from exam_delivery.rules import seb, seb_file
from exam_delivery.rules.lockdown import LockdownMode
from exam_delivery.rules.seb import MOST_EXAM_KEYS, SebOptions
from exam_delivery.rules.states import FINISHED
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

SALT_BYTES, CODE_BYTES = 32, 16
FORM = 2
"""Which form of settings is written; a file of an earlier form locks less or in the wrong place."""
LAUNCH_PATH = "/api/v1/exam/seb/"
MEND = N_("请改正标出的内容")


@dataclass(frozen=True, slots=True)
class LockdownView:
    """The lockdown of a session as its page shows it."""

    session: ExamSession
    row: SessionLockdown | None

    @property
    def mode(self) -> LockdownMode:
        """What is asked for now."""
        return self.row.mode if self.row else LockdownMode.NONE

    @property
    def launch(self) -> str:
        """The address that opens the browser with the file; empty without a file."""
        return seb.launch_address(self.row.base_url, LAUNCH_PATH + self.row.launch_code) if self.row else ""

    @property
    def options(self) -> dict[str, Any]:
        """What was chosen when the file was written."""
        return {name: value for name, value in self.row.options.items() if name != "form"} if self.row else {}

    @property
    def is_of_an_earlier_form(self) -> bool:
        """Whether the file was written before the settings were mended."""
        return self.row is not None and self.row.options.get("form", 1) < FORM


def view_lockdown(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> LockdownView:
    """Return the lockdown of a session."""
    require(actor, Permission.SESSION_WRITE)
    found = planning.get_session(session, exam_session_id, actor=actor)
    return LockdownView(found, repository.find_lockdown(session, exam_session_id, actor=actor))


def write_settings(
    uow: UnitOfWork, exam_session_id: uuid.UUID, options: SebOptions, *, settings_password: str = ""
) -> SessionLockdown:
    """Write a new settings file for a session; computers that hold an older one are refused from then on.

    Raises
    ------
    InvalidInputError
        If the address or a password cannot be used.
    ConflictError
        If candidates may be sitting already.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    row = repository.find_lockdown(uow.session, exam_session_id, actor=uow.actor)
    _refuse_when_over(found)
    if row is not None and row.mode is not LockdownMode.NONE and found.status is SessionStatus.OPEN:
        raise ConflictError(N_("考试中不能更换配置文件：已经打开的考生会全部被拒。个别考生有困难请用“豁免”"))
    base_url = seb.check_base_url(options.base_url)
    if base_url is None:
        text = N_("请填写考生访问的网址，例如 https://exam.example.cn，不带路径")
        raise InvalidInputError(MEND, fields={"base_url": [text]})
    chosen = SebOptions(**(asdict(options) | {"base_url": base_url}))
    body = seb_file.write_file(seb.make_settings(chosen, secrets.token_bytes(SALT_BYTES)), settings_password)
    row = row or _new_row(uow, found)
    row.base_url, row.settings_file, row.is_sealed = base_url, body, bool(settings_password)
    row.config_key = seb.config_key(seb_file.read_file(body, settings_password))
    row.options = asdict(chosen) | {"quit_password": bool(options.quit_password), "form": FORM}
    row.changed_by, row.changed_at = uow.actor.user_id, now()
    after = {"config_key": row.config_key, "base_url": base_url, "is_sealed": row.is_sealed}
    audit.record(uow, "session_lockdown.write_settings", "exam_session", exam_session_id, after=after)
    return row


def _new_row(uow: UnitOfWork, found: ExamSession) -> SessionLockdown:
    row = SessionLockdown(
        exam_session_id=found.exam_session_id, organisation_id=found.organisation_id, mode=LockdownMode.NONE,
        exam_keys=[], launch_code=secrets.token_hex(CODE_BYTES),
    )  # fmt: skip
    uow.add(row)
    return row


def _refuse_when_over(found: ExamSession) -> None:
    if found.status in FINISHED:
        raise ConflictError(N_("考试已经结束，不能再改考场环境"))


def set_mode(uow: UnitOfWork, exam_session_id: uuid.UUID, mode: str, exam_keys: str = "") -> SessionLockdown:
    """Ask for Safe Exam Browser, or no longer; with Browser Exam Keys where only certain versions are to be let in.

    Raises
    ------
    InvalidInputError
        If a key is none.
    ConflictError
        If there is no settings file yet.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    found = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    _refuse_when_over(found)
    row = repository.find_lockdown(uow.session, exam_session_id, actor=uow.actor)
    if row is None:
        raise ConflictError(N_("请先生成配置文件，再要求使用安全考试浏览器"))
    before = {"mode": row.mode.value, "exam_keys": len(row.exam_keys)}
    row.mode, row.exam_keys = _checked(mode, exam_keys)
    row.changed_by, row.changed_at = uow.actor.user_id, now()
    after = {"mode": row.mode.value, "exam_keys": len(row.exam_keys)}
    audit.record(uow, "session_lockdown.set_mode", "exam_session", exam_session_id, before=before, after=after)
    return row


def _checked(mode: str, exam_keys: str) -> tuple[LockdownMode, list[str]]:
    problems: dict[str, list[str]] = {}
    good, bad = seb.read_exam_keys(exam_keys)
    if mode not in set(LockdownMode):
        problems["mode"] = [N_("请选择考场环境")]
    if bad:
        problems["exam_keys"] = [N_("每行一个密钥，由 64 个十六进制字符组成；有的行不是密钥")]
    if len(good) > MOST_EXAM_KEYS:
        problems["exam_keys"] = [N_("最多填写 30 个密钥")]
    if problems:
        raise InvalidInputError(MEND, fields=problems)
    return LockdownMode(mode), good


def read_settings(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> bytes:
    """Return the settings file of a session for who prepares its computers."""
    row = view_lockdown(session, actor, exam_session_id).row
    if row is None:
        raise NotFoundError(N_("还没有生成配置文件"))
    return bytes(row.settings_file)
