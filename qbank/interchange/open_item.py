"""An item while it is being read, and the raw record that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from item_templates.contract import CanonicalItem
from kernel.i18n import N_
from qbank.interchange import grammar
from qbank.interchange.answers import read_judgement
from qbank.interchange.grammar import Number
from qbank.interchange.groups import place_name
from qbank.interchange.labelled import Labelled, exact_item
from qbank.interchange.lines import BLANKS, CONTINUED, Line, Mark, from_plain, join_lines, to_plain
from qbank.interchange.model import Notice, RawRecord, ReadResult

EXCERPT_CHARS = 80
SHARED_TYPE = "组合题"
"""What a text is that the items behind it share, whatever the heading above it says."""
PLAIN_FIELDS = ("difficulty", "points", "score", "identifier", "source", "rubric", "type_hint")


@dataclass(frozen=True, slots=True)
class Section:
    """What the heading above an item says about it."""

    index: int = 0
    type_word: str = ""
    score: str = ""
    difficulty: str = ""
    ordinal: str = ""


@dataclass(slots=True)
class OpenItem:
    """Lines of one item, sorted into parts; `stage` is the part that the next plain line continues."""

    locator: str
    section: Section
    number: Number | None
    stem: list[Line]
    options: list[tuple[str, list[Line]]] = field(default_factory=list)
    fields: dict[str, list[Line]] = field(default_factory=dict)
    stage: str = "stem"
    collected: str | None = None
    conflict: str | None = None
    relabelled: bool = False
    is_shared: bool = False
    """Whether it is a text that the items behind it share; each of those names it as `shared`."""
    shared: OpenItem | None = None

    def add(self, line: Line) -> None:
        """Continue the part that is open."""
        if self.stage == "stem":
            self.stem.append(line)
        elif self.stage == "options":
            self.options[-1][1].append(line)
        else:
            self.fields[self.stage].append(line)

    def add_option(self, letter: str, line: Line) -> None:
        """Open the next option."""
        self.options.append((letter, [line]))
        self.stage = "options"

    def open_field(self, name: str, line: Line) -> None:
        """Open a labelled part; a second 答案 or 解析 of the same item continues the first."""
        if self.fields.get(name):
            self.fields[name].append(line)
        else:
            self.fields[name] = [line]
        self.stage = name

    def open_type(self, word: str) -> None:
        """Note the type that stands in brackets beside the stem."""
        self.fields["type_hint"] = [Line(self.locator, word)]

    @property
    def group(self) -> str:
        """The name of the text that the item shares with others; empty when it shares none."""
        return (self.shared.plain("identifier") or place_name(self.shared.locator)) if self.shared else ""

    @property
    def has_key(self) -> bool:
        """Whether the stem carries a key in brackets."""
        return any(grammar.has_bracket_key(line.text) for line in self.stem)

    @property
    def complete(self) -> bool:
        """Whether the item has all that an item needs, so that the next number may open another."""
        return len(self.options) > 1 or "answer" in self.fields or self.has_key

    @property
    def textual(self) -> bool:
        """Whether the open part is running text, in which numbers may be points of a list."""
        return self.stage in ("answer", "explanation", "rubric") and not self.options and not self.has_key

    @property
    def given_answer(self) -> str:
        """The answer that stands with the item itself, as plain text."""
        return self.plain("answer")

    def html(self, name: str) -> str:
        """Return the HTML of a labelled part; each of its lines stays one."""
        return join_lines(self.fields.get(name, []), breaks=True)

    def plain(self, name: str) -> str:
        """Return the plain text of a labelled part."""
        return to_plain(self.html(name))


def to_record(draft: OpenItem, result: ReadResult, *, exact: bool = False) -> None:
    """Add the record of an item to the result, or the reason why there is none; `exact` for files that we wrote."""
    item = _exact(draft) if exact else None
    if item is not None:
        record = RawRecord(draft.locator, item.content.stem, media=_media(draft), item=item, group=draft.group)
        result.records.append(record)
        return
    if not (any(line.text.strip(BLANKS + CONTINUED) for line in draft.stem) or draft.options or draft.given_answer):
        return
    stem, score = _take_score(draft.stem)
    record = _plain_record(draft, stem, score)
    if draft.conflict is not None:
        _refuse_conflict(draft, record, result)
        return
    _settle_judgement(record)
    _settle_underlined(record, draft, stem, result)
    if draft.relabelled:
        message = N_("自动编号的选项字母与前一选项重复，已按顺序改正，请核对选项")
        result.warnings.append(Notice(draft.locator, "options_relabelled", message))
    result.records.append(record)


def _plain_record(draft: OpenItem, stem: list[Line], score: str) -> RawRecord:
    type_word = SHARED_TYPE if draft.is_shared else draft.section.type_word
    record = RawRecord(draft.locator, join_lines(stem), type_word, group=draft.group)
    record.options = [(letter, join_lines(lines)) for letter, lines in draft.options]
    record.answer = draft.given_answer or draft.collected
    record.explanation = draft.html("explanation")
    for name in PLAIN_FIELDS:
        written = draft.plain(name)
        if written:
            setattr(record, name, written)
    record.score = record.score or score or draft.section.score
    record.difficulty = record.difficulty or draft.section.difficulty
    record.media = _media(draft)
    return record


def _refuse_conflict(draft: OpenItem, record: RawRecord, result: ReadResult) -> None:
    values = {"own": draft.given_answer[:20], "other": (draft.conflict or "")[:20]}
    message = N_("题目自带答案“%(own)s”与答案部分“%(other)s”不一致，请核对") % values
    result.skipped.append(Notice(draft.locator, "conflicting_keys", message, to_plain(record.stem)[:EXCERPT_CHARS]))


def _exact(draft: OpenItem) -> CanonicalItem | None:
    return exact_item(
        Labelled(
            type_words=draft.plain("type_hint") or draft.section.type_word,
            stem=join_lines(draft.stem),
            options=[join_lines(lines) for _, lines in draft.options],
            explanation=draft.html("explanation"),
            targets=draft.html("targets"),
            plain={name: draft.plain(name) for name in ("answer", "extra", *PLAIN_FIELDS)},
            media=dict(_media(draft)),
        )
    )


def _take_score(stem: list[Line]) -> tuple[list[Line], str]:
    for index in {0, len(stem) - 1}:
        score, (start, end) = grammar.take_score(stem[index].text)
        if score:
            rest = stem[index].cut(end) if start == 0 else stem[index].cut(0, start)
            if rest.text or len(stem) > 1:
                return [*stem[:index], *([rest] if rest.text else []), *stem[index + 1 :]], score
    return stem, ""


def _settle_judgement(record: RawRecord) -> None:
    """Move the corrected sentence that follows a （×） item from the answer to the explanation: the key is the mark."""
    answer = record.answer
    if not answer or record.options or not grammar.has_judgement_mark(record.stem):
        return
    if read_judgement(answer) is None:
        record.answer = None
        correction = from_plain(answer).replace("\n", "<br>")
        record.explanation = f"{correction}<br>{record.explanation}" if record.explanation else correction


def _settle_underlined(record: RawRecord, draft: OpenItem, stem: list[Line], result: ReadResult) -> None:
    """Read underlined words of a stem without any other key as the answers to its blanks."""
    fillable = draft.section.type_word in ("", "填空题")
    if record.answer or record.options or draft.has_key or not fillable:
        return
    if any("____" in line.text or "{{" in line.text for line in stem):
        return
    answers: list[str] = []
    blanked = [_blank_out(line, answers) for line in stem]
    if not answers or any(set(answer) & set(";；|") for answer in answers):
        return
    record.stem, record.answer, record.type_hint = join_lines(blanked), "；".join(answers), "填空题"
    message = N_("带下划线的文字按填空题的答案读入，请核对")
    result.warnings.append(Notice(draft.locator, "underlined_as_blanks", message))


def _blank_out(line: Line, answers: list[str]) -> Line:
    text, position, parts = line.text, 0, []
    for mark in _merge([mark for mark in line.marks if mark.tag == "u"], text):
        answer = to_plain(text[mark.start : mark.end]).strip(BLANKS)
        if answer:
            answers.append(answer)
            parts += [text[position : mark.start], f"{{{{{len(answers)}}}}}"]
            position = mark.end
    if not parts:
        return line
    return Line(line.locator, "".join(parts) + text[position:], media=line.media)


def _merge(marks: list[Mark], text: str) -> list[Mark]:
    merged: list[Mark] = []
    for mark in marks:
        if merged and not text[merged[-1].end : mark.start].strip(BLANKS):
            merged[-1] = Mark(merged[-1].start, mark.end, mark.tag)
        else:
            merged.append(mark)
    return merged


def _media(draft: OpenItem) -> list[tuple[str, bytes]]:
    everything = [draft.stem, *(lines for _, lines in draft.options), *draft.fields.values()]
    found = {name: content for lines in everything for line in lines for name, content in line.media}
    return list(found.items())
