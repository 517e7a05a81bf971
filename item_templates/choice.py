"""What choice items share: options, shuffling, letters in cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from item_templates import checks, forms
from item_templates.base import BaseType, is_omitted, json_list, list_of_strings
from item_templates.contract import Choice, Finding, Interaction, ItemContent, Json, ResponseFormatError
from item_templates.findings import finding
from item_templates.markup import plain_text
from kernel.i18n import N_

_REFERS = re.compile(
    r"以上|上述|前述|前面|上面|下列|其他选项|其它选项|两者|二者|三者|四者|两项|三项|四项|各项|"
    r"都(?:对|不对|是|不是|正确|不正确|错|可|不|有|行|符合|属于|包括)|全(?:都|部)?(?:对|是|正确|不对|错|选)|皆|"
    r"(?<![平人年月日户头件])均(?![匀衡值线方摊分等势压])|"
    r"all of|none of|both|neither|the above",
    re.IGNORECASE,
)
_CELL_SEPARATORS = re.compile(r"[;；,，、|\s]+")


class ChoiceType(BaseType):
    """An item with options of which ids are picked."""

    interaction = Interaction.CHOICE
    has_choices: ClassVar[bool] = True

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on options, key and option weights."""
        yield from checks.check_choices(content.choices)
        yield from self.check_key(content)
        yield from check_weights(content, self.key_ids(content))

    def check_key(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the key."""
        raise NotImplementedError

    def key_ids(self, content: ItemContent) -> list[str]:
        """Return the ids of the key; empty when there is no usable key."""
        raise NotImplementedError

    def most_picks(self, content: ItemContent) -> int:
        """Return how many options a candidate may pick."""
        raise NotImplementedError

    def max_parts(self, content: ItemContent) -> int:
        """Return how many options a candidate may pick."""
        return self.most_picks(content)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return options and how many may be picked."""
        return {"choices": delivered(content.choices), "max_choices": self.most_picks(content)}

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say no where an option speaks of another one."""
        return not any(refers_to_others(choice, content.choices) for choice in content.choices)

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return the picked ids in the order of the options; raises ResponseFormatError for an unknown one."""
        parts = list_of_strings(raw, most=len(content.choices))
        if is_omitted(parts):
            return []
        ids = [choice.id for choice in content.choices]
        if len(set(parts)) != len(parts) or not set(parts) <= set(ids):
            raise ResponseFormatError(N_("作答含有这道题没有的选项，或重复的选项"))
        if len(parts) > self.most_picks(content):
            raise ResponseFormatError(N_("作答的项数超过这道题允许的数目"))
        return [choice_id for choice_id in ids if choice_id in parts]

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the ids in a cell; what is no id stays as it is and will be scored wrong."""
        return cell_ids(text, content.choices)

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share for the picked ids, by option weights where there are any."""
        key = self.key_ids(content)
        if not key:
            return None
        picked = picked_ids(response)
        known = {choice.id for choice in content.choices}
        if not picked or not picked <= known or len(picked) > self.most_picks(content):
            return Decimal(0)
        if picked == set(key):
            return Decimal(1)
        weights = content.scoring.get("weights")
        if isinstance(weights, dict) and weights:
            return weighted(weights, picked, allow_negative=content.scoring.get("allow_negative") is True)
        return self.share(content, picked, set(key))

    def share(self, content: ItemContent, picked: set[str], key: set[str]) -> Decimal:
        """Return the share of a set of picks that is not the key."""
        del content, picked, key
        return Decimal(0)

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the options and the key of the form."""
        picked = [value.strip() for value in fields.get("key", ()) if value.strip()]
        return replace(content, choices=forms.choices_of(fields), key=self.key_from_picks(picked))

    def key_from_picks(self, picked: list[str]) -> Json:
        """Return the key for the rows marked in the form."""
        raise NotImplementedError


def refers_to_others(choice: Choice, choices: Sequence[Choice]) -> bool:
    """Say whether an option speaks of other options, so that the order must stay.

    Examples
    --------
    >>> options = [Choice("A", "铁"), Choice("B", "铜"), Choice("C", "A和B都对"), Choice("D", "平均值")]
    >>> [refers_to_others(one, options) for one in options]
    [False, False, True, False]
    """
    text = plain_text(choice.content)
    letters = "".join(one.id for one in choices if len(one.id) == 1 and one.id.isascii() and one.id.isalpha())
    if not letters:
        return bool(_REFERS.search(text))
    one = rf"(?<![A-Za-z0-9])[{letters}]"
    several = rf"{one}(?:项|选项)?\s*(?:[和与及或、，,+＋&/]|以及)\s*[{letters}](?![A-Za-z0-9])"
    together = rf"{one}[{letters}]+(?=都|均|两|三|项|正确|$)|选项\s*[{letters}]|{one}\s*项"
    return bool(_REFERS.search(text) or re.search(several, text) or re.search(together, text))


def delivered(choices: Sequence[Choice]) -> list[dict[str, str]]:
    """Return options as the delivery view carries them."""
    return [{"id": choice.id, "content": choice.content} for choice in choices]


def picked_ids(response: Sequence[Json]) -> set[str]:
    """Return the distinct ids of a response; a part that is no string becomes one that no option has."""
    parts = [response] if isinstance(response, str) else response
    return {part.strip() if isinstance(part, str) else "\x00" for part in parts if not is_omitted(part)}


def cell_ids(text: str, choices: Sequence[Choice]) -> list[Json]:
    """Return the option ids of one cell of a response sheet: ``A;C``, ``ac``, ``["A", "C"]``.

    Examples
    --------
    >>> cell_ids("ｃA", [Choice("A", ""), Choice("C", "")]), cell_ids("A;X", [Choice("A", "")])
    (['C', 'A'], ['A', 'X'])
    """
    listed = json_list(text)
    if listed is not None:
        return listed
    known = {choice.id.casefold(): choice.id for choice in choices}
    tokens = [token for token in _CELL_SEPARATORS.split(text.strip()) if token]
    return list(dict.fromkeys(choice_id for token in tokens for choice_id in _ids_of(token, known)))


def _ids_of(token: str, known: dict[str, str]) -> list[str]:
    folded = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in token).casefold()
    if folded in known:
        return [known[folded]]
    if all(sign in known for sign in folded):
        return [known[sign] for sign in folded]
    return [token]


def weighted(weights: dict[str, Json], picked: set[str], *, allow_negative: bool) -> Decimal:
    """Return the sum of the picked options' weights, at most 1 and at least 0 (-1 with negative marks)."""
    total = sum((checks.as_decimal(weights.get(one, 0)) or Decimal(0) for one in picked), Decimal(0))
    return max(Decimal(-1 if allow_negative else 0), min(Decimal(1), total))


def check_weights(content: ItemContent, key: Sequence[str]) -> Iterable[Finding]:
    """Return findings on option weights: unknown option, no number in [-1, 1], key not worth the whole."""
    weights = content.scoring.get("weights")
    if not weights:
        return
    if not isinstance(weights, dict):
        yield finding("bad_weights", N_("选项权重应是选项标号到比例的对照"), field="scoring")
        return
    ids = {choice.id for choice in content.choices}
    values = {name: checks.as_decimal(value) for name, value in weights.items()}
    for name, value in values.items():
        if name not in ids:
            yield finding("weight_without_choice", N_("选项权重里的 %(id)s 不是选项"), field="scoring", id=name)
        elif value is None or abs(value) > 1:
            yield finding("bad_weight", N_("选项 %(id)s 的权重必须在 -1 与 1 之间"), field="scoring", id=name)
    total = sum((values.get(name) or Decimal(0) for name in key), Decimal(0))
    if key and abs(total - 1) > Decimal("0.001"):
        template = N_("正确选项的权重合计应为 1，现在是 %(total)s")
        yield finding("weights_of_key", template, field="scoring", total=str(total))
