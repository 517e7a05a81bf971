"""Our own line form of an item, for Word and text: numbered stem, lettered options, labelled fields; exact by 附加信息."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from item_templates import registry
from item_templates.contract import CanonicalItem, Choice, ItemContent
from item_templates.formulas.pieces import replace_formulas
from item_templates.markup import sanitise
from qbank.interchange import grammar
from qbank.interchange import template_rows as layout
from qbank.interchange.answer_lists import is_answer_list
from qbank.interchange.groups import parts_of
from qbank.interchange.html_lines import as_read, html_lines
from qbank.interchange.lines import BLANKS, CONTINUED, STRANGE, Line, Mark, tidy_plain, to_plain
from qbank.interchange.numbering import format_number
from qbank.interchange.option_lines import LETTERS, option_marks
from qbank.interchange.pictures import picture_type

FORM_MARK = "kaoku-items-1"
"""Stands in a file that we wrote: its labelled items are read exactly."""

PLAIN_EXTRA = '{"v": 1}'
FIELD_ORDER = (
    (layout.ANSWER, "answer"),
    (layout.EXPLANATION, "explanation"),
    (layout.RUBRIC, "rubric"),
    (layout.POINTS, "points"),
    (layout.DIFFICULTY, "difficulty"),
    (layout.SCORE, "score"),
    (layout.SOURCE, "source"),
    (layout.IDENTIFIER, "identifier"),
    (layout.EXTRA, "extra"),
)
TARGETS = "匹配项"
SHARED = "材料："
"""Stands before the text that the items behind it share."""
HIDDEN = re.compile(f"{STRANGE.pattern}|[{BLANKS[4:]}]")
_INSERTIONS = 400


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of the form: `kind` is heading, stem, option, field, extra or more (it continues the one before)."""

    kind: str
    label: str
    line: Line


Retold = Callable[[str], str]
"""Gives the formulas of a plain text as a file format gives them back; `str` where formulas stay as they are."""


def shown_item(item: CanonicalItem, *, formulas: Retold = str) -> CanonicalItem:
    """Return the item as the line form gives it back: layout that lines cannot hold is gone, 附加信息 keeps it."""
    content = item.content

    def shown(source: str) -> str:
        return _retold(_shown(source), formulas)

    return replace(
        item,
        content=replace(
            content,
            stem=shown(content.stem),
            explanation=shown(content.explanation),
            choices=tuple(Choice(one.id, shown(one.content)) for one in content.choices),
            targets=tuple(Choice(one.id, shown(one.content)) for one in content.targets),
        ),
    )


def _retold(source: str, formulas: Retold) -> str:
    return replace_formulas(source, lambda formula: html.escape(formulas(html.unescape(formula)), quote=False))


def _shown(source: str) -> str:
    return sanitise(as_read(html_lines(source)))


def form_paragraphs(items: Sequence[CanonicalItem], *, formulas: Retold = str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a whole file: a heading whenever the type changes, then the items, numbered through."""
    section, type_name, number = 0, "", 1
    for item in items:
        if item.content.type != type_name:
            section, type_name = section + 1, item.content.type
            yield heading(section, type_name)
        yield from whole_paragraphs(item, number, formulas=formulas)
        number += len(parts_of(item))


def whole_paragraphs(item: CanonicalItem, number: int, *, formulas: Retold = str) -> Iterator[Paragraph]:
    """Yield the paragraphs of one item; the children of a testlet follow its text, numbered on."""
    for place, (part, whole) in enumerate(parts_of(item), number):
        lead = SHARED if item.content.items and not whole else ""
        yield from item_paragraphs(part, place, formulas=formulas, lead=lead, with_type=bool(whole))


def heading(section: int, type_name: str) -> Paragraph:
    """Return the heading of a section of items of one type."""
    text = f"{format_number(section, 'chineseCounting')}、{registry.get(type_name).label}"
    return Paragraph("heading", "", Line("", text))


def item_paragraphs(
    item: CanonicalItem, number: int, *, formulas: Retold = str, lead: str = "", with_type: bool = False
) -> list[Paragraph]:
    """Return the paragraphs of one item; `lead` stands before its stem, `with_type` names a type that no heading tells."""
    shown = shown_item(item, formulas=formulas)
    row = layout.item_row(item, shown=shown, tidy=lambda cell: formulas(tidy_plain(cell)))
    row[layout.EXTRA] = HIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", row[layout.EXTRA])
    paragraphs = _text("stem", f"{number}. {lead}", html_lines(item.content.stem))
    for letter, choice in zip(LETTERS, item.content.choices, strict=False):
        paragraphs += _text("option", f"{letter}. ", html_lines(choice.content))
    if item.content.targets:
        paragraphs += _targets(item.content.targets)
    if with_type or not _heading_says_type(item.content.type):
        paragraphs += _text("field", f"{layout.TYPE}：", [Line("", _type_words(item.content.type))])
    for name, _ in FIELD_ORDER:
        paragraphs += _field(name, row.get(name, ""), item)
    return paragraphs


def _field(name: str, cell: str, item: CanonicalItem) -> list[Paragraph]:
    if name == layout.EXPLANATION:
        return _text("field", f"{name}：", html_lines(item.content.explanation)) if cell else []
    if not cell or (name == layout.EXTRA and cell == PLAIN_EXTRA):
        return []
    kind = "extra" if name == layout.EXTRA else "field"
    return _text(kind, f"{name}：", [escaped(line) for line in cell.split("\n")])


def _type_words(name: str) -> str:
    label = registry.get(name).label
    meant = registry.find_by_alias(label)
    return label if meant and meant.name == name else name


def _heading_says_type(name: str) -> bool:
    found = grammar.read_heading(f"一、{registry.get(name).label}")
    meant = registry.find_by_alias(found.type_word) if found else None
    return meant is not None and meant.name == name


def _targets(targets: Sequence[Choice]) -> list[Paragraph]:
    lines: list[Line] = []
    for target in targets:
        first, *rest = html_lines(target.content) or [Line("", "")]
        label = escaped(f"{target.id}＝").text
        lines += [replace(first, text=label + first.text, marks=_shift(first.marks, 0, len(label))), *rest]
    return _text("field", f"{TARGETS}：", lines)


def escaped(text: str) -> Line:
    """Return plain text as a line."""
    return Line("", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _text(kind: str, label: str, lines: Sequence[Line]) -> list[Paragraph]:
    first = lines[0] if lines and not lines[0].block else Line("", "")
    rest = lines[1:] if lines and not lines[0].block else lines
    paragraphs = [Paragraph(kind, label, _protected(kind, label, first))]
    for line in rest:
        more = line if line.block else _insert(line, 0)
        paragraphs.append(Paragraph("more" if kind != "extra" else kind, "", more))
    return paragraphs


def _shift(marks: Sequence[Mark], position: int, by: int) -> tuple[Mark, ...]:
    return tuple(Mark(m.start + by * (m.start >= position), m.end + by * (m.end > position), m.tag) for m in marks)


def _insert(line: Line, position: int) -> Line:
    text = line.text[:position] + CONTINUED + line.text[position:]
    return replace(line, text=text, marks=_shift(line.marks, position, 1))


def _protected(kind: str, label: str, line: Line) -> Line:
    """Return the line with word joiners where its text would be read as a label, an option or a heading."""
    for _ in range(_INSERTIONS):
        position = _misread_at(kind, label + line.text, len(label))
        if position is None:
            return line
        line = _insert(line, max(0, position - len(label)))
    return line


def _misread_at(kind: str, text: str, start: int) -> int | None:
    if kind == "option":
        marks = option_marks(text)
        if len(marks) > 1:
            return marks[1].start + 1
    elif kind == "stem":
        position = _stem_misread_at(text, start)
        if position is not None:
            return position
    labels = grammar.find_labels(text)
    strange = labels[1:] if kind in ("field", "extra") else labels
    return strange[0].start + 1 if strange else None


def _stem_misread_at(text: str, start: int) -> int | None:
    guarded = text.startswith(CONTINUED, start)
    number = grammar.read_number(text)
    if not guarded and (number is None or number.end != start or _looks_else(text)):
        return start
    word, (begin, end) = grammar.take_type(text[start:])
    if not word:
        return None
    return start if begin else start + end + len(text[start + end :]) - len(text[start + end :].lstrip()) + 1


def _looks_else(text: str) -> bool:
    checks = (grammar.opens_answers, grammar.opens_prose, grammar.is_page_mark, is_answer_list)
    return bool(grammar.read_heading(text)) or any(check(text) for check in checks)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The parts of an item of our form as they were read: HTML of stem, options, explanation; plain text of the rest."""

    type_words: str
    stem: str
    options: Sequence[str]
    explanation: str
    targets: str
    plain: Mapping[str, str]
    media: Mapping[str, bytes]


def exact_item(read: Labelled) -> CanonicalItem | None:
    """Return the item that `item_paragraphs` wrote and a person may have edited; None when it must be read freely."""
    item_type = registry.find_by_alias(read.type_words)
    if item_type is None or not read.plain.get("identifier", "").strip():
        return None
    choices = tuple(Choice(letter, sanitise(text)) for letter, text in zip(LETTERS, read.options, strict=False))
    content = ItemContent(item_type.name, sanitise(read.stem), choices, explanation=sanitise(read.explanation))
    row = layout.item_row(CanonicalItem("?", content))
    row |= {name: read.plain.get(part, "") for name, part in FIELD_ORDER if part != "explanation"}
    row[layout.TYPE] = item_type.label
    row[layout.EXTRA] = row[layout.EXTRA] or PLAIN_EXTRA
    item = layout.exact_item(row)
    return None if item is None else _with_edits(item, read)


def _with_edits(item: CanonicalItem, read: Labelled) -> CanonicalItem:
    content = item.content
    targets = _read_targets(read.targets)
    if targets and targets != shown_item(item).content.targets:
        content = replace(content, targets=targets)
    media = tuple(_medium(medium, read.media) for medium in content.media)
    return replace(item, content=replace(content, media=media))


def _read_targets(source: str) -> tuple[Choice, ...]:
    found: list[Choice] = []
    for piece in source.split("<br>"):
        name, sign, rest = piece.partition("＝")
        if sign and name and len(name) < 8:
            found.append(Choice(to_plain(name), sanitise(rest)))
        elif found:
            found[-1] = Choice(found[-1].id, sanitise(f"{found[-1].content}<br>{piece}"))
    return tuple(found)


def _medium(medium: Mapping[str, object], pictures: Mapping[str, bytes]) -> Mapping[str, object]:
    """Return the entry of a picture; one that was replaced in the document gets its new digest."""
    data = pictures.get(str(medium.get("id")))
    if data is None or hashlib.sha256(data).hexdigest() == medium.get("digest"):
        return medium
    return {**medium, "digest": hashlib.sha256(data).hexdigest(), "mime": picture_type(data)}
