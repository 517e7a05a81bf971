"""Settings of Safe Exam Browser: the key computed as its documentation says, files that it can read."""

from __future__ import annotations

import plistlib
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from exam_delivery.rules import seb, seb_file
from exam_delivery.rules.seb import Proof, Requirement, SebOptions
from kernel.errors import InvalidInputError

BASE = "https://exam.example.cn"
SALT = bytes(range(32))
DOCUMENTED = (
    '{"additionalResources":[],"allowAirPlay":false,"allowWlan":false,"browserMessagingSocket":"ws:\\localhost:8706",'
    '"configKeySalt":"","downloadDirectoryOSX":"/Users/甲/Downloads","enableTouchExit":0,'
    '"examKeySalt":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","URLFilterRules":[{"action":1,"Expression":"x"}]}'
)
PLIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>URLFilterRules</key><array><dict><key>Expression</key><string>x</string><key>action</key><integer>1</integer></dict></array>
<key>originatorVersion</key><string>SEB_OSX_2.1.4</string>
<key>examKeySalt</key><data>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</data>
<key>configKeySalt</key><data></data>
<key>browserMessagingSocket</key><string>ws:\\localhost:8706</string>
<key>allowWlan</key><false/><key>allowAirPlay</key><false/><key>enableTouchExit</key><integer>0</integer>
<key>downloadDirectoryOSX</key><string>/Users/\xe7\x94\xb2/Downloads</string>
<key>additionalResources</key><array/><key>proxies</key><dict/>
</dict></plist>"""


def test_the_config_key_is_the_digest_of_sorted_unescaped_json_without_the_writers_version() -> None:
    settings = plistlib.loads(PLIST)
    hashed = {name: value for name, value in settings.items() if name != "originatorVersion"}
    assert seb.seb_json(hashed) == DOCUMENTED
    assert seb.config_key(settings) == sha256(DOCUMENTED.encode()).hexdigest()
    assert seb.config_key(hashed) == seb.config_key(settings)


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({"allowWLAN": True, "allowWlan": False, "allowwlan": 1}, '{"allowwlan":1,"allowWlan":false,"allowWLAN":true}'),
        ({"arguments": ['--title "甲"', "C:\\new"]}, '{"arguments":["--title \\"甲\\"","C:\\new"]}'),
        ({"low": 0.2, "critical": 0.1, "full": 1.0, "zoom": 1.25}, '{"critical":0.1,"full":1,"low":0.2,"zoom":1.25}'),
        (
            {"list": [{"b": 1, "A": {}, "a_c": 2}], "d": {"z": 0, "Y": 1}},
            '{"d":{"Y":1,"z":0},"list":[{"a_c":2,"b":1}]}',
        ),
        ({"F10": 1, "F2": 2, "F1": 3}, '{"F1":3,"F10":1,"F2":2}'),
    ],
    ids=["case", "quotes", "numbers", "nested", "digits"],
)
def test_values_are_written_as_the_clients_write_them(settings: dict[str, object], written: str) -> None:
    assert seb.seb_json(settings) == written
    assert seb.seb_json(plistlib.loads(plistlib.dumps(settings))) == written


def test_dates_are_written_in_utc_without_quotes() -> None:
    written = seb.seb_json({"when": datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)})
    assert written == '{"when":2026-11-21T01:02:03.0000000Z}'


def test_the_key_of_a_session_survives_writing_and_reading_the_file_plain_and_sealed() -> None:
    settings = seb.make_settings(SebOptions(BASE, quit_password="leave"), SALT)
    key = seb.config_key(settings)
    assert seb.config_key(seb_file.read_file(seb_file.write_file(settings))) == key
    sealed = seb_file.write_file(settings, "Ab1!")
    assert sealed.startswith(b"\x1f\x8b")
    assert seb.config_key(seb_file.read_file(sealed, "Ab1!")) == key
    assert b"startURL" in seb_file.write_file(settings)


def test_a_wrong_password_and_a_flipped_byte_are_refused() -> None:
    sealed = seb_file.write_file({"startURL": BASE}, "Ab1!")
    with pytest.raises(InvalidInputError, match="密码不正确"):
        seb_file.read_file(sealed, "other")
    import gzip

    raw = bytearray(gzip.decompress(sealed))
    raw[-40] ^= 1
    with pytest.raises(InvalidInputError, match="密码不正确"):
        seb_file.read_file(gzip.compress(bytes(raw)), "Ab1!")
    with pytest.raises(InvalidInputError, match="不是安全考试浏览器"):
        seb_file.read_file(b"<html></html>")


def test_a_settings_password_beyond_ascii_is_refused_because_readers_disagree_about_it() -> None:
    with pytest.raises(InvalidInputError, match="英文字母"):
        seb_file.write_file({}, "密码")


def test_settings_point_at_the_exam_keep_the_profile_and_hide_the_quit_password() -> None:
    settings = seb.make_settings(SebOptions(BASE, quit_password="leave", is_touch=True), SALT)
    assert settings["startURL"] == f"{BASE}/exam/"
    assert settings["removeBrowserProfile"] is False
    assert "leave" not in str(settings)
    assert settings["browserViewMode"] == 2


def test_files_are_saved_only_where_that_was_chosen_and_never_opened_or_taken_in() -> None:
    without = seb.make_settings(SebOptions(BASE), SALT)
    assert not any(without[name] for name in ("allowDownloads", "allowUploads", "allowDownUploads", "allowPrint"))
    settings = seb.make_settings(SebOptions(BASE, allow_rescue_files=True), SALT)
    assert (settings["allowDownloads"], settings["allowDownUploads"]) == (True, True)
    assert not any(settings[name] for name in ("allowUploads", "openDownloads", "allowCustomDownUploadLocation"))
    assert seb.config_key(settings) != seb.config_key(seb.make_settings(SebOptions(BASE), SALT))


@pytest.mark.parametrize(("password", "ticked", "opens"), [("", 0, 0), ("", 1, 1), ("x", 0, 1), ("x", 1, 1)])
def test_a_quit_password_opens_the_way_out_that_it_guards(password: str, ticked: int, opens: int) -> None:
    settings = seb.make_settings(SebOptions(BASE, password, is_quit_allowed=bool(ticked)), SALT)
    assert settings["allowQuit"] is bool(opens)
    assert bool(settings["hashedQuitPassword"]) is bool(password)


def test_windows_is_locked_in_the_way_that_leaves_input_methods_for_chinese() -> None:
    settings = seb.make_settings(SebOptions(BASE), SALT)
    assert (settings["killExplorerShell"], settings["createNewDesktop"]) == (True, False)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Exam.example.cn/", "https://exam.example.cn"),
        ("https://exam.example.cn:443", "https://exam.example.cn"),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("https://考试.中国:8443", "https://xn--xw0a15v.xn--fiqs8s:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://exam.example.cn/sub", None),
        ("https://" + "考" * 70 + ".cn", None),
        ("ftp://exam.example.cn", None),
        ("exam.example.cn", None),
        ("https://u@exam.example.cn", None),
        ("https://exam.example.cn:x", None),
    ],
)
def test_only_an_address_of_a_site_is_taken(typed: str, kept: str | None) -> None:
    assert seb.check_base_url(typed) == kept


def proof(key: str, url: str = f"{BASE}/api/v1/exam/sign-in", exam_key: str = "") -> Proof:
    return Proof(url, seb.request_hash(url, key), seb.request_hash(url, exam_key) if exam_key else "")


def test_a_request_is_good_with_the_hash_of_its_own_address_only() -> None:
    needed = Requirement(BASE, "a" * 64)
    assert needed.is_met_by(proof("a" * 64))
    assert needed.is_met_by(Proof(proof("a" * 64).url, proof("a" * 64).config_hash.upper(), ""))
    assert not needed.is_met_by(proof("b" * 64))
    assert not needed.is_met_by(Proof(f"{BASE}/other", proof("a" * 64).config_hash, ""))
    assert not needed.is_met_by(Proof(proof("a" * 64).url, "", ""))
    assert not needed.is_met_by(proof("a" * 64, url="https://elsewhere.example.cn/exam/"))


def test_where_exam_keys_are_entered_one_of_them_is_needed_too() -> None:
    needed = Requirement(BASE, "a" * 64, ("c" * 64, "d" * 64))
    assert needed.is_met_by(proof("a" * 64, exam_key="d" * 64))
    assert not needed.is_met_by(proof("a" * 64))
    assert not needed.is_met_by(proof("a" * 64, exam_key="e" * 64))


def test_exam_keys_are_read_one_a_line_and_nonsense_is_named() -> None:
    good, bad = seb.read_exam_keys(f"{'A' * 64}\n\n  {'b' * 64} \nshort\n{'a' * 64}")
    assert good == ["a" * 64, "b" * 64]
    assert bad == ["short"]
