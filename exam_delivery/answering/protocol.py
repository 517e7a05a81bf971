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


class Sheet(msgspec.Struct):
    """What of a rendered form a candidate may read before the start; the items are skipped, not decoded."""

    title: str
    session_name: str
    duration_seconds: int
    rules: list[str]
    pledge: str
    candidate: dict[str, Any]


SIGN_IN, SAVE, SHEET = msgspec.json.Decoder(SignIn), msgspec.json.Decoder(Save), msgspec.json.Decoder(Sheet)
"""Made before there are threads: msgspec 0.22 crashes the process when two threads meet a type for the first time at once."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is refused: HTTP status, stable code, Chinese message. A value: it crosses threads and is shared."""

    status: int
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    retry_after: int | None = None


class RefusedError(Exception):
    """Carries a refusal to the edge, once."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


WRONG_CREDENTIALS = Refusal(401, "wrong_credentials", "准考证号或证件号码不正确，请核对后重新输入，或举手请监考员帮助")
SIGNED_OUT = Refusal(401, "signed_out", "登录已失效，请重新登录，已作答的内容不会丢失")
TAKEN_OVER = Refusal(409, "attempt_taken_over", "这场考试已在另一台设备上继续，本页不能再作答")
ELSEWHERE = Refusal(
    409, "consent_needed",
    "这个号码正在另一台电脑上作答。要换到这台电脑，请举手，监考员“重置登录”以后再登录；已作答的都在",
)  # fmt: skip
CONSENT_NEEDED = Refusal(
    409,
    "consent_needed",
    "考试快结束了，现在交卷须经监考员同意：请举手，由监考员收卷；不举手就继续检查，时间到了自动交卷",
)
CLOSED = Refusal(410, "attempt_closed", "考试已结束，不能再作答")
NOT_FOUND = Refusal(404, "not_found", "没有这场考试")
NOT_PREPARED = Refusal(409, "not_prepared", "考试还没有准备好，请联系监考员")
NOT_STARTED = Refusal(409, "not_started", "考试尚未开始作答")
ABSENT = Refusal(403, "absent", "您已被记为缺考，请联系监考员")
VOID = Refusal(403, "void", "您的考试资格已取消，请联系监考员")
NOT_ADMITTED = Refusal(403, "not_admitted", "入场核验没有通过，不能登录，请联系监考员")
NOT_CHECKED_IN = Refusal(403, "not_checked_in", "请先请监考员核验身份，核验以后再登录")
NOT_PHOTOGRAPHED = Refusal(
    403,
    "not_photographed",
    "请先到监考员处核验身份、拍入场照片，再登录。不能或不愿拍照的请告诉监考员，由监考员准许入场，不影响考试",
)
CANCELLED = Refusal(403, "cancelled", "本场考试已取消，请等候考务通知")
UNWELCOME = {
    "absent": ABSENT,
    "void": VOID,
    "refused": NOT_ADMITTED,
    "unchecked": NOT_CHECKED_IN,
    "unphotographed": NOT_PHOTOGRAPHED,
    "cancelled": CANCELLED,
}
AT_THE_DOOR = frozenset({"unchecked", "unphotographed"})
"""Why somebody is not welcome yet whom the invigilator can let in: the console shows that they tried."""
HELD = {
    "paused": Refusal(
        423, "attempt_held", "考试已暂停，答案存在本机，恢复后自动上传", {"kind": "paused"}, retry_after=5
    ),
    "locked": Refusal(423, "attempt_held", "答题已锁定，请举手等监考员处理", {"kind": "locked"}, retry_after=5),
}
TOO_LATE = Refusal(403, "too_late", "已超过允许入场的时间，请联系监考员")
THROTTLED = Refusal(429, "too_many_attempts", "登录失败次数过多，请稍后再试或举手请监考员帮助", retry_after=60)
BUSY = Refusal(503, "busy", "系统繁忙，答案已存在本机，将自动重试", retry_after=2)
UNAVAILABLE = Refusal(503, "unavailable", "系统暂时不可用，答案已存在本机，将自动重试", retry_after=2)
TOO_LARGE = Refusal(413, "too_large", "提交的内容过大")


def not_open(message: str, opens_at: str) -> Refusal:
    """Return the refusal of a call that comes too soon."""
    return Refusal(403, "not_open", message, {"opens_at": opens_at})


def method_not_allowed(*allowed: str) -> Refusal:
    """Return the refusal of a call whose address exists for other methods."""
    return Refusal(405, "method_not_allowed", "不支持这种操作方式", {"allow": list(allowed)})


def invalid(message: str, **details: Any) -> RefusedError:
    """Return the refusal of a malformed request, to be raised."""
    return RefusedError(Refusal(422, "invalid_input", message, details))
