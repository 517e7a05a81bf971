"""Kiosk profiles for systems without Safe Exam Browser: policies for Chromium, a start entry for Linux, assigned access for Windows.

They keep a candidate in one page while nobody tampers with the computer. None of them proves anything to the server.
"""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from exam_delivery.rules.seb import EXAM_PATH

KIOSK_NAMESPACE = uuid.UUID("5b0d6f0e-6a1c-5c39-9f6e-2f0f3c2f9a41")
POLICIES: dict[str, Any] = {
    "AutofillAddressEnabled": False, "AutofillCreditCardEnabled": False, "BackgroundModeEnabled": False,
    "BookmarkBarEnabled": False, "BrowserAddPersonEnabled": False, "BrowserGuestModeEnabled": False,
    "BrowserSignin": 0, "DefaultPopupsSetting": 2, "DeveloperToolsAvailability": 2, "DownloadRestrictions": 3,
    "EditBookmarksEnabled": False, "ExtensionInstallBlocklist": ["*"], "IncognitoModeAvailability": 1,
    "PasswordManagerEnabled": False, "PrintingEnabled": False, "PromptForDownloadLocation": False,
    "RestoreOnStartup": 4, "ScreenCaptureAllowed": False, "SearchSuggestEnabled": False, "SpellcheckEnabled": False,
    "SyncDisabled": True, "TaskManagerEndProcessEnabled": False, "TranslateEnabled": False, "URLBlocklist": ["*"],
}  # fmt: skip
"""Nothing here clears data at the end: answers that were not sent yet live in the browser's store."""


def chromium_policy(base_url: str) -> str:
    """Return the file for the folder of managed policies: one site, no tools, no second door."""
    start = base_url + EXAM_PATH
    made = {"HomepageLocation": start, "RestoreOnStartupURLs": [start], "URLAllowlist": [urlsplit(base_url).netloc]}
    return json.dumps(POLICIES | made, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def linux_start_entry(base_url: str, name: str) -> str:
    """Return a desktop entry that starts the browser in kiosk mode at sign-in."""
    line = " ".join(name.split())
    return (
        "[Desktop Entry]\nType=Application\n"
        f"Name={line}\n"
        f"Exec=chromium --kiosk --no-first-run --disable-pinch --overscroll-history-navigation=0 {base_url}{EXAM_PATH}\n"
        "Terminal=false\nX-GNOME-Autostart-enabled=true\n"
    )


def windows_assigned_access(base_url: str, exam_session_id: uuid.UUID) -> str:
    """Return a configuration of assigned access for Windows 11: Edge in full screen on the exam page."""
    profile = str(uuid.uuid5(KIOSK_NAMESPACE, str(exam_session_id)))
    arguments = (
        f"--kiosk {base_url}{EXAM_PATH} --edge-kiosk-type=fullscreen --no-first-run --kiosk-idle-timeout-minutes=0"
    )
    path = r"%ProgramFiles(x86)%\Microsoft\Edge\Application\msedge.exe"
    return f"""<?xml version="1.0" encoding="utf-8"?>
<AssignedAccessConfiguration xmlns="http://schemas.microsoft.com/AssignedAccess/2017/config"
    xmlns:v4="http://schemas.microsoft.com/AssignedAccess/2021/config">
  <Profiles>
    <Profile Id="{{{profile}}}">
      <KioskModeApp v4:ClassicAppPath={quoteattr(path)} v4:ClassicAppArguments={quoteattr(arguments)}/>
      <v4:BreakoutSequence Key="Ctrl+Alt+K"/>
    </Profile>
  </Profiles>
  <Configs>
    <Config>
      <AutoLogonAccount/>
      <DefaultProfile Id="{{{profile}}}"/>
    </Config>
  </Configs>
</AssignedAccessConfiguration>
"""
