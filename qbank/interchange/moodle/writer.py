"""Write items as Moodle XML; what Moodle cannot carry is found by reading the file back, and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from item_templates import registry
from item_templates.contract import CanonicalItem, Interaction, ItemContent
from item_templates.markup import from_plain, media_ids, plain_text
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.describing import rubric_text
from qbank.interchange.model import Notice
from qbank.interchange.moodle import answers as meanings
from qbank.interchange.moodle.cloze import write_cloze
from qbank.interchange.moodle.reader import TOP, entry_name, read_moodle
from qbank.interchange.moodle.tags import write_tags
from qbank.interchange.moodle.texts import TextWriter, add_text
from qbank.interchange.proof import is_automatic, losses_of, refusal

LABEL = "Moodle XML"
LISTED = "100 90 83.33333 80 75 70 66.66667 60 50 40 33.33333 30 25 20 16.66667 14.28571 12.5 11.11111 10 5 0"
LISTED_FRACTIONS = frozenset(map(Decimal, LISTED.split()))


class _NotCarriedError(Exception):
    """Moodle has no question that asks and scores as this item does; the message says why."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One question while it is being written."""

    item: CanonicalItem
    element: etree._Element
    texts: TextWriter

    @property
    def content(self) -> ItemContent:
        """The content of the item."""
        return self.item.content

    def set(self, **values: str) -> None:
        """Add settings as plain elements."""
        for name, value in values.items():
            add_text(self.element, name, value)

    def answer(self, text: str, fraction: Decimal, *, is_plain: bool = False) -> etree._Element:
        """Add an answer that earns a share of the marks."""
        percent = meanings.percent(fraction)
        if not is_plain:
            return self.texts.write(self.element, "answer", text, fraction=percent)
        element = etree.SubElement(self.element, "answer", fraction=percent, format="moodle_auto_format")
        add_text(element, "text", text)
        return element


def write_moodle(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the file and what it could not carry; `media` holds the pictures by digest."""
    root = etree.Element("quiz")
    written: list[tuple[str, CanonicalItem]] = []
    losses: list[Notice] = []
    category = ""
    for item in items:
        try:
            element = _entry(item, media)
        except _NotCarriedError as error:
            losses.append(Notice(f"item {item.id}", "item", str(error)))
            continue
        category = _open_category(root, item, category)
        root.append(element)
        written.append((f"item {len(written) + 1}", item))
        losses += _fraction_losses(item)
    data = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return data, losses + (losses_of(written, read_moodle(data), LABEL) if written else [])


def _open_category(root: etree._Element, item: CanonicalItem, current: str) -> str:
    named = item.metadata.get("category")
    wanted = named if isinstance(named, str) else ""
    if wanted != current:
        element = etree.SubElement(root, "question", type="category")
        add_text(etree.SubElement(element, "category"), "text", wanted or TOP)
    return wanted


def _entry(item: CanonicalItem, media: Mapping[str, bytes]) -> etree._Element:
    reason = refusal(item.content, LABEL)
    if reason:
        raise _NotCarriedError(reason)
    interaction = registry.get(item.content.type).interaction
    kind, write, default_type = _WRITERS.get(interaction, ("", None, ""))
    if interaction is Interaction.EXTENDED_TEXT and is_automatic(item.content):
        kind, write, default_type = "shortanswer", _shortanswer, "short_answer"
    elif interaction is Interaction.CHOICE:
        default_type = "single_choice" if isinstance(item.content.key, str) else "multiple_choice"
    if write is None:
        label = registry.get(item.content.type).label
        raise _NotCarriedError(N_("Moodle XML 没有对应的题型，%(type)s未写出") % {"type": label})
    draft = Draft(item, etree.Element("question", type=kind), TextWriter.of(item.content.media, media))
    _head(draft, write_cloze(item.content) if kind == "cloze" else item.content.stem)
    write(draft)
    _tags(draft, default_type)
    return draft.element


def _head(draft: Draft, stem: str) -> None:
    metadata = draft.item.metadata
    name = metadata.get("name")
    title = name if isinstance(name, str) and name else entry_name(draft.content.stem)
    add_text(etree.SubElement(draft.element, "name"), "text", title)
    draft.texts.write(draft.element, "questiontext", stem)
    draft.texts.write(draft.element, "generalfeedback", draft.content.explanation)
    draft.set(
        defaultgrade=decimal_text(draft.content.score),
        penalty=str(metadata.get("penalty", "0.3333333")),
        hidden="1" if metadata.get("hidden") is True else "0",
        idnumber=draft.item.id,
    )


def _tags(draft: Draft, default_type: str) -> None:
    tags = write_tags(draft.item, default_type=default_type)
    parent = etree.SubElement(draft.element, "tags") if tags else draft.element
    for tag in tags:
        add_text(etree.SubElement(parent, "tag"), "text", tag)


def _multichoice(draft: Draft) -> None:
    content = draft.content
    shuffles = draft.item.metadata.get("shuffleanswers", True) is not False
    draft.set(
        single="true" if isinstance(content.key, str) else "false",
        shuffleanswers="true" if shuffles else "false",
        answernumbering="ABCD",
    )
    for choice, fraction in zip(content.choices, meanings.fractions_of(content), strict=True):
        draft.answer(choice.content, fraction)


def _truefalse(draft: Draft) -> None:
    for word, verdict in (("true", True), ("false", False)):
        draft.answer(word, Decimal(draft.content.key is verdict), is_plain=True)


def _shortanswer(draft: Draft) -> None:
    draft.set(usecase="1" if draft.content.scoring.get("case_sensitive") is True else "0")
    for text in draft.content.key:
        draft.answer(meanings.guard_wildcards(text), Decimal(1), is_plain=True)


def _numerical(draft: Draft) -> None:
    key = draft.content.key
    answer = draft.answer(decimal_text(Decimal(str(key["value"]))), Decimal(1), is_plain=True)
    add_text(answer, "tolerance", decimal_text(Decimal(str(key.get("tolerance") or 0))))
    if key.get("unit"):
        unit = etree.SubElement(etree.SubElement(draft.element, "units"), "unit")
        add_text(unit, "multiplier", "1")
        add_text(unit, "unit_name", key["unit"])
        draft.set(unitgradingtype="0", unitpenalty="0.1", showunits="0", unitsleft="0")
    else:
        draft.set(showunits="3")


def _matching(draft: Draft) -> None:
    content = draft.content
    partner = dict(content.key["pairs"])
    n_pairs = len(content.key["pairs"])
    if n_pairs != len(partner) or n_pairs != len(content.choices):
        raise _NotCarriedError(N_("Moodle 的匹配题要求第一列每项恰有一个对应项，本题未写出"))
    if any(media_ids(target.content) for target in content.targets):
        raise _NotCarriedError(N_("Moodle 的匹配题第二列只能是文字，本题含图片，未写出"))
    draft.set(shuffleanswers="true")
    by_id = {target.id: plain_text(target.content) for target in content.targets}
    place = {target.id: str(number) for number, target in enumerate(content.targets, 1)}
    unused = [target.id for target in content.targets if target.id not in partner.values()]
    rows = [(choice.content, partner[choice.id]) for choice in content.choices] + [("", one) for one in unused]
    for text, target_id in rows:
        element = draft.texts.write(draft.element, "subquestion", text)
        add_text(etree.SubElement(element, "answer", listed=place[target_id]), "text", by_id[target_id])


def _essay(draft: Draft) -> None:
    draft.set(responseformat="editor", responserequired="1", responsefieldlines="15", attachments="0")
    draft.texts.write(draft.element, "graderinfo", from_plain(rubric_text(draft.content.rubric)))


def _cloze(draft: Draft) -> None:
    """The answers stand in the text; nothing is to be added."""
    del draft


def _ordering(draft: Draft) -> None:
    content = draft.content
    is_exact = content.scoring.get("method", "exact") == "exact"
    draft.set(
        layouttype="VERTICAL",
        selecttype="ALL",
        selectcount="0",
        gradingtype="ALL_OR_NOTHING" if is_exact else "ABSOLUTE_POSITION",
        showgrading="SHOW",
        numberingstyle="none",
    )
    place = {choice.id: (number, choice.content) for number, choice in enumerate(content.choices, 1)}
    for number, choice_id in enumerate(content.key, 1):
        listed, text = place[choice_id]
        draft.texts.write(draft.element, "answer", text, fraction=str(number), listed=str(listed))


_WRITERS: Mapping[Interaction, tuple[str, Callable[[Draft], None] | None, str]] = {
    Interaction.CHOICE: ("multichoice", _multichoice, "multiple_choice"),
    Interaction.TRUE_FALSE: ("truefalse", _truefalse, "true_false"),
    Interaction.TEXT_ENTRY: ("cloze", _cloze, "fill_in"),
    Interaction.NUMBER: ("numerical", _numerical, "numeric"),
    Interaction.MATCH: ("matching", _matching, "matching"),
    Interaction.ORDER: ("ordering", _ordering, "ordering"),
    Interaction.EXTENDED_TEXT: ("essay", _essay, "essay"),
}


def _fraction_losses(item: CanonicalItem) -> list[Notice]:
    """Name the percentages that Moodle's own list does not have: its import refuses or rounds them."""
    if registry.get(item.content.type).interaction is not Interaction.CHOICE:
        return []
    strange = [
        meanings.percent(one)
        for one in meanings.fractions_of(item.content)
        if all(abs(abs(one * 100) - listed) > Decimal("0.00001") for listed in LISTED_FRACTIONS)
    ]
    message = N_("Moodle 没有得分比例 %(percents)s%%，导入 Moodle 时须选“取最接近的分数”")
    shown = "、".join(dict.fromkeys(strange))
    return [Notice(f"item {item.id}", "fraction", message % {"percents": shown})] if strange else []
