"""Latin abbreviations that nobody explains."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kernel.i18n import N_
from qbank.rules.findings import Severity
from qbank.rules.lint.model import Hit, ItemText, LintContext, LintRule

_ABBREVIATION = re.compile(
    r"(?<![A-Za-z0-9./_\-])[A-Z][A-Z0-9]{1,6}(?![A-Za-z0-9_\-])(?!\s*(?:型|系列|类|号|级|形|区|口|线|点|键))"
)
_CODE = re.compile(r"^[A-Z]\d+$|^[A-E]{2,5}$|^[A-Z]{1,3}\d{2,}|^(?:[IVX]+)$|^[A-Z](?:\d[A-Z]?)+$")
_FORMULA = re.compile(r"^(?:[A-Z][a-z]?\d{0,2}){2,}$")
_ELEMENTS = re.compile(r"^(?:(?:H|B|C|N|O|F|P|S|K|V|I|U|W|Y)\d{0,2})+$")
WELL_KNOWN = frozenset(
    word
    for line in (
        "AC DC GB IP PE PEN TN TT IT PVC ABS CNC CAD LED LCD CPU USB PLC UPS DNA PPT PDF WORD EXCEL WIFI IC ID OK SOS",
        "PH APP GPS QQ VIP KV MV KW MW MPA KPA PA HZ KHZ MHZ GHZ DB RMB USD NO NULL MM CM KM KG MG ML VA KVA KVAR KWH",
        "AH BV BX BLV BVV RVV VV ISO IEC WTO LNG LPG CNG PM CT CO SO HCL NACL NAOH HS BIOS DOS SQL HTML HTTP URL TCP",
    )
    for word in line.split()
)
_EXPLAINED = r"[（(][^）)]*{0}[^）)]*[）)]|{0}\s*[（(][^）)]*[㐀-鿿]|(?:简称|缩写为?|称为|即|英文)[^，。]{{0,6}}{0}"


def check(text: ItemText, context: LintContext) -> Iterator[Hit]:
    """Point at abbreviations of the stem that are neither well known nor explained."""
    unknown = [
        word
        for word in dict.fromkeys(_ABBREVIATION.findall(_without_formulas(text.stem)))
        if not _is_known(word, context) and not re.search(_EXPLAINED.format(re.escape(word)), text.stem)
    ]
    asked = re.search(r"简称|缩写|英文|全称|含义|表示|是指|指的是|代表|代号|符号|字母", text.stem)
    if unknown and not asked:
        words = "、".join(unknown)
        yield Hit("stem", N_("缩写“%(words)s”没有说明，首次出现时请写出中文全称"), {"words": words})


def _without_formulas(stem: str) -> str:
    return re.sub(r"\\\(.*?\\\)", " ", stem)


def _is_known(word: str, context: LintContext) -> bool:
    if word in WELL_KNOWN or word in context.abbreviations:
        return True
    return bool(
        _CODE.match(word) or (any(sign.isdigit() for sign in word) and _FORMULA.match(word)) or _ELEMENTS.match(word)
    )


RULE = LintRule(
    id="abbreviations",
    title=N_("缩写没有说明"),
    explanation=N_("职业标准和教材中不通用的缩写，首次出现时写出中文全称；本机构认为通用的缩写可加入词表。"),
    bad=N_("AGV 的导航方式不包括（　）。"),
    good=N_("自动导引车（AGV）的导航方式有（　）。"),
    check=check,
    severity=Severity.NOTE,
)
