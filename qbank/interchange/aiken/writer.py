"""Write single-choice items as Aiken; everything that is more than text and key is named as a loss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from item_templates import registry
from item_templates.contract import CanonicalItem, Interaction
from item_templates.markup import has_substance, plain_text
from kernel.i18n import N_
from qbank.interchange.aiken.reader import read_aiken
from qbank.interchange.model import Notice
from qbank.interchange.options import LETTERS
from qbank.interchange.proof import losses_of, refusal

LABEL = "Aiken"


def write_aiken(items: Sequence[CanonicalItem], media: Mapping[str, bytes]) -> tuple[bytes, list[Notice]]:
    """Return the text (UTF-8) and what it could not carry."""
    del media
    blocks: list[str] = []
    written: list[tuple[str, CanonicalItem]] = []
    losses: list[Notice] = []
    for item in items:
        if _is_carried(item) and not refusal(item.content, LABEL):
            blocks.append(_entry(item))
            written.append((f"item {len(written) + 1}", item))
        else:
            message = N_("Aiken 只有一个正确答案的选择题，%(type)s未写出")
            reason = refusal(item.content, LABEL) or message % {"type": registry.get(item.content.type).label}
            losses.append(Notice(f"item {item.id}", "item", reason))
    text = "\n\n".join(blocks) + "\n"
    return text.encode("utf-8", "replace"), losses + losses_of(written, read_aiken(text), LABEL)


def _is_carried(item: CanonicalItem) -> bool:
    content = item.content
    is_single = registry.get(content.type).interaction is Interaction.CHOICE and isinstance(content.key, str)
    return is_single and all(has_substance(plain_text(one.content)) for one in content.choices)


def _entry(item: CanonicalItem) -> str:
    content = item.content
    letters = dict(zip((choice.id for choice in content.choices), LETTERS, strict=False))
    options = [f"{letters[choice.id]}. {_line(choice.content)}" for choice in content.choices]
    return "\n".join([_line(content.stem) or "-", *options, f"ANSWER: {letters[content.key]}"])


def _line(html: str) -> str:
    return re.sub(r"\s*\n\s*", " ", plain_text(html))
