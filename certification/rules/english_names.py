"""The English beside the Chinese of a certificate (中英文对照): whether there is any, and the names of what it states. Pure.

An installation writes each name once, ``职业名称=English name`` a line; what has no English name keeps its Chinese line only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

BILINGUAL = "certification.is_bilingual"
ENGLISH_NAMES = "certification.english_names"
MAX_NAME = 60
DEFAULT_NAMES = """\
# 每行一条：中文名称=英文名称。可写机构、职业、工种、等级和专项职业能力；没有写的只印中文。
五级/初级工=Level 5
四级/中级工=Level 4
三级/高级工=Level 3
二级/技师=Level 2
一级/高级技师=Level 1"""


@dataclass(frozen=True, slots=True)
class EnglishNames:
    """English names that stand under the Chinese ones; an empty one is not printed."""

    body: str = ""
    occupation: str = ""
    trade: str = ""
    skill_level: str = ""


NO_ENGLISH = EnglishNames()


def parse_names(text: str) -> dict[str, str]:
    r"""Return English names by their Chinese ones; lines that begin with ``#`` are notes.

    Examples
    --------
    >>> parse_names("# 等级\n三级/高级工 = Level 3")
    {'三级/高级工': 'Level 3'}

    Raises
    ------
    InvalidInputError
        If a line has no equals sign, lacks a name, holds other than plain English, or repeats a name.
    """
    found: dict[str, str] = {}
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        chinese, _separator, english = (part.strip() for part in line.replace("＝", "=").partition("="))
        if not chinese or not english or not english.isascii() or len(english) > MAX_NAME:
            message = N_("英文名称“%(line)s”应写作 中文名称=英文名称，英文不超过 %(limit)s 个字符")
            raise InvalidInputError(message, line=line, limit=MAX_NAME)
        if found.setdefault(chinese, english) != english:
            raise InvalidInputError(N_("“%(name)s”写了两个不同的英文名称，请只留一个"), name=chinese)
    return found


def english_names(
    values: Mapping[str, Any], *, body: str, occupation: str, trade: str, skill_level: str
) -> EnglishNames:
    """Return the English names of what one certificate states; empty where none is written."""
    known = parse_names(str(values[ENGLISH_NAMES]))
    return EnglishNames(*(known.get(name.strip(), "") for name in (body, occupation, trade, skill_level)))


@dataclass(frozen=True, slots=True)
class EnglishNamesKey(RuleKey):
    """The English names of a rule profile, read before they are published."""

    def check(self, candidate: Any) -> Any:
        """Return the text; raises InvalidInputError that names the line."""
        parse_names(str(candidate))
        return candidate


declare(
    RuleKey(BILINGUAL, False, N_("证书印制中英文对照")),
    EnglishNamesKey(ENGLISH_NAMES, DEFAULT_NAMES, N_("证书上的英文名称（机构、职业、工种、等级）")),
)
