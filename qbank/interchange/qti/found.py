"""What one interaction of a file became: a content of ours, and how its answers are put into the file's variables."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lxml.etree import _Element

from item_templates.contract import Choice, ItemContent
from kernel.i18n import N_
from qbank.interchange.qti.declarations import Response
from qbank.interchange.qti.flow import Flow
from qbank.interchange.qti.notes import Notes
from qbank.interchange.qti.tree import text_of
from qbank.interchange.reading import SkippedRecord

Given = Mapping[str, Sequence[str]]
Encode = Callable[[Sequence[Any]], dict[str, list[str]]]
PREFIX = "id_"


@dataclass(slots=True)
class Context:
    """The item around an interaction."""

    flow: Flow
    notes: Notes
    responses: dict[str, Response]
    processing: _Element | None

    def response(self, interaction: _Element) -> Response:
        """Return the variable that an interaction fills; raises SkippedRecord when it is not declared."""
        found = self.responses.get(interaction.get("responseIdentifier", ""))
        if found is None:
            raise SkippedRecord("qti_no_response", N_("交互没有声明对应的作答变量，无法得知答案"))
        return found

    def literals(self, identifier: str) -> list[str]:
        """Return the texts with which the rules compare a variable."""
        if self.processing is None:
            return []
        found = []
        for operator in self.processing.iter("match", "stringMatch", "equal"):
            names = [one.get("identifier") for one in operator.findall("variable")]
            if identifier in names:
                found += [text_of(one) for one in operator.findall("baseValue")]
        return found


@dataclass(slots=True)
class Taken:
    """A content without stem, its variables, and the worth of single answers in canonical ids."""

    content: ItemContent
    encode: Encode
    worth: dict[str, Decimal] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    is_numeric: bool = False
    pair_limit: int = 1


def encode_id(name: str, prefix: str = PREFIX) -> str:
    """Return a QTI identifier for an id of ours; letters that identifiers do not allow are written as numbers.

    Examples
    --------
    >>> encode_id("A"), encode_id("1"), encode_id("甲")
    ('A', 'id_1', 'id__7532_')
    """
    if prefix == PREFIX and re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", name) and not name.startswith(PREFIX):
        return name
    return prefix + re.sub(r"[^A-Za-z0-9.-]", lambda match: f"_{ord(match[0]):x}_", name)


def decode_id(name: str, prefix: str = PREFIX) -> str:
    """Return the id of ours for an identifier that `encode_id` made; any other stays as it is."""
    if not name.startswith(prefix):
        return name
    plain = re.sub(r"_([0-9a-f]{1,6})_", _character, name.removeprefix(prefix))
    return plain if plain and encode_id(plain, prefix) == name else name


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def letters(names: Sequence[str]) -> dict[str, str]:
    """Return an id of ours for each identifier: letters stay letters, names of other programs become A, B, C.

    Examples
    --------
    >>> letters(["A", "id_1"]), letters(["ChoiceA", "ChoiceB"])
    ({'A': 'A', 'id_1': '1'}, {'ChoiceA': 'A', 'ChoiceB': 'B'})
    """
    plain = {name: decode_id(name) for name in names}
    ours = all(plain[name] != name or re.fullmatch(r"[A-Z]", name) for name in names)
    if ours or len(names) > len(string.ascii_uppercase):
        return plain
    return dict(zip(names, string.ascii_uppercase, strict=False))


def choices_of(elements: Sequence[_Element], ids: Mapping[str, str], flow: Flow) -> tuple[Choice, ...]:
    """Return the options that elements are."""
    return tuple(Choice(ids[one.get("identifier", "")], flow.html(one)) for one in elements)


def identifiers(elements: Sequence[_Element]) -> list[str]:
    """Return the identifiers of options; raises SkippedRecord when two are the same."""
    names = [one.get("identifier", "") for one in elements]
    if len(set(names)) != len(names) or "" in names:
        raise SkippedRecord("ambiguous_options", N_("选项的标识缺失或重复，无法确定各选项"))
    return names


def best_entries(response: Response) -> list[str]:
    """Return the values that a mapping gives the most, none where nothing is above zero."""
    entries = response.mapping.entries if response.mapping else ()
    most = max((one.value for one in entries), default=Decimal(0))
    return [one.key for one in entries if one.value == most and most > 0]


def worth_of(response: Response, ids: Mapping[str, str]) -> dict[str, Decimal]:
    """Return what single answers are worth, by ids of ours."""
    if response.mapping is None:
        return {}
    worth = dict.fromkeys(ids.values(), response.mapping.default)
    return worth | {ids[one.key]: one.value for one in response.mapping.entries if one.key in ids}


def no_key() -> SkippedRecord:
    """Return the refusal of an item without key."""
    return SkippedRecord("no_key", N_("没有答案"))
