"""What the printed documents of certification are told; texts stand as they shall appear."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from certification.rules.english_names import NO_ENGLISH, EnglishNames
from certification.rules.levels import DOCUMENTS, DocumentKind, DocumentWording

NO_TRADE = "--"  # the style notice: never empty
QUERY_ADDRESSES = (
    ("证书信息查询", "http://jndj.osta.org.cn"),
    ("机构信息查询", "http://pjjg.osta.org.cn"),
)


@dataclass(frozen=True, slots=True)
class CertificateSheet:
    """One certificate; `body_name` exactly as filed, `verify_address` goes into the QR code and holds no personal data."""

    body_name: str
    name: str
    id_kind: str
    id_number: str
    occupation: str
    trade: str
    skill_level: str
    certificate_number: str
    issued_on: dt.date
    verify_address: str
    photo: bytes | None = None
    query_addresses: tuple[tuple[str, str], ...] = QUERY_ADDRESSES
    print_serial: str = ""
    watermark: str = ""
    is_bilingual: bool = False
    english: EnglishNames = NO_ENGLISH
    expires_on: dt.date | None = None
    signed_statement: str = ""
    wording: DocumentWording = DOCUMENTS[DocumentKind.SKILL_LEVEL]


@dataclass(frozen=True, slots=True)
class PublicityRow:
    """One person of the publicity list; the identity number comes masked, scores as they shall appear."""

    name: str
    masked_id_number: str
    occupation: str
    skill_level: str
    theory: str
    skills: str
    review: str
    outcome: str
    further: tuple[str, ...] = ()
    """What the further components of the list gave, in their order."""
    route: str = ""
    """The route that passed the person in place of all components; it stands where the scores would."""


@dataclass(frozen=True, slots=True)
class PublicityList:
    """The results of a batch as they are shown to the public."""

    body_name: str
    batch_name: str
    starts_on: dt.date
    ends_on: dt.date
    n_working_days: int
    contact: str
    published_on: dt.date
    rows: tuple[PublicityRow, ...]
    further: tuple[str, ...] = ()
    """Titles of the components beside theory, skill and review that the level has."""
