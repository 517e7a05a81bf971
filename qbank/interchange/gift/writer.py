"""Write items as GIFT; what GIFT cannot carry is found by reading the text back, and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from item_templates import registry
from item_templates.contract import BLANK_MARK, CanonicalItem, Interaction, ItemContent
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.gift.lexing import escape
from qbank.interchange.gift.reader import read_gift
from qbank.interchange.model import Notice
from qbank.interchange.moodle import answers as meanings
from qbank.interchange.moodle.reader import TOP, entry_name
from qbank.interchange.moodle.tags import write_tags
from qbank.interchange.proof import is_automatic, losses_of, refusal

LABEL = "GIFT"


class _NotCarriedError(Exception):
    """GIFT has no question that asks and scores as this item does; the message says why."""


def write_gift(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the text (UTF-8) and what it could not carry; pictures never."""
    del media
    blocks: list[str] = []
    written: list[tuple[str, CanonicalItem]] = []
    losses: list[Notice] = []
    category = ""
    for item in items:
        try:
            text = _entry(item)
        except _NotCarriedError as error:
            losses.append(Notice(f"item {item.id}", "item", str(error)))
            continue
        wanted = item.metadata.get("category")
        wanted = wanted if isinstance(wanted, str) else ""
        if wanted != category:
            blocks.append(f"$CATEGORY: {' '.join((wanted or TOP).split())}")
            category = wanted
        blocks.append(text)
        written.append((f"item {len(written) + 1}", item))
    text = "\n\n".join(blocks) + "\n"
    return text.encode("utf-8", "replace"), losses + losses_of(written, read_gift(text), LABEL)


def _entry(item: CanonicalItem) -> str:
    content = item.content
    reason = refusal(content, LABEL)
    if reason:
        raise _NotCarriedError(reason)
    interaction = registry.get(content.type).interaction
    default_type, write = _WRITERS.get(interaction, ("", None))
    if interaction is Interaction.EXTENDED_TEXT and is_automatic(content):
        default_type, write = "short_answer", _accepted
    elif interaction is Interaction.CHOICE:
        default_type = "single_choice" if isinstance(content.key, str) else "multiple_choice"
    elif interaction is Interaction.TEXT_ENTRY:
        default_type = ""  # a blank at the end of the stem looks like a short answer: the tag tells
    if write is None:
        label = registry.get(content.type).label
        raise _NotCarriedError(N_("GIFT 没有对应的题型，%(type)s未写出") % {"type": label})
    explanation = f"####{escape(content.explanation)}" if content.explanation else ""
    block = f"{{{write(content)}{explanation}}}"
    if interaction is Interaction.TEXT_ENTRY:
        before, after = BLANK_MARK.split(content.stem)[0::2]
        body = f"{escape(before)}{block}{escape(after)}"
    else:
        body = f"{escape(content.stem)} {block}"
    return "\n".join([*_comment(item, default_type), f"::{escape(_title(item))}::[html]{body}"])


def _comment(item: CanonicalItem, default_type: str) -> list[str]:
    tags = write_tags(item, default_type=default_type, with_score=True)
    marks = [f"[id:{_guarded(item.id)}]"] if item.id.isprintable() and item.id else []
    marks += [f"[tag:{_guarded(tag)}]" for tag in tags]
    return [f"// {' '.join(marks)}"] if marks else []


def _guarded(text: str) -> str:
    return text.replace("]", "\\]")


def _title(item: CanonicalItem) -> str:
    name = item.metadata.get("name")
    return " ".join(name.split()) if isinstance(name, str) and name else entry_name(item.content.stem)


def _choices(content: ItemContent) -> str:
    is_single = isinstance(content.key, str)
    rows = zip(content.choices, meanings.fractions_of(content), strict=True)
    return (
        "".join(f"\n\t{_sign(fraction, is_single=is_single)}{escape(choice.content)}" for choice, fraction in rows)
        + "\n"
    )


def _sign(fraction: Decimal, *, is_single: bool) -> str:
    if is_single and fraction == 1:
        return "="
    return f"~%{meanings.percent(fraction)}%" if fraction else "~"


def _judgement(content: ItemContent) -> str:
    return "TRUE" if content.key is True else "FALSE"


def _accepted(content: ItemContent) -> str:
    return " ".join(f"={escape_plain(text)}" for text in content.key)


def _blank(content: ItemContent) -> str:
    if content.n_blanks != 1:
        raise _NotCarriedError(N_("GIFT 的填空题只能有一个空，本题未写出"))
    return " ".join(f"={escape_plain(text)}" for text in content.key[0])


def escape_plain(text: str) -> str:
    """Return an accepted text: its own stars are no wildcards, its signs no markup."""
    marked = meanings.guard_wildcards(text).replace("&", "&amp;").replace("<", "&lt;")
    return escape(marked)


def _number(content: ItemContent) -> str:
    key = content.key
    tolerance = Decimal(str(key.get("tolerance") or 0))
    return f"#{decimal_text(Decimal(str(key['value'])))}:{decimal_text(tolerance)}"


def _pairs(content: ItemContent) -> str:
    pairs = content.key["pairs"]
    partner = dict(pairs)
    if len(pairs) != len(partner) or len(pairs) != len(content.choices):
        raise _NotCarriedError(N_("GIFT 的匹配题要求第一列每项恰有一个对应项，本题未写出"))
    by_id = {target.id: target.content for target in content.targets}
    unused = [target.id for target in content.targets if target.id not in partner.values()]
    rows = [(choice.content, by_id[partner[choice.id]]) for choice in content.choices]
    rows += [("", by_id[one]) for one in unused]
    return "".join(f"\n\t={escape(one)} -> {escape(two)}" for one, two in rows) + "\n"


def _essay(content: ItemContent) -> str:
    del content
    return ""


_WRITERS: Mapping[Interaction, tuple[str, Callable[[ItemContent], str]]] = {
    Interaction.CHOICE: ("multiple_choice", _choices),
    Interaction.TRUE_FALSE: ("true_false", _judgement),
    Interaction.TEXT_ENTRY: ("fill_in", _blank),
    Interaction.NUMBER: ("numeric", _number),
    Interaction.MATCH: ("matching", _pairs),
    Interaction.EXTENDED_TEXT: ("essay", _essay),
}
