"""What a check of a seat measures, and what that means: things that block, things to look at."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from exam_delivery.rules import readiness_keys as keys
from kernel.errors import InvalidInputError
from kernel.i18n import N_

Version = tuple[int, int]
OLDEST_CHROMIUM: Version = (86, 0)
OLDEST_FIREFOX: Version = (98, 0)
OLDEST_SAFARI: Version = (15, 4)
"""The last two are the first that have dialogs; the exam page says so and does not begin in older ones."""
MOST_TRIPS = 50
LARGEST = 10**9
BROWSERS = (
    (re.compile(r"(?:Chrome|Chromium|CriOS)/(\d+)(?:\.(\d+))?"), OLDEST_CHROMIUM),
    (re.compile(r"Firefox/(\d+)(?:\.(\d+))?"), OLDEST_FIREFOX),
    (re.compile(r"Version/(\d+)(?:\.(\d+))?[.\d]* .*Safari"), OLDEST_SAFARI),
)

FINDINGS: dict[str, tuple[str, str]] = {
    "network_lost": (N_("网络时断时续"), N_("检查网线、交换机和无线信号，再检查一次")),
    "network_slow": (N_("到服务器的往返时间太长"), N_("换有线网络，停掉下载和更新，再检查一次")),
    "storage_refused": (N_("浏览器不能在本机存答案"), N_("关闭无痕模式，允许站点数据，或清理磁盘")),
    "storage_small": (N_("浏览器可用的存储太少"), N_("清理系统盘或浏览器数据")),
    "browser_old": (N_("浏览器版本太旧"), N_("更新浏览器，或安装考点统一的版本")),
    "seb_missing": (N_("不是本场次的安全考试浏览器"), N_("用本场次的配置文件打开安全考试浏览器，再检查")),
    "browser_unknown": (N_("认不出浏览器版本"), N_("先用练习考试试做一遍")),
    "clock_off": (N_("本机时钟不准"), N_("不影响考试计时，但请校准，以免考生误会")),
    "screen_small": (N_("屏幕偏小"), N_("调高分辨率，或把缩放改回原始大小")),
    "no_crypto": (N_("网页不是安全连接，不能预先下发试卷"), N_("服务器改用 HTTPS；不改也能考，开考时取卷")),
}
"""Code → what it is, and what to do. The first six keep a seat from being ready."""
BLOCKING = frozenset({"network_lost", "network_slow", "storage_refused", "storage_small", "browser_old", "seb_missing"})


@dataclass(frozen=True, slots=True)
class SeatFigures:
    """What the browser at a seat measured.

    Attributes
    ----------
    clock_skew_ms : int
        Clock of the computer less that of the server.
    round_trips_ms : tuple of int
        Times of the calls that were answered.
    n_lost : int
        Calls that were not.
    can_store, is_secure, has_crypto : bool
        Whether writing to IndexedDB, a secure context and WebCrypto are there.
    storage_mb : int
        What the browser may still store; -1 where it does not tell.
    width, height : int
        Screen in CSS pixels.
    """

    clock_skew_ms: int
    round_trips_ms: tuple[int, ...]
    n_lost: int
    can_store: bool
    storage_mb: int
    width: int
    height: int
    is_secure: bool
    has_crypto: bool

    @property
    def round_trip_ms(self) -> int:
        """The middle of the round trips; -1 without any."""
        return int(statistics.median(self.round_trips_ms)) if self.round_trips_ms else -1

    def to_json(self) -> dict[str, Any]:
        """Return what is kept."""
        return asdict(self) | {"round_trips_ms": list(self.round_trips_ms), "round_trip_ms": self.round_trip_ms}


def read_figures(raw: Any) -> SeatFigures:
    """Return figures from what a page sent; raises InvalidInputError where it is nonsense."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("round_trips_ms"), list):
        raise InvalidInputError(N_("检查结果不完整，请刷新页面后再检查一次"))
    trips = raw["round_trips_ms"][:MOST_TRIPS]
    return SeatFigures(
        clock_skew_ms=_whole(raw, "clock_skew_ms"), round_trips_ms=tuple(_checked(one) for one in trips),
        n_lost=_whole(raw, "n_lost"), can_store=raw.get("can_store") is True, storage_mb=_whole(raw, "storage_mb"),
        width=_whole(raw, "width"), height=_whole(raw, "height"), is_secure=raw.get("is_secure") is True,
        has_crypto=raw.get("has_crypto") is True,
    )  # fmt: skip


def _whole(raw: Mapping[str, Any], name: str) -> int:
    return _checked(raw.get(name))


def _checked(number: Any) -> int:
    is_number = isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < LARGEST
    if not is_number:
        raise InvalidInputError(N_("检查结果不完整，请刷新页面后再检查一次"))
    return int(number)


def browser_age(user_agent: str) -> bool | None:
    """Say whether a browser is too old; None where it is not known.

    Examples
    --------
    >>> browser_age("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/78.0.1 Safari/537.36")
    True
    >>> [browser_age(f"Mozilla/5.0 (iPad) Version/{one} Safari/605.1.15") for one in ("15.3", "15.4", "16")]
    [True, False, False]
    >>> browser_age("curl/8") is None
    True
    """
    for pattern, oldest in BROWSERS:
        if found := pattern.search(user_agent):
            return (int(found[1]), int(found[2] or 0)) < oldest
    return None


def judge(
    figures: SeatFigures, user_agent: str, limits: Mapping[str, Any], *, lacks_seb: bool
) -> tuple[list[str], bool]:
    """Return the codes of what was found, blocking ones first, and whether the seat is ready."""
    age = browser_age(user_agent)
    found = {
        "network_lost": figures.n_lost > 0 or not figures.round_trips_ms,
        "network_slow": figures.round_trip_ms > limits[keys.ROUND_TRIP_MS],
        "storage_refused": not figures.can_store,
        "storage_small": 0 <= figures.storage_mb < limits[keys.STORAGE_MB],
        "browser_old": age is True,
        "seb_missing": lacks_seb,
        "browser_unknown": age is None,
        "clock_off": abs(figures.clock_skew_ms) > 1000 * limits[keys.CLOCK_SKEW_SECONDS],
        "screen_small": figures.width < limits[keys.SCREEN_WIDTH] or figures.height < limits[keys.SCREEN_HEIGHT],
        "no_crypto": not (figures.is_secure and figures.has_crypto),
    }
    codes = [code for code in FINDINGS if found[code]]
    return codes, not BLOCKING.intersection(codes)


def judge_trial(figures: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    """Say whether a simulated run went well: nothing failed, nothing was lost, saving was quick enough."""
    is_quick = float(figures["save_p99_ms"]) <= limits[keys.SAVE_MS]
    return not figures["n_errors"] and not figures["n_lost"] and is_quick


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies; 0 without values.

    Examples
    --------
    >>> percentile([4.0, 1.0, 2.0, 3.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))] if ordered else 0.0
