"""Messages to other systems after the Standard Webhooks specification: what is told, how it is signed, when it is tried again."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import enum
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

LABEL = "whsec_"
SECRET_BYTES = 32
DELAYS = tuple(
    dt.timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)  # fmt: skip
"""Time from each failed try to the next; after the last a message is dead until somebody sends it again."""
MOST_URL = 500


class EventType(enum.StrEnum):
    """What a message tells."""

    BATCH_STEP = "batch.state_changed"
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_STATE = "certificate.state_changed"
    PING = "ping"


EVENT_LABELS: Mapping[EventType, str] = {
    EventType.BATCH_STEP: N_("批次状态变化（收到成绩、判定、公示、核准、签发等）"),
    EventType.CERTIFICATE_ISSUED: N_("证书签发"),
    EventType.CERTIFICATE_STATE: N_("证书暂停、恢复、换发、撤销"),
    EventType.PING: N_("测试消息"),
}

OVERLAP_HOURS = "certification.webhook_overlap_hours"
declare(
    RuleKey(
        OVERLAP_HOURS, 24, N_("更换推送密钥后，旧密钥继续同时签名的小时数（0 为立即失效）"), "0–168", minimum=0,
        maximum=720,
    )
)  # fmt: skip


def new_secret() -> str:
    """Return a fresh secret as it is shown once."""
    return LABEL + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """Return the value of the header ``webhook-signature``.

    Examples
    --------
    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    try:
        key = base64.b64decode(secret.removeprefix(LABEL), validate=True)
    except binascii.Error as exc:
        raise InvalidInputError(N_("推送密钥的格式不对")) from exc
    signed = hmac.new(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def delay_after(n_tries: int) -> dt.timedelta | None:
    """Return how long to wait after a number of failed tries, None when there is no further one.

    Examples
    --------
    >>> delay_after(1), delay_after(2), delay_after(9)
    (datetime.timedelta(seconds=5), datetime.timedelta(seconds=300), None)
    """
    return DELAYS[n_tries - 1] if n_tries <= len(DELAYS) else None


def check_address(url: str, *, may_be_private: bool) -> None:
    """Refuse an address that messages cannot go to; what its name resolves to is looked at when sending.

    Raises
    ------
    InvalidInputError
        For anything but https without credentials, and plain http only where private addresses are allowed.
    """
    parts = urlsplit(url)
    allowed = {"https", "http"} if may_be_private else {"https"}
    if parts.scheme not in allowed or not parts.hostname or parts.username or len(url) > MOST_URL or not url.isascii():
        message = N_("推送地址应以 https:// 开头，不含用户名和密码")
        raise InvalidInputError(message, fields={"url": [message]})
    try:
        port = parts.port
    except ValueError as exc:
        raise InvalidInputError(N_("推送地址的端口不对"), fields={"url": [N_("推送地址的端口不对")]}) from exc
    if port == 0:
        raise InvalidInputError(N_("推送地址的端口不对"), fields={"url": [N_("推送地址的端口不对")]})


def is_reachable(address: str, *, may_be_private: bool) -> bool:
    """Say whether messages may go to a resolved address: public ones, and others only where they are allowed.

    Examples
    --------
    >>> [is_reachable(one, may_be_private=False) for one in ("8.8.8.8", "127.0.0.1", "10.1.2.3", "169.254.169.254", "::1")]
    [True, False, False, False, False]
    >>> is_reachable("::ffff:10.0.0.1", may_be_private=False), is_reachable("10.1.2.3", may_be_private=True)
    (False, True)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if mapped is not None:
        found = mapped
    is_public = found.is_global and not found.is_multicast
    return is_public or (may_be_private and not found.is_multicast and not found.is_unspecified)
