"""The machine behind a browser's long line about itself, in words for people in the room: browser and version, system.

What a browser says of itself is a claim, not a proof: many shells hide behind Chromium's line. The line itself is kept and can be read
beside these words.
"""

from __future__ import annotations

import re
from typing import Final

START: Final = "Mozilla/"
"""With this every browser's line begins; what stands before it is the address, or a sentence that quotes the line."""
VERSION = r"/v?(\d+(?:\.\d+)?)"
MAJOR = r"/v?(\d+)"

SHELLS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rf"SEB(?:_\w+)?{VERSION}", "SEB"),
        (r"QIHU 360EE|360EE", "360 极速浏览器"),
        (r"QIHU 360SE|360SE|QIHU|QHBrowser", "360 浏览器"),
        (rf"M?QQBrowser{MAJOR}", "QQ 浏览器"),
        (rf"Qaxbrowser{MAJOR}", "奇安信浏览器"),
        (rf"UOSBrowser{MAJOR}", "统信浏览器"),
        (rf"KylinBrowser{MAJOR}", "麒麟浏览器"),
        (r"MetaSr|SogouMobileBrowser", "搜狗浏览器"),
        (rf"LBBROWSER|LieBaoFast{MAJOR}", "猎豹浏览器"),
        (rf"UCBrowser{MAJOR}|UBrowser{MAJOR}", "UC 浏览器"),
        (rf"HuaweiBrowser{MAJOR}", "华为浏览器"),
        (rf"MicroMessenger{MAJOR}", "微信"),
        (rf"DingTalk{MAJOR}", "钉钉"),
        (rf"Edg(?:e|A|iOS)?{MAJOR}", "Edge"),
        (rf"OPR{MAJOR}", "Opera"),
    )
)
"""Browsers built on another one: they name themselves beside it."""
ENGINES: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rf"(?:Firefox|FxiOS){MAJOR}", "Firefox"),
        (rf"(?:Chrome|Chromium|CriOS){MAJOR}", "Chrome"),
        (rf"Version{MAJOR}\S* (?:Mobile/\S+ )?Safari", "Safari"),
        (r"MSIE (\d+)|Trident/.*rv:(\d+)", "IE"),
    )
)
SELF_VERSIONED: Final = frozenset({"SEB", "Edge"})
"""Whose own version tells how new they are; with the others the version of the Chromium inside does."""
SYSTEMS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"Windows NT 10\.", "Windows 10/11"), (r"Windows NT 6\.3", "Windows 8.1"), (r"Windows NT 6\.2", "Windows 8"),
        (r"Windows NT 6\.1", "Windows 7"), (r"Windows NT 5", "Windows XP"), (r"Windows", "Windows"),
        (r"OpenHarmony|HarmonyOS", "HarmonyOS"), (r"\bUOS\b|UnionTech|UOSBrowser", "UOS"), (r"Kylin", "Kylin"),
        (r"Android (\d+)", "Android"), (r"iPad", "iPad"), (r"iPhone", "iPhone"), (r"Mac OS X|Macintosh", "macOS"),
        (r"CrOS", "ChromeOS"), (r"Linux|X11", "Linux"),
    )
)  # fmt: skip


def device_name(line: str) -> str:
    """Return browser and system in words; the line itself, shortened, where neither is known.

    Examples
    --------
    >>> device_name("Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 Chrome/86.0.4240.198 Safari/537.36 QIHU 360EE")
    '360 极速浏览器（Chrome 86） · Windows 7'
    >>> device_name("curl/8.5")
    'curl/8.5'
    """
    words = " · ".join(filter(None, (_browser(line), _named(SYSTEMS, line))))
    return words or line[:60]


def _browser(line: str) -> str:
    shell, engine = _named(SHELLS, line), _named(ENGINES, line)
    if not shell or not engine:
        return shell or engine
    return shell if shell.split(" ")[0] in SELF_VERSIONED else f"{shell}（{engine}）"


def _named(known: tuple[tuple[re.Pattern[str], str], ...], line: str) -> str:
    for pattern, name in known:
        if found := pattern.search(line):
            version = next(filter(None, found.groups()), "")
            return f"{name} {version}".strip()
    return ""


def readable(text: str) -> str:
    """Return an address with a browser's line, or a sentence that ends with one, with the line in words.

    Examples
    --------
    >>> readable("192.0.2.7 Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    '192.0.2.7 Firefox 128 · Linux'
    >>> readable("键盘失灵")
    '键盘失灵'
    """
    before, start, rest = text.partition(START)
    return f"{before}{device_name(start + rest)}" if start else text
