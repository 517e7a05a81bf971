"""Safe Exam Browser: settings of a session, their Config Key, and what a request must carry.

The Config Key is the SHA-256 of the settings as "SEB-JSON": keys sorted without regard to case, no white space, nothing escaped
but the double quote, empty dictionaries left out, `originatorVersion` removed. A request is hashed together with its absolute address.
The clients differ where `docs/lockdown.md` says; the settings made here hold nothing of that kind.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

ORIGINATOR = "originatorVersion"
"""Who wrote a file; left out of the key at every depth."""
EXAM_PATH, CHECK_PATH, QUIT_QUERY = "/exam/", "/room-check/", "quit"
HASH = re.compile(r"[0-9a-f]{64}")
MOST_EXAM_KEYS = 30


@dataclass(frozen=True, slots=True)
class SebOptions:
    """What an exam officer chooses; everything else is the same for every session.

    Attributes
    ----------
    base_url : str
        ``https://host`` by which candidates reach the site.
    quit_password : str
        Opens the browser's own way out before the end, for whoever knows it; empty: the quit address alone leads out.
    allow_reload, allow_virtual_machine, is_touch, is_quit_allowed : bool
        Reloading the page, running inside a virtual machine, a mode for tablets, leaving at any time (by the password if there is one).
    allow_rescue_files : bool
        Saving files to the computer's folder of downloads, without opening or choosing any.
    """

    base_url: str
    quit_password: str = ""
    allow_reload: bool = True
    allow_virtual_machine: bool = False
    is_touch: bool = False
    is_quit_allowed: bool = False
    allow_rescue_files: bool = False


def check_base_url(text: str) -> str | None:
    """Return an address as ``scheme://host[:port]``, or None where it is none."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        return None
    if parts.query or parts.fragment or parts.username:
        return None
    default = {"http": 80, "https": 443}[parts.scheme]
    host = _host_as_browsers_send_it(parts.hostname)
    return host and f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def _host_as_browsers_send_it(host: str) -> str | None:
    """Return a host in the form whose hash the browser sends: 考试.中国 as ``xn--xw0a15v.xn--fiqs8s``; None where it has none."""
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    return f"[{plain}]" if ":" in plain else plain


def make_settings(options: SebOptions, salt: bytes) -> dict[str, Any]:
    """Return the settings of one session; the random salt makes their key one that nobody can compute from the outside."""
    return {
        ORIGINATOR: "SEB_Kaoku",
        "sebConfigPurpose": 0,
        "startURL": options.base_url + EXAM_PATH,
        "quitURL": f"{options.base_url}{EXAM_PATH}?{QUIT_QUERY}",
        "quitURLConfirm": False,
        "allowQuit": options.is_quit_allowed or bool(options.quit_password),
        "hashedQuitPassword": sha256(options.quit_password.encode()).hexdigest() if options.quit_password else "",
        "sendBrowserExamKey": True,
        "examKeySalt": salt,
        "browserWindowWebView": 3,
        "browserViewMode": 2 if options.is_touch else 1,
        "touchOptimized": options.is_touch,
        "browserWindowAllowReload": options.allow_reload,
        "showReloadButton": options.allow_reload,
        "allowVirtualMachine": options.allow_virtual_machine,
        "URLFilterEnable": True,
        "URLFilterEnableContentFilter": False,
        "URLFilterRules": [
            {"active": True, "regex": True, "expression": one, "action": 1} for one in _patterns(options)
        ],
        **FIXED,
        **(SAVING if options.allow_rescue_files else {}),
    }


def _patterns(options: SebOptions) -> list[str]:
    """Return what an address must look like to be opened in the window: a candidate's page, or on a Mac a file that it saves.

    Regular expressions, because the short form of rules means different things: to older versions for the Mac ``/exam/*`` is not
    ``/exam/``, to all it takes in the host's subdomains, and an IPv6 address does not fit into it.
    """
    site = re.sub(r"[][]", r"\\\g<0>", options.base_url).replace(".", "[.]")
    pages = "|".join(path.strip("/") for path in (EXAM_PATH, CHECK_PATH))
    saved = [f"^blob:{site}/"] if options.allow_rescue_files else []
    return [f"^{site}/({pages})([/?#]|$)", *saved]


FIXED: dict[str, Any] = {
    "allowBrowsingBackForward": False, "allowDictionaryLookup": False, "allowDisplayMirroring": False,
    "allowDownloads": False, "allowDownUploads": False, "allowPreferencesWindow": False, "allowPrint": False,
    "allowScreenSharing": False, "allowSpellCheck": False, "allowSwitchToApplications": False, "allowUploads": False,
    "allowUserSwitching": False, "clipboardPolicy": 2, "createNewDesktop": False, "detectStoppedProcess": True,
    "enableBrowserWindowToolbar": False, "enableJavaScript": True, "enablePrintScreen": False,
    "enablePrivateClipboard": True, "enableZoomPage": True, "examSessionClearCookiesOnEnd": True,
    "examSessionClearCookiesOnStart": True, "killExplorerShell": True, "newBrowserWindowByLinkPolicy": 0,
    "newBrowserWindowByScriptPolicy": 0, "removeBrowserProfile": False, "removeLocalStorage": False,
    "showInputLanguage": True, "showTaskBar": True, "showTime": True,
}  # fmt: skip
"""The profile of the browser is kept: a wiped one would lose answers that were not sent yet.

Windows is locked by closing its shell, not on a desktop of its own: there input methods for Chinese may show nothing, and no
keyboard on the screen comes.
Windows versions from 3.9 on know `allowDownloads` and `allowUploads` alone, and save files where the first is not named; older ones
and those for the Mac know `allowDownUploads` for both.
"""

SAVING: dict[str, Any] = {
    "allowDownUploads": True, "allowDownloads": True, "allowCustomDownUploadLocation": False,
    "browserShowFileSystemElementPath": False, "downloadDirectoryOSX": "~/Downloads", "downloadDirectoryWin": "",
    "downloadPDFFiles": False, "openDownloads": False,
}  # fmt: skip
"""Saving without choosing a place or opening; the page takes no file."""


def seb_json(value: Any) -> str:
    """Return a value of a settings file as SEB-JSON.

    Examples
    --------
    >>> seb_json({"b": True, "A": "x", "c": {}, "d": [], "e": bytes(1)})
    '{"A":"x","b":true,"d":[],"e":"AA=="}'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        kept = {key: one for key, one in value.items() if not _is_left_out(key, one)}
        ordered = sorted(kept, key=lambda key: (key.casefold(), key.swapcase()))  # "allowWlan" before "allowWLAN"
        return "{" + ",".join(f'"{key}":{seb_json(kept[key])}' for key in ordered) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(seb_json, value)) + "]"
    if isinstance(value, float):
        return format(value or 0, ".15g").upper()  # 0.1, 1 for 1.0, 1E+20: as the client for Windows writes a number
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    return str(value) if isinstance(value, int) else f'"{_text(value)}"'


def _is_left_out(key: str, value: Any) -> bool:
    return key.lower() == ORIGINATOR.lower() or (isinstance(value, Mapping) and not value)


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value).replace('"', '\\"')


def config_key(settings: Mapping[str, Any]) -> str:
    """Return the Config Key of settings."""
    return sha256(seb_json(settings).encode()).hexdigest()


def request_hash(url: str, key: str) -> str:
    """Return what the browser sends for an address and one of its keys."""
    return sha256((url.partition("#")[0] + key).encode()).hexdigest()


def read_exam_keys(text: str) -> tuple[list[str], list[str]]:
    """Return the Browser Exam Keys typed one a line, and the lines that are none."""
    lines = [line.strip().lower() for line in text.splitlines() if line.strip()]
    good = [line for line in dict.fromkeys(lines) if HASH.fullmatch(line)]
    return good, [line for line in lines if not HASH.fullmatch(line)]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request brought: hashes for its own address (headers), or for its page (the browser's script interface)."""

    url: str
    config_hash: str
    exam_hash: str


def read_proofs(base_url: str, path: str, header: Callable[[str], str]) -> list[Proof]:
    """Return what a request brings: hashes of its own address, and those that its page read by script of the page's address."""
    own = Proof(base_url + path, header("X-SafeExamBrowser-ConfigKeyHash"), header("X-SafeExamBrowser-RequestHash"))
    page = header("X-Kaoku-Seb-Page")
    return [own, Proof(page, header("X-Kaoku-Seb-Config"), header("X-Kaoku-Seb-Exam"))] if page else [own]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What requests of a session must prove; Browser Exam Keys are asked for only where an officer entered some."""

    base_url: str
    config_key: str
    exam_keys: tuple[str, ...] = ()

    def is_met_by(self, proof: Proof) -> bool:
        """Say whether a proof holds, without a hint which part of it failed."""
        is_ours = proof.url.startswith(f"{self.base_url}/")
        has_config = matches(proof.config_hash, proof.url, [self.config_key])
        has_exam = not self.exam_keys or matches(proof.exam_hash, proof.url, self.exam_keys)
        return is_ours and has_config and has_exam


def matches(given: str, url: str, keys: Iterable[str]) -> bool:
    """Say whether a hash was made with one of the keys; every key is tried, in constant time."""
    offered = given.strip().lower().encode()
    found = [hmac.compare_digest(offered, request_hash(url, key).encode()) for key in keys]
    return any(found)


def launch_address(base_url: str, path: str) -> str:
    """Return the address by which a click opens the browser with its settings.

    Examples
    --------
    >>> launch_address("https://exam.example.cn", "/x.seb")
    'sebs://exam.example.cn/x.seb'
    """
    return f"{'sebs' if base_url.startswith('https:') else 'seb'}://{urlsplit(base_url).netloc}{path}"
