"""How long each kind of record is kept, as values of the rule profile, and up to which day it is due. Pure.

Electronic archives are kept for five years by custom (DOMAIN 7: paper 3, electronic 5, video 3 years). Certificates, their
numbers, decisions, scores and the journal are the ledger itself and are never erased; what names a person beside them is.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
from collections.abc import Mapping

from certification.rules.part_scores import PART_MONTHS
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class RetentionKind(enum.StrEnum):
    """A kind of record that a rule keeps for a while."""

    PEOPLE = "people"
    PHOTOS = "photos"
    DOCUMENTS = "documents"
    PACKS = "packs"
    PROOFS = "proofs"
    SENIORS = "seniors"
    CANDIDATES = "candidates"
    EXAM_PHOTOS = "exam_photos"
    EXAM_DOCUMENTS = "exam_documents"


KIND_LABELS: Mapping[RetentionKind, str] = {
    RetentionKind.PEOPLE: N_("未取得证书的考生个人信息"),
    RetentionKind.PHOTOS: N_("考生照片"),
    RetentionKind.DOCUMENTS: N_("打印用的证书文件"),
    RetentionKind.PACKS: N_("证据包和归档卷文件"),
    RetentionKind.PROOFS: N_("考核佐证材料文件"),
    RetentionKind.SENIORS: N_("未聘任的特级技师、首席技师申报信息和材料"),
    RetentionKind.CANDIDATES: N_("考务中未取得证书的考生信息"),
    RetentionKind.EXAM_PHOTOS: N_("考务中的考生照片"),
    RetentionKind.EXAM_DOCUMENTS: N_("准考证、签到表等考场文件"),
}
YEARS_KEYS: Mapping[RetentionKind, str] = {kind: f"certification.keep_{kind.value}_years" for kind in RetentionKind}
_MONTHS = 12
_YEARS = {
    RetentionKind.PEOPLE: 5, RetentionKind.PHOTOS: 0, RetentionKind.DOCUMENTS: 1, RetentionKind.PACKS: 5,
    RetentionKind.PROOFS: 5, RetentionKind.SENIORS: 5, RetentionKind.CANDIDATES: 5, RetentionKind.EXAM_PHOTOS: 5,
    RetentionKind.EXAM_DOCUMENTS: 3,
}  # fmt: skip
LIKE_PEOPLE = frozenset({RetentionKind.PEOPLE, RetentionKind.CANDIDATES, RetentionKind.PROOFS})
"""Kinds that are kept at least as long as a part that somebody passed counts."""
_KEY_LABELS = {
    RetentionKind.PEOPLE: N_("未取得证书的考生个人信息保存年限（0 为不删除）"),
    RetentionKind.PHOTOS: N_("考生照片保存年限（0 为不删除）"),
    RetentionKind.DOCUMENTS: N_("打印用的证书文件保存年限（0 为不删除）"),
    RetentionKind.PACKS: N_("证据包和归档卷文件保存年限（0 为不删除）"),
    RetentionKind.PROOFS: N_("考核佐证材料文件保存年限（0 为不删除）"),
    RetentionKind.SENIORS: N_("未聘任的特级技师、首席技师申报信息和材料保存年限（0 为不删除）"),
    RetentionKind.CANDIDATES: N_("考务中未取得证书的考生信息保存年限（0 为不删除）"),
    RetentionKind.EXAM_PHOTOS: N_("考务中的考生照片保存年限（0 为不删除）"),
    RetentionKind.EXAM_DOCUMENTS: N_("准考证、签到表等考场文件保存年限（0 为不删除）"),
}

declare(
    *(
        RuleKey(YEARS_KEYS[kind], _YEARS[kind], _KEY_LABELS[kind], "3–5", minimum=0, maximum=50)
        for kind in RetentionKind
    )
)


def kept_until(kind: RetentionKind, today: dt.date, values: Mapping[str, object]) -> dt.date | None:
    """Return the day before which records of a kind are due, None where the rule keeps them for good.

    People and what proves their parts are kept at least as long as a part they passed counts.

    Examples
    --------
    >>> values = {YEARS_KEYS[RetentionKind.PEOPLE]: 1, YEARS_KEYS[RetentionKind.PHOTOS]: 0, PART_MONTHS: 24}
    >>> kept_until(RetentionKind.PEOPLE, dt.date(2028, 2, 29), values)
    datetime.date(2026, 2, 28)
    >>> kept_until(RetentionKind.PHOTOS, dt.date(2028, 2, 29), values) is None
    True
    """
    years = int(str(values[YEARS_KEYS[kind]]))
    if not years:
        return None
    months = years * _MONTHS
    if kind in LIKE_PEOPLE:
        months = max(months, int(str(values[PART_MONTHS])))
    return _months_before(today, months)


def _months_before(day: dt.date, n_months: int) -> dt.date:
    years, month = divmod(day.year * _MONTHS + day.month - 1 - n_months, _MONTHS)
    return dt.date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))
