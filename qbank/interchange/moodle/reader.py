"""Read Moodle XML: every question becomes an item that scores as Moodle does, or is named with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lxml import etree

from item_templates import registry
from item_templates.checks import as_decimal
from item_templates.contract import CanonicalItem, Choice, ItemContent, ItemType, Json
from item_templates.markup import from_plain, has_substance, plain_text
from item_templates.rounding import plain_decimal
from kernel.i18n import N_
from qbank.interchange.describing import read_rubric
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.interpret import excerpt
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.moodle import answers as meanings
from qbank.interchange.moodle.answers import Answer, Lose
from qbank.interchange.moodle.calculated import DataSet, Formula, calculated_content
from qbank.interchange.moodle.cloze import cloze_content
from qbank.interchange.moodle.ordering import ordering_content
from qbank.interchange.moodle.tags import Described, metadata_with_tags, read_tags
from qbank.interchange.moodle.texts import Pictures, TextReader
from qbank.interchange.options import LETTERS
from qbank.interchange.reading import SkippedRecord
from qbank.interchange.xml_tree import parse_xml

FORMAT = "moodle-xml"
TOP = "$course$/top"
STANDARD_FEEDBACK = frozenset(
    {"Your answer is correct.", "Your answer is partially correct.", "Your answer is incorrect."}
    | {"回答正确。", "部分正确。", "回答错误。", "您的答案正确。", "您的答案部分正确。", "您的答案不正确。"}
    | {"你的回答正确", "你的回答部分正确", "你的回答不正确"}
)
USUAL_PENALTIES = frozenset(Decimal(one) for one in ("0", "0.1", "0.3333333", "1"))
UNCONVERTED = {
    "random": N_("随机抽题（random）不含题目"),
    "randomsamatch": N_("随机匹配题（randomsamatch）不含题目"),
    "ddwtos": N_("拖词填空题（ddwtos）不能等价地转换"),
    "gapselect": N_("选词填空题（gapselect）不能等价地转换"),
    "ddimageortext": N_("图上拖放题（ddimageortext）不能等价地转换"),
    "ddmarker": N_("图上标记题（ddmarker）不能等价地转换"),
    "ddmatch": N_("拖放匹配题（ddmatch）不能等价地转换"),
}


@dataclass(slots=True)
class Entry:
    """One ``<question>`` on its way: its texts, pictures and losses."""

    element: etree._Element
    locator: str
    result: ReadResult
    pictures: Pictures = field(default_factory=Pictures)

    def lose(self, construct: str, message: str) -> None:
        """Name a loss; the same one once."""
        notice = Notice(self.locator, construct, message)
        if notice not in self.result.losses:
            self.result.losses.append(notice)

    @property
    def texts(self) -> TextReader:
        """The reader of this question's texts."""
        return TextReader(self.pictures, self.lose)

    def html(self, path: str) -> str:
        """Return the item HTML of a child element."""
        return self.texts.html(self.element.find(path))

    def value(self, path: str) -> str:
        """Return the bare text of a child element."""
        return (self.element.findtext(path) or "").strip()

    def flag(self, path: str, *, default: bool) -> bool:
        """Return a setting that stands as 1/0 or true/false."""
        said = self.value(path).lower()
        return said in {"1", "true"} if said else default

    @property
    def score(self) -> Decimal:
        """The marks of the question."""
        found = as_decimal(self.value("defaultgrade") or "1")
        return plain_decimal(found) if found is not None else Decimal(1)

    def answers(self, default: str = "html") -> list[Answer]:
        """Return the answers with their fractions."""
        return [self._answer(one, default) for one in self.element.findall("answer")]

    def _answer(self, element: etree._Element, default: str) -> Answer:
        feedback = self.texts.html(element.find("feedback"))
        fraction = meanings.read_fraction(element.get("fraction") or (element.findtext("fraction") or "0").strip())
        return Answer(
            self.texts.html(element, default), fraction, feedback, (element.findtext("tolerance") or "").strip()
        )


def read_moodle(data: bytes) -> ReadResult:
    """Return the items of a Moodle XML file, and what could not become one."""
    root = parse_xml(data)
    if etree.QName(root).localname != "quiz":
        raise UnreadableFileError("unsupported_format", N_("这不是 Moodle XML：根元素应为 quiz"))
    result = ReadResult(FORMAT)
    category, number = "", 0
    for element in root.findall("question"):
        if element.get("type") == "category":
            category = (element.findtext("category/text") or "").strip()
            continue
        number += 1
        _read(Entry(element, f"item {number}", result), "" if category == TOP else category)
    return result


def _read(entry: Entry, category: str) -> None:
    kind = entry.element.get("type") or ""
    stem = entry.html("questiontext")
    if kind == "description":
        message = N_("说明文字不是试题，未导入：%(text)s") % {"text": excerpt(stem)}
        entry.lose("description", message)
        return
    try:
        item = _item(entry, kind, stem, category)
    except SkippedRecord as skip:
        entry.result.skipped.append(Notice(entry.locator, skip.code, skip.message, excerpt(stem)))
        return
    media = [(str(one["id"]), entry.pictures.data[str(one["id"])]) for one in item.content.media]
    entry.result.records.append(RawRecord(entry.locator, stem, item=item, media=media))


def _item(entry: Entry, kind: str, stem: str, category: str) -> CanonicalItem:
    said = read_tags([(one.text or "") for one in entry.element.findall("tags/tag/text")])
    content = _content(entry, kind, stem)
    content = meanings.with_method(replace(_retyped(content, said.item_type), score=entry.score))
    content = replace(content, explanation=_explanation(entry, kind, content))
    texts = (content.stem, content.explanation, *(one.content for one in (*content.choices, *content.targets)))
    content = replace(content, media=entry.pictures.described(*texts))
    _lose_settings(entry)
    return CanonicalItem(
        id=entry.value("idnumber"),
        content=content,
        points=tuple(said.points),
        difficulty=said.difficulty,
        source=said.source,
        metadata=_metadata(entry, content.stem, category, said),
    )


def _retyped(content: ItemContent, wanted: ItemType | None) -> ItemContent:
    """Return the content under the type that a tag names, where that type asks candidates for the same."""
    if wanted is None or wanted.interaction is not registry.get(content.type).interaction:
        return content
    return replace(content, type=wanted.name)


def _content(entry: Entry, kind: str, stem: str) -> ItemContent:
    if kind in _READERS:
        return _READERS[kind](entry, stem)
    if kind.startswith("calculated"):
        raise SkippedRecord("calculated", N_("计算题（%(kind)s）由变量生成，不能等价地转换") % {"kind": kind})
    message = UNCONVERTED.get(kind) or N_("题型 %(kind)s 不能等价地转换") % {"kind": kind[:30]}
    raise SkippedRecord("unsupported_type", message)


def _multichoice(entry: Entry, stem: str) -> ItemContent:
    is_single = entry.flag("single", default=True)
    return meanings.choice_content(stem, entry.answers(), is_single=is_single)


def _choice_set(entry: Entry, stem: str) -> ItemContent:
    """Read the all-or-nothing plugin, whose right answers all carry 100."""
    answers = entry.answers()
    choices = tuple(Choice(letter, one.html) for letter, one in zip(LETTERS, answers, strict=False))
    key = [choice.id for choice, one in zip(choices, answers, strict=False) if one.fraction > 0]
    if len(key) == 1:
        return ItemContent("single_choice", stem, choices, key[0])
    return ItemContent("multiple_choice", stem, choices, key, scoring={"method": "exact"})


def _truefalse(entry: Entry, stem: str) -> ItemContent:
    words = {"true": True, "false": False}
    right = [words.get(one.text.lower()) for one in entry.answers("plain_text") if one.fraction == 1]
    if len(right) != 1 or right[0] is None:
        raise SkippedRecord("no_key", N_("判断题没有唯一的正确答案"))
    return ItemContent("true_false", stem, key=right[0])


def _shortanswer(entry: Entry, stem: str) -> ItemContent:
    answers = entry.answers("plain_text")
    case = entry.flag("usecase", default=False)
    return meanings.text_content(stem, answers, case_sensitive=case, lose=entry.lose)


def _numerical(entry: Entry, stem: str) -> ItemContent:
    units = [
        (one.findtext("unit_name") or "").strip()
        for one in entry.element.findall("units/unit")
        if as_decimal((one.findtext("multiplier") or "1").strip()) == 1
    ]
    if len(entry.element.findall("units/unit")) > 1:
        entry.lose("unit", N_("只保留了倍数为 1 的单位，其他单位的换算未导入"))
    if entry.value("unitgradingtype") not in {"", "0"}:
        entry.lose("unit_penalty", N_("单位错误的扣分规则未导入"))
    unit = units[0] if units else ""
    return meanings.number_content(stem, entry.answers("plain_text"), unit, entry.lose)


def _matching(entry: Entry, stem: str) -> ItemContent:
    pairs = [
        (entry.texts.html(one), from_plain(one.findtext("answer/text") or ""))
        for one in entry.element.findall("subquestion")
    ]
    listed = [one.get("listed") or "" for one in entry.element.findall("subquestion/answer")]
    return meanings.match_content(stem, pairs, listed)


def _essay(entry: Entry, stem: str) -> ItemContent:
    guide = entry.html("graderinfo") or entry.html("generalfeedback")
    text = plain_text(guide)
    rubric = read_rubric(text) if text else ()
    if rubric is None:
        rubric = ({"text": text, "score": str(entry.score)},)
    if has_substance(entry.html("responsetemplate")):
        entry.lose("response_template", N_("作答模板未导入"))
    if entry.value("attachments") not in {"", "0"}:
        entry.lose("attachments", N_("要求上传附件的设置未导入"))
    return ItemContent("essay", stem, rubric=rubric)


def _cloze(entry: Entry, stem: str) -> ItemContent:
    return cloze_content(stem, score=entry.score, lose=entry.lose)


def _calculated(entry: Entry, stem: str) -> ItemContent:
    answers = entry.answers("plain_text")
    element = entry.element.find("answer")
    if element is None:
        raise SkippedRecord("no_key", N_("没有得满分（100%）的算式，无法确定标准答案"))
    for other in answers[1:]:
        if other.fraction > 0:
            entry.lose("partial_answer", N_("另一个可得分的数值“%(text)s”未能保留") % {"text": other.text[:20]})
    formula = Formula(
        answers[0],
        tolerance_type=(element.findtext("tolerancetype") or "").strip(),
        decimals=(element.findtext("correctanswerlength") or "").strip(),
        is_decimals=(element.findtext("correctanswerformat") or "1").strip() == "1",
        unit=entry.value("units/unit/unit_name"),
    )
    return calculated_content(
        stem, formula, [_data_set(one) for one in entry.element.iter("dataset_definition")], entry.lose
    )


def _data_set(element: etree._Element) -> DataSet:
    def value(name: str) -> str:
        return (element.findtext(f"{name}/text") or element.findtext(name) or "").strip()

    values = [(one.findtext("value") or "").strip() for one in element.iter("dataset_item")]
    return DataSet(value("name"), value("minimum"), value("maximum"), value("decimals"), values)


def _ordering(entry: Entry, stem: str) -> ItemContent:
    listed = [one.get("listed") or "" for one in entry.element.findall("answer")]
    settings = {name: entry.value(name) for name in ("gradingtype", "selecttype")}
    answers = [
        Answer(entry.texts.html(one), Decimal(0), entry.texts.html(one.find("feedback")))
        for one in entry.element.findall("answer")
    ]
    return ordering_content(stem, answers, listed, settings, entry.lose)


_READERS: dict[str, Callable[[Entry, str], ItemContent]] = {
    "multichoice": _multichoice,
    "multichoiceset": _choice_set,
    "truefalse": _truefalse,
    "shortanswer": _shortanswer,
    "numerical": _numerical,
    "matching": _matching,
    "match": _matching,
    "essay": _essay,
    "multianswer": _cloze,
    "cloze": _cloze,
    "ordering": _ordering,
    "calculated": _calculated,
    "calculatedsimple": _calculated,
}


def _explanation(entry: Entry, kind: str, content: ItemContent) -> str:
    """Return the general feedback with what is said to single answers below it."""
    general = entry.html("generalfeedback")
    elements = entry.element.findall("answer")
    answers = [
        Answer(entry.texts.html(one, "plain_text" if kind == "truefalse" else "html"), feedback=feedback)
        for one in elements
        if has_substance(feedback := entry.texts.html(one.find("feedback")))
    ]
    labels = {one.content: one.id for one in content.choices}
    lines = meanings.feedback_lines([labels.get(one.html, one.text) for one in answers], answers)
    if lines:
        entry.lose("feedback", N_("各答案的反馈已并入解析"))
    for name in ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"):
        text = entry.html(name)
        if has_substance(text) and plain_text(text) not in STANDARD_FEEDBACK:
            entry.lose("feedback", N_("整题反馈未导入：%(text)s") % {"text": excerpt(text)})
    return "<br>".join(filter(None, [general, *lines]))


def _lose_settings(entry: Entry) -> None:
    if any(has_substance(entry.texts.html(one)) for one in entry.element.findall("hint")):
        entry.lose("hint", N_("提示（hint）未导入"))


def _metadata(entry: Entry, stem: str, category: str, said: Described) -> dict[str, Json]:
    found: dict[str, Json] = {}
    name = entry.value("name/text")
    if name and name not in {entry_name(stem), entry.value("idnumber")}:
        found["name"] = name
    if category:
        found["category"] = category
    penalty = as_decimal(entry.value("penalty") or "0")
    if penalty is not None and penalty not in USUAL_PENALTIES:
        found["penalty"] = str(plain_decimal(penalty))
    if entry.flag("hidden", default=False):
        found["hidden"] = True
    if not entry.flag("shuffleanswers", default=True):
        found["shuffleanswers"] = False
    return metadata_with_tags(found, said.tags)


def entry_name(stem: str) -> str:
    """Return the name that a question without one gets: the beginning of its stem."""
    return excerpt(stem)[:40] or "-"


__all__ = ["FORMAT", "Lose", "entry_name", "read_moodle"]
