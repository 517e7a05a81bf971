"""Read GIFT: every question becomes an item that scores as Moodle does, or is named with its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates import registry
from item_templates.contract import CanonicalItem, ItemContent, Json
from item_templates.markup import has_substance, plain_text
from item_templates.numbers import parse_number
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.gift.lexing import FORMS, Block, entries, show
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.interpret import excerpt
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.moodle import answers as meanings
from qbank.interchange.moodle.answers import Answer
from qbank.interchange.moodle.reader import TOP, entry_name
from qbank.interchange.moodle.tags import Described, metadata_with_tags, read_tags
from qbank.interchange.moodle.texts import Pictures, TextReader
from qbank.interchange.reading import SkippedRecord

FORMAT = "gift"
GAP = "_____"
JUDGEMENTS = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_FEEDBACK = re.compile(r"#")
_GENERAL = re.compile(r"####")
_PERCENT = re.compile(r"\s*%(-?[\d.]+)%")
_FORM = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_RANGE = re.compile(r"(.*\d)\s*\.\.\s*(\S.*)")


def read_gift(text: str) -> ReadResult:
    """Return the items of a GIFT text, and what could not become one."""
    result = ReadResult(FORMAT)
    for number, block in enumerate(entries(text.lstrip("\ufeff")), 1):
        if number > LIMITS.rows:
            raise UnreadableFileError("too_many_rows", N_("文件超过 20000 题，请拆分后分批导入"))
        _Reader(block, f"item {number}", result).read()
    return result


class _Reader:
    """Reads one question."""

    def __init__(self, block: Block, locator: str, result: ReadResult) -> None:
        self.block = block
        self.locator = locator
        self.result = result
        self.texts = TextReader(Pictures(), self.lose)
        self.general = ""

    def lose(self, construct: str, message: str) -> None:
        notice = Notice(self.locator, construct, message)
        if notice not in self.result.losses:
            self.result.losses.append(notice)

    def read(self) -> None:
        if self.block.answers is None:
            text = excerpt(self.html(self.block.before))
            self.lose("description", N_("说明文字不是试题，未导入：%(text)s") % {"text": text})
            return
        try:
            item = self._item()
        except SkippedRecord as skip:
            stem = excerpt(self.html(self.block.before))
            place = N_("第 %(line)s 行") % {"line": self.block.line}
            self.result.skipped.append(Notice(self.locator, skip.code, f"{place}：{skip.message}", stem))
            return
        self.result.records.append(RawRecord(self.locator, item.content.stem, item=item))

    def html(self, hidden: str, form: str = "") -> str:
        """Return the item HTML of a hidden text, which may begin with a format of its own."""
        match = _FORM.match(hidden)
        if match:
            form, hidden = FORMS[match[1]], hidden[match.end() :]
        return self.texts.from_text(show(hidden), form or self.block.form, {})

    def _item(self) -> CanonicalItem:
        said = read_tags(self.block.tags)
        block_text, _, general = cut_once(_GENERAL, self.block.answers or "")
        self.general = self.html(general)
        content = meanings.with_method(self._retyped(self._content(block_text.strip()), said))
        content = replace(content, score=said.score or Decimal(1), explanation=self._explanation(content))
        category = "" if self.block.category == TOP else self.block.category
        return CanonicalItem(
            id=self.block.identifier,
            content=content,
            points=tuple(said.points),
            difficulty=said.difficulty,
            source=said.source,
            metadata=self._metadata(content, category, said),
        )

    def _metadata(self, content: ItemContent, category: str, said: Described) -> dict[str, Json]:
        found: dict[str, Json] = {}
        names = {entry_name(content.stem), entry_name(self.html(self.block.before)), self.block.identifier}
        if self.block.title and self.block.title not in names:
            found["name"] = self.block.title
        if category:
            found["category"] = category
        return metadata_with_tags(found, said.tags)

    def _explanation(self, content: ItemContent) -> str:
        labels = {one.content: one.id for one in content.choices}
        told = [one for one in self.said if has_substance(one.feedback)]
        lines = meanings.feedback_lines([labels.get(one.html, one.text) for one in told], told)
        if lines:
            self.lose("feedback", N_("各答案的反馈已并入解析"))
        return "<br>".join(filter(None, [self.general, *lines]))

    @staticmethod
    def _retyped(content: ItemContent, said: Described) -> ItemContent:
        wanted = said.item_type
        if wanted is None or wanted.interaction is not registry.get(content.type).interaction:
            return content
        return replace(content, type=wanted.name)

    said: Sequence[Answer] = ()

    # --- the answer block --------------------------------------------------------------------------------------------

    def _content(self, block: str) -> ItemContent:
        if not block:
            return self._essay()
        if block.startswith("#"):
            return self._number(block[1:])
        word = block.partition("#")[0].strip().upper()
        if word in JUDGEMENTS:
            return self._judgement(JUDGEMENTS[word], block)
        if block.startswith(">"):
            raise SkippedRecord("unsupported_type", N_("GIFT 的排序扩展写法不能等价地转换"))
        parts = _parts(block)
        if not parts:
            raise SkippedRecord("no_key", N_("花括号里没有 = 或 ~ 开头的答案"))
        if all(sign == "=" and "->" in text for sign, text in parts):
            return self._pairs(parts)
        return self._choice(parts) if any(sign == "~" for sign, _ in parts) else self._text(parts)

    def _stem(self, *, gap: str = GAP) -> str:
        """Return the stem; where text follows the answers, a gap stands in their place."""
        if not self.block.after.strip():
            return self.html(self.block.before)
        return self.html(f"{self.block.before}{gap}{self.block.after}")

    def _essay(self) -> ItemContent:
        text = plain_text(self.general)
        rubric = (
            ({"text": text, "score": decimal_text(read_tags(self.block.tags).score or Decimal(1))},) if text else ()
        )
        return ItemContent("essay", self._stem(), rubric=rubric)

    def _judgement(self, verdict: bool, block: str) -> ItemContent:  # noqa: FBT001 - the value itself, not a switch
        _, *said = _FEEDBACK.split(block)
        labels = (N_("答错"), N_("答对"))
        self.said = [Answer(label, feedback=self.html(one)) for label, one in zip(labels, said, strict=False)]
        return ItemContent("true_false", self._stem(), key=verdict)

    def _choice(self, parts: Sequence[tuple[str, str]]) -> ItemContent:
        answers = self.said = [self._answer(sign, text) for sign, text in parts]
        is_single = any(one.fraction == 1 for one in answers)
        return meanings.choice_content(self._stem(), answers, is_single=is_single)

    def _text(self, parts: Sequence[tuple[str, str]]) -> ItemContent:
        self.said = [self._answer(sign, text) for sign, text in parts]
        wanted = read_tags(self.block.tags).item_type
        if self.block.after.strip() or (wanted and wanted.name == "fill_in"):
            stem = self.html(f"{self.block.before}{{{{1}}}}{self.block.after}")
            return ItemContent("fill_in", stem, key=[meanings.accepted_texts(self.said, self.lose)])
        return meanings.text_content(self._stem(), self.said, case_sensitive=False, lose=self.lose)

    def _pairs(self, parts: Sequence[tuple[str, str]]) -> ItemContent:
        halves = [text.partition("->") for _, text in parts]
        return meanings.match_content(self._stem(), [(self.html(one), self.html(two)) for one, _, two in halves])

    def _answer(self, sign: str, text: str) -> Answer:
        match = _PERCENT.match(text)
        fraction = meanings.read_fraction(match[1]) if match else Decimal(1 if sign == "=" else 0)
        answer, _, feedback = cut_once(_FEEDBACK, text[match.end() :] if match else text)
        return Answer(self.html(answer), fraction, self.html(feedback))

    def _number(self, block: str) -> ItemContent:
        parts = _parts(block) if block.lstrip().startswith(("=", "~", "%")) else [("=", block)]
        answers: list[Answer] = []
        for sign, text in parts:
            one = self._answer(sign, text)
            value, tolerance = _value_and_tolerance(show(cut_once(_FEEDBACK, _PERCENT.sub("", text, count=1))[0]))
            answers.append(replace(one, html=value, tolerance=tolerance))
        self.said = answers
        return meanings.number_content(self._stem(), answers, "", self.lose)


def cut_once(pattern: re.Pattern[str], text: str) -> tuple[str, str, str]:
    """Return what stands before and after the first match."""
    match = pattern.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _parts(block: str) -> list[tuple[str, str]]:
    """Return the answers of a block with the sign that opens each."""
    pieces = re.split(r"([=~])", block)
    return [(sign, text.strip()) for sign, text in zip(pieces[1::2], pieces[2::2], strict=True) if text.strip()]


def _value_and_tolerance(text: str) -> tuple[str, str]:
    """Return value and tolerance of ``3:0.5``, ``2.5..3.5`` or ``3``."""
    ends = _RANGE.fullmatch(text.strip())
    if ends:
        low, high = parse_number(ends[1]), parse_number(ends[2])
        if low is not None and high is not None:
            return decimal_text((low + high) / 2), decimal_text(abs(high - low) / 2)
    value, _, tolerance = text.partition(":")
    return value.strip(), tolerance.strip()
