"""What a browser says of itself, in words for the people in the room."""

from __future__ import annotations

import pytest

from exam_delivery.rules.browsers import device_name, readable

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
SEVEN = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko)"
HARMONY = "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36", "Chrome 120 · Windows 10/11"),
        (f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91", "Edge 120 · Windows 10/11"),
        (f"{WINDOWS} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Edge 18 · Windows 10/11"),
        (f"{WINDOWS} Chrome/108.0.5359.125 Safari/537.36 SEB/3.7.0", "SEB 3.7 · Windows 10/11"),
        (f"{MAC} Version/17.0 Safari/605.1.15 SEB/3.4", "SEB 3.4 · macOS"),
        (f"{MAC} Version/16.1 Safari/605.1.15 SEB_MacOS/3.2.3", "SEB 3.2 · macOS"),
        (f"{MAC} Version/17.4 Safari/605.1.15", "Safari 17 · macOS"),
        (f"{WINDOWS} Chrome/122.0.6261.128 Safari/537.36 QIHU 360SE", "360 浏览器（Chrome 122） · Windows 10/11"),
        (f"{SEVEN} Chrome/86.0.4240.198 Safari/537.36 QIHU 360EE", "360 极速浏览器（Chrome 86） · Windows 7"),
        (
            f"{WINDOWS} Chrome/109.0.5414.120 Safari/537.36 Core/1.116.485.400 QQBrowser/13.6.6321.400",
            "QQ 浏览器 13（Chrome 109） · Windows 10/11",
        ),
        (f"{WINDOWS} Chrome/80.0.3987.87 Safari/537.36 SE 2.X MetaSr 1.0", "搜狗浏览器（Chrome 80） · Windows 10/11"),
        (
            "Mozilla/5.0 (X11; UOS x86_64) AppleWebKit/537.36 Chromium/78.0.3904.108 Safari/537.36 UOSBrowser/6.0",
            "统信浏览器 6（Chrome 78） · UOS",
        ),
        (f"{LINUX} Chrome/86.0.4240.198 Safari/537.36 KylinBrowser/1.0", "麒麟浏览器 1（Chrome 86） · Kylin"),
        (f"{LINUX} Chrome/99.0.4844.51 Safari/537.36 Qaxbrowser/99", "奇安信浏览器 99（Chrome 99） · Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128 · Windows 10/11"),
        (
            "Mozilla/5.0 (Linux; Android 14; Pad) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "Chrome 130 · Android 14",
        ),
        (f"{HARMONY} Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6 HuaweiBrowser/5.0.4", "华为浏览器 5（Chrome 114） · HarmonyOS"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE 11 · Windows 7"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_common_browsers_are_named(line: str, words: str) -> None:
    assert device_name(line) == words


def test_an_unknown_line_is_shortened() -> None:
    assert device_name("x" * 500) == "x" * 60


def test_address_and_sentence_stay_before_the_words() -> None:
    line = f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36"
    assert readable(f"10.0.0.7 {line}") == "10.0.0.7 Chrome 120 · Windows 10/11"
    assert readable(f"作答中换设备登录：10.0.0.7 {line}") == "作答中换设备登录：10.0.0.7 Chrome 120 · Windows 10/11"
    assert readable("") == ""
