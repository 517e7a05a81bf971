"""A record on its way to becoming an item: stem, options and key told apart, nothing decided yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from item_templates.contract import ItemType, Json
from item_templates.markup import has_substance, plain_text
from kernel.i18n import N_
from qbank.interchange.answers import read_judgement, read_letters
from qbank.interchange.describing import read_rubric, read_score
from qbank.interchange.hints import type_of_hint
from qbank.interchange.model import Notice, RawRecord
from qbank.interchange.options import split_stem
from qbank.interchange.stems import BLANK, StemKey, find_keys, is_cut, strip_serial, take_correction, take_score
from qbank.interchange.texts import to_html

CHOICE_TYPES = frozenset({"single_choice", "multiple_choice"})


class SkippedRecord(Exception):  # noqa: N818 - a decision about a record, not an error of the program
    """The record does not become an item; `code` and `message` stand in the report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Reading:
    """What is known of a record while its meaning is being decided."""

    record: RawRecord
    stem: str
    hint: ItemType | None
    options: list[tuple[str, str]]
    answer: str
    explanation: str
    marks: Decimal
    rubric: tuple[Mapping[str, Json], ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[Notice] = field(default_factory=list)

    def warn(self, code: str, message: str) -> None:
        """Add a line that deserves a look."""
        self.warnings.append(Notice(self.record.locator, code, message))

    @property
    def hint_name(self) -> str:
        """Registry name of the hinted type; empty when there is no usable hint or it leaves the number of keys open."""
        return self.hint.name if self.hint and not is_open_choice(self.record.type_hint) else ""

    @property
    def is_judged(self) -> bool:
        """Whether the options, if any, are 正确 and 错误 alone."""
        said = [read_judgement(text) for _, text in self.options]
        return len(said) == 2 and None not in said and said[0] is not said[1]


def is_open_choice(hint: str) -> bool:
    """Say whether a hint such as 选择题 leaves open how many options are right."""
    word = hint.casefold()
    return ("选择" in word and not any(sign in word for sign in "单多") and "不定" not in word) or word.strip() in {
        "mcq",
        "choice",
        "select",
    }


def prepare(record: RawRecord) -> Reading:
    """Return the reading of a record: number and marks taken off the stem, options and key taken out of it."""
    stem, score = take_score(strip_serial(record.stem.replace("&nbsp;", "\xa0")))
    reading = Reading(
        record=record,
        stem=stem,
        hint=type_of_hint(record.type_hint),
        options=list(record.options),
        answer=(record.answer or "").strip(),
        explanation=record.explanation,
        marks=Decimal(1),
        metadata=dict(record.metadata),
    )
    _take_rubric(reading)
    _take_marks(reading, record.score.strip() or score)
    if not has_substance(reading.stem) and "<img" not in reading.stem:
        raise SkippedRecord("no_stem", N_("没有题干"))
    _label_options(reading)
    _move_correction(reading)
    _note_cut_statement(reading)
    if not reading.options and (reading.hint is None or reading.hint.name in CHOICE_TYPES):
        _split_off_options(reading)
    _take_key_from_stem(reading)
    return reading


def _take_rubric(reading: Reading) -> None:
    """Read the scoring points; a text without marks of its own goes to the metadata."""
    text = reading.record.rubric.strip()
    rubric = read_rubric(plain_text(to_html(text))) if text else ()
    if rubric is None:
        reading.metadata["评分标准"] = text
    reading.rubric = rubric or ()


def _take_marks(reading: Reading, text: str) -> None:
    """Read the item's marks; without a word on them they are the sum of the scoring points, or 1."""
    marks = read_score(text) if text else None
    if text and marks is None:
        reading.warn("score_unknown", N_("分值“%(text)s”无法识别，按默认分值导入") % {"text": text[:20]})
    total = sum((Decimal(str(point["score"])) for point in reading.rubric), Decimal(0))
    reading.marks = marks or total or Decimal(1)


def _label_options(reading: Reading) -> None:
    """Give options without labels the letters of their order."""
    if reading.options and not any(label.strip() for label, _ in reading.options):
        reading.options = [(chr(ord("A") + index), text) for index, (_, text) in enumerate(reading.options)]


def _move_correction(reading: Reading) -> None:
    """Move 正确答案：… behind a judged statement into the explanation, where it cannot give the key away."""
    if read_judgement(reading.answer) is None and not (reading.is_judged and reading.answer):
        return
    reading.stem, correction = take_correction(reading.stem)
    if correction:
        reading.explanation = reading.explanation or correction
        reading.warn("correction_moved", N_("题干后的正确说法已移到解析"))


def _note_cut_statement(reading: Reading) -> None:
    """Point out a judged statement whose end was torn off: the explanation goes on where the stem stops."""
    if (read_judgement(reading.answer) is None and not reading.is_judged) or not reading.explanation.strip():
        return
    if is_cut(plain_text(to_html(reading.stem)), plain_text(to_html(reading.explanation))):
        message = N_("题干似乎在中间断开，解析“%(text)s”可能是题干的后半句，请核对")
        reading.warn("stem_cut", message % {"text": reading.explanation.strip()[:20]})


def _split_off_options(reading: Reading) -> None:
    split = split_stem(reading.stem)
    if split.options:
        reading.stem, reading.options = split.before, split.options


def _take_key_from_stem(reading: Reading) -> None:
    labels = {label.strip().upper() for label, _ in reading.options}
    found = find_keys(reading.stem, judged=reading.is_judged or not labels, labels=labels)
    if reading.answer:
        _blank_repeated_key(reading, found)
        return
    if reading.record.answer is not None:
        found = [one for one in found if read_letters(one.answer) is None]
    if len(found) == 1:
        reading.stem, reading.answer = found[0].stem, found[0].answer
    elif len(found) > 1:
        raise SkippedRecord("ambiguous_key", N_("题干里有多处像答案的括号，无法确定标准答案"))


def _blank_repeated_key(reading: Reading, found: list[StemKey]) -> None:
    """Blank a bracket that repeats the key given elsewhere; leave anything else in the stem as it is."""
    same = [one for one in found if _same_key(one.answer, reading.answer)]
    if len(same) == 1 and len(found) == 1 and reading.options:
        reading.stem = same[0].stem
        reading.warn("key_in_stem", N_("题干括号里写有答案，已改为空括号 %(blank)s") % {"blank": BLANK})


def _same_key(one: str, other: str) -> bool:
    letters = read_letters(one)
    return letters is not None and letters == read_letters(other)
