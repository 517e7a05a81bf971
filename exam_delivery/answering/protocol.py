"""What the candidate API receives and answers, and its refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

MAX_BODY = 512 * 1024
MAX_EVENTS = 300
MAX_RESPONSE = 64 * 1024


class SignIn(msgspec.Struct):
    """Body of the sign-in call."""

    admission_number: str = ""
    id_number: str = ""


class Event(msgspec.Struct):
    """One change of one answer, as the browser recorded it."""

    slot: int
    seq: int
    response: list[Any] | None = None
    client_time: str = ""


class Save(msgspec.Struct):
    """Body of the save call."""

    events: list[Event]


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """A call that is refused: HTTP status, stable code, Chinese message."""

    status: int
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    retry_after: int | None = None


WRONG_CREDENTIALS = Refusal(401, "wrong_credentials", "准考证号或证件号码不正确，请核对后重新输入，或举手请监考员帮助")
SIGNED_OUT = Refusal(401, "signed_out", "登录已失效，请重新登录，已作答的内容不会丢失")
TAKEN_OVER = Refusal(409, "attempt_taken_over", "这场考试已在另一台设备上继续，本页不能再作答")
CLOSED = Refusal(410, "attempt_closed", "考试已结束，不能再作答")
NOT_FOUND = Refusal(404, "not_found", "没有这场考试")
NOT_PREPARED = Refusal(409, "not_prepared", "考试还没有准备好，请联系监考员")
NOT_STARTED = Refusal(409, "not_started", "考试尚未开始作答")
ABSENT = Refusal(403, "absent", "您已被记为缺考，请联系监考员")
VOID = Refusal(403, "void", "您的考试资格已取消，请联系监考员")
TOO_LATE = Refusal(403, "too_late", "已超过允许入场的时间，请联系监考员")
THROTTLED = Refusal(429, "too_many_attempts", "登录失败次数过多，请稍后再试或举手请监考员帮助", retry_after=60)
BUSY = Refusal(503, "busy", "系统繁忙，答案已存在本机，将自动重试", retry_after=2)
UNAVAILABLE = Refusal(503, "unavailable", "系统暂时不可用，答案已存在本机，将自动重试", retry_after=2)
TOO_LARGE = Refusal(413, "too_large", "提交的内容过大")


def invalid(message: str, **details: Any) -> Refusal:
    """Return the refusal of a malformed request."""
    return Refusal(422, "invalid_input", message, details)


def is_answered(response: str) -> bool:
    """Say whether a stored response holds an answer; cleared ones do not.

    Examples
    --------
    >>> [is_answered(text) for text in ('["B"]', "[]", "null", '[""]', '["",""]', '["",""," 2"]')]
    [True, False, False, False, False, True]
    """
    value = msgspec.json.decode(response)
    return bool(value) and any(part not in ("", None, []) for part in value)
