"""Short answer: a short text, compared with accepted strings where there are any, else marked by a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import checks, forms
from item_templates.base import accepted_strings, json_list
from item_templates.contract import Finding, ItemContent, Json
from item_templates.findings import KeyTextError, finding
from item_templates.keys import strip_label
from item_templates.marked import MarkedType, answer_as_rubric
from item_templates.text_match import is_accepted
from kernel.i18n import N_

LONGEST_ACCEPTED_TEXT = 30
"""A key text longer than this is a reference answer: nobody types it letter by letter, so a person marks."""


class ShortAnswer(MarkedType):
    """A list of accepted strings, or None with scoring points.

    Notes
    -----
    A response that equals an accepted string is correct. Any other is wrong under ``{"method": "exact"}`` and goes to a
    marker under ``{"method": "marked"}``. When no method is written, it is wrong if all accepted strings are short
    (up to 30 characters in one line) and there are no scoring points, and goes to a marker otherwise.
    """

    name = "short_answer"
    label = N_("简答题")
    aliases = ("简答", "问答题", "问答", "short answer", "shortanswer", "名词解释", "jianda")
    position = 60
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "marked": N_("人工评分"),
        "exact": N_("与可接受的答案相同即得分，不同不得分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on accepted strings and scoring points; one of the two is needed."""
        accepted = _accepted(content)
        if content.key is not None and not accepted:
            yield finding("bad_key", N_("可接受的答案必须是非空字符串的列表"), field="key")
        if not accepted and content.scoring.get("method") == "exact":
            yield finding("no_key", N_("自动评分需要至少一个可接受的答案"), field="key")
        yield from checks.check_rubric(content, required=not accepted)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return 1 for an accepted text; for another 0, or None where a person must say."""
        accepted = _accepted(content)
        if not accepted:
            return None
        text = response[0] if len(response) == 1 else None
        if isinstance(text, str) and is_accepted(text, accepted, content.scoring):
            return Decimal(1)
        return Decimal(0) if is_automatic(content) else None

    def key_text(self, content: ItemContent) -> str:
        """Return the accepted strings apart by ``|``, or JSON where one holds that sign."""
        accepted = _accepted(content)
        written = "|".join(accepted)
        if not accepted or _split(written) == accepted:
            return written
        return json.dumps(accepted, ensure_ascii=False)

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the accepted strings of a cell; a long text is one of them, see `is_automatic`."""
        del content
        listed = json_list(text)
        if listed is not None:
            return self.normalise_key(listed)
        found = _split(text)
        if not found:
            raise KeyTextError(N_("没有写答案"))
        return found

    def normalise_key(self, key: Json) -> Json:
        """Return a list of strings, or None when there are none."""
        return accepted_strings(key) if key else None

    def with_answer(self, content: ItemContent, text: str) -> ItemContent:
        """Return the content with short accepted strings as key, or a longer reference answer as scoring point."""
        key = self.parse_key(text, content)
        if all(map(_is_short, key)):
            return replace(content, key=key)
        return answer_as_rubric(content, text)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with accepted strings and scoring points of the form."""
        accepted = [text.strip() for text in fields.get("accepted", ()) if text.strip()]
        return replace(super().fill_from_form(content, fields), key=accepted or None)


def is_automatic(content: ItemContent) -> bool:
    """Say whether a text that is not accepted is wrong without anybody looking at it.

    Examples
    --------
    >>> is_automatic(ItemContent("short_answer", "铁的符号？", key=["Fe"]))
    True
    >>> is_automatic(ItemContent("short_answer", "铁的符号？", key=["Fe"], rubric=({"text": "Fe", "score": "1"},)))
    False
    """
    method = content.scoring.get("method")
    if method in ("exact", "marked"):
        return bool(method == "exact")
    accepted = _accepted(content)
    return bool(accepted) and not content.rubric and all(map(_is_short, accepted))


def _accepted(content: ItemContent) -> list[str]:
    key = content.key
    return [one for one in key if isinstance(one, str) and one.strip()] if isinstance(key, list | tuple) else []


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST_ACCEPTED_TEXT and "\n" not in text


def _split(text: str) -> list[str]:
    return [one.strip() for one in strip_label(text).replace("｜", "|").split("|") if one.strip()]


TYPE = ShortAnswer()
