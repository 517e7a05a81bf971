"""What the published code of Safe Exam Browser for Windows made of settings invented here.

Repository SafeExamBrowser/seb-win-refactoring, commit 272f13fcf019fe89d773819259c831473a9e3626 (2025): `XmlParser`, `Json` and
`DataProcessor` gave the keys, `KeyGenerator` the hashes, run under Mono. None of that code is here; only what it answered.
"""

from __future__ import annotations

import itertools
import plistlib
import re
from typing import Any

import pytest

from exam_delivery.rules import seb, seb_file
from exam_delivery.rules.seb import Proof, Requirement, SebOptions

BASE = "https://exam.example.cn"
SALT = bytes(range(32))
EXAM: dict[str, Any] = {
    "originatorVersion": "SEB_Kaoku", "startURL": f"{BASE}/exam/", "quitURL": f"{BASE}/exam/?quit", "allowQuit": True,
    "hashedQuitPassword": "af193190b8d3cd14103e20e900378a2b76414ff6428065f3f8539b3577b22fdf", "examKeySalt": SALT,
    "sendBrowserExamKey": True, "browserViewMode": 1, "URLFilterEnable": True, "proxies": {},
    "URLFilterRules": [{"active": True, "regex": True, "expression": "^https://exam[.]example[.]cn/exam", "action": 1}],
    "downloadDirectoryWin": "", "showTime": True,
}  # fmt: skip
WORDS: dict[str, Any] = {
    "title": "电工技师考核", "umlauts": "Prüfung ÄÖÜ ß", "marks": "<&>'", "path": "C:\\新建\\x", "lines": "一\n二", "none": "",
    "face": "😀", "list": [], "data": b"", "more": b"\x00\xff", "after": {"empty": {}, "Zahl": -5, "an": [True, "甲", {"b": 1, "A": {}}]},
}  # fmt: skip
NUMBERS: dict[str, Any] = {
    "least": -(2**31), "most": 2**31 - 1, "zero": 0, "minus": -1, "low": 0.1, "full": 1.0, "zoom": 1.25,
    "third": 1 / 3, "tiny": 0.00001, "huge": 1e20, "many": 123456789.123456789, "nought": -0.0,
}  # fmt: skip
ORDER: dict[str, Any] = {
    "URLFilterMessage": 1, "urlFilterRegex": True, "allowWLAN": 1, "allowWlan": 2, "allowwlan": 3, "F10": 4, "F2": 5, "F1": 6,
    "f3": 7, "ORIGINATORVERSION": "x", "inner": {"originatorVersion": "y", "b": 1, "B": 2, "z": 3}, "a": 1, "aB": 2, "ab": 3, "Ab": 4, "AB": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (EXAM, "64af1961150d9ba5eda48f9876b2f2d925b5fed20de7568aafdefc8ec5be5a6a"),
        (WORDS, "7cfb7b84c6c11f67f34d815154fdae9091aade8adaa2e0c19e96df18fba076e7"),
        (NUMBERS, "4ec054622df1e870bcddd405fb92fd5e98abff542ff2d00e450d186b900851d7"),
        (ORDER, "d1877d2039c267991a0dc8dd171738b344b58bb3f52d687cf805532ac93d6c5d"),
    ],
    ids=["exam", "words", "numbers", "order"],
)
def test_the_config_key_is_the_one_that_the_client_computes(settings: dict[str, Any], key: str) -> None:
    assert seb.config_key(plistlib.loads(plistlib.dumps(settings))) == key


def test_a_request_is_met_by_the_hashes_that_the_client_adds_to_it() -> None:
    key = "64af1961150d9ba5eda48f9876b2f2d925b5fed20de7568aafdefc8ec5be5a6a"
    exam_key = "746cddcf952306450bf6eb0040fc521d92bef1a44a8d27579291e17ac37ae482"
    needed = Requirement(BASE, key, (exam_key,))
    page = Proof(
        f"{BASE}/exam/",
        "229537132e4d10d52c4d3b1d41910d643d98f4f69991941a459a292808760d51",
        "22e5fbc6f91d4e6f578d66606d3f30b92bd085aca0084e3e90b742ff095d147d",
    )
    call = Proof(
        f"{BASE}/api/v1/exam/sign-in",
        "14e22047a86b4e9874c44137c2ee3a167271934aefb9b396d37f9efcd68f1145",
        "bb926205dd6a58927d065b057180fc004f798e8f860b5b5fd277a3df8ea8a922",
    )
    assert needed.is_met_by(page)
    assert needed.is_met_by(call)
    assert needed.is_met_by(Proof(f"{page.url}#question-3", page.config_hash, page.exam_hash))
    assert not needed.is_met_by(Proof(call.url, page.config_hash, page.exam_hash))


BASES = (BASE, "http://10.0.0.5:8000", "http://[::1]:8000", "https://xn--xw0a15v.xn--fiqs8s:8443")
EVERY_CHOICE = [
    SebOptions(base, password, *ticked)
    for base in BASES
    for password in ("", '退出 "Leave"')
    for ticked in itertools.product([False, True], repeat=5)
]


def _values(settings: dict[str, Any]) -> list[tuple[str, Any]]:
    inner = [pair for rule in settings["URLFilterRules"] for pair in _values({"URLFilterRules": [], **rule})]
    return [*settings.items(), *inner]


def test_no_file_holds_what_versions_of_the_client_hash_in_different_ways() -> None:
    for options in EVERY_CHOICE:
        settings = seb_file.read_file(seb_file.write_file(seb.make_settings(options, SALT)))
        assert len({name.lower() for name in settings}) == len(settings)
        for name, value in _values(settings):
            assert re.fullmatch("[A-Za-z]+", name)
            assert isinstance(value, str | int | bytes | list)
            assert not isinstance(value, int) or -(2**31) <= value < 2**31
            assert not isinstance(value, str) or ('"' not in value and value == value.strip())


def _opens(settings: dict[str, Any], address: str) -> bool:
    rules = settings["URLFilterRules"]
    assert all(rule["active"] and rule["regex"] and rule["action"] == 1 for rule in rules)
    return any(re.search(rule["expression"], address, re.IGNORECASE) for rule in rules)


PAGES = ("/exam", "/exam/", "/exam/?quit", "/exam/#q3", "/room-check/", "/room-check/?code=AB", "/room-check/ABCD")
OTHERS = ("", "/", "/sign-in", "/sign-in?next=/exam/", "/exams/", "/examiners", "/exam-sessions/", "/console/1")


@pytest.mark.parametrize("base", BASES)
def test_the_window_opens_the_pages_of_candidates_and_nothing_else(base: str) -> None:
    settings = seb.make_settings(SebOptions(base), SALT)
    assert _opens(settings, settings["startURL"])
    assert all(_opens(settings, base + path) for path in PAGES)
    assert not any(_opens(settings, base + path) for path in OTHERS)
    host = base.partition("://")[2]
    foreign = ("https://www.example.com/exam/", f"https://evil.{host}/exam/", f"https://{host}.example.com/exam/",
               f"https://example.com/{base}/exam/", f"ftp://{host}/exam/", "about:blank")  # fmt: skip
    assert not any(_opens(settings, address) for address in foreign)


def test_only_where_files_may_be_saved_the_page_may_hand_its_own_to_a_mac() -> None:
    mine, other = f"blob:{BASE}/0f1a-22", "blob:https://www.example.com/0f1a-22"
    with_files = seb.make_settings(SebOptions(BASE, allow_rescue_files=True), SALT)
    assert _opens(with_files, mine)
    assert not _opens(with_files, other)
    assert not _opens(seb.make_settings(SebOptions(BASE), SALT), mine)
