"""What a line of a Chinese item list can be: heading, numbered stem, option, answer, explanation or a named field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qbank.interchange.lines import BLANKS

_CHINESE_NUMBER = "一二三四五六七八九十"
TYPE_WORDS = (
    ("单项选择", "单项选择题"),
    ("单选", "单项选择题"),
    ("多项选择", "多项选择题"),
    ("多选", "多项选择题"),
    ("不定项选择", "不定项选择题"),
    ("不定项", "不定项选择题"),
    ("选择", "选择题"),
    ("判断", "判断题"),
    ("是非", "判断题"),
    ("填空", "填空题"),
    ("名词解释", "名词解释"),
    ("简答", "简答题"),
    ("简述", "简答题"),
    ("问答", "问答题"),
    ("论述", "论述题"),
    ("计算", "计算题"),
    ("案例分析", "案例分析题"),
    ("综合", "综合题"),
    ("匹配", "匹配题"),
    ("配对", "匹配题"),
    ("连线", "匹配题"),
    ("排序", "排序题"),
    ("数值", "数值题"),
    ("组合题", "组合题"),
    ("案例题", "案例题"),
    ("材料分析题", "材料分析题"),
    ("材料题", "材料题"),
    ("参数题", "参数题"),
    ("图片热区题", "图片热区题"),
    ("热区题", "图片热区题"),
)
GROUPED = frozenset({"组合题", "案例分析题", "案例题", "材料题", "材料分析题", "综合题"})
"""Sections in which 材料： or 案例： opens a text that the items behind it share."""
LONG_ANSWER = frozenset({"名词解释", "简答题", "问答题", "论述题", "计算题", "案例分析题", "综合题"})
_TYPE = "|".join(sorted((word for word, _ in TYPE_WORDS), key=len, reverse=True))
_HEADING = re.compile(
    rf"^(?P<prefix>第[{_CHINESE_NUMBER}\d]+(?:部分|大题|节|章)\s*[、.．:：]?\s*"
    rf"|[（(]?[{_CHINESE_NUMBER}]{{1,3}}[)）]?\s*[、.．,，:：]?\s*|[IVXⅠⅡⅢⅣⅤⅥ]+\s*[、.．]\s*|\d{{1,2}}\s*[、.．]\s*)?"
    rf"(?P<word>(?:{_TYPE})(?:类)?(?:试?题(?:型)?)?)"
    r"(?P<answers>\s*(?:参考|标准|正确)?答案(?:及解析|与解析)?)?"
    r"(?P<rest>\s*[:：]?\s*(?:[（(【\[〔].*[)）】\]〕][。.]?|[:：,，。.\s]*(?:共|每|本题|本大题|请|计|下列|将|只有|在).{0,120})?)$"
)
_ORDINAL = re.compile(rf"[（(]?(?P<ordinal>[{_CHINESE_NUMBER}]{{1,3}})")
_SECTION_OF_ANSWERS = re.compile(
    rf"^\s*(?:[（(]?(?P<ordinal>[{_CHINESE_NUMBER}]{{1,3}})(?:[)）]\s*[、.．:：]?|\s*[、.．:：])\s*)?"
    rf"(?:(?P<word>(?:{_TYPE})(?:题(?:型)?)?)(?:(?<=题)|(?:参考|标准|正确)?答案|\s*(?=[:：]))\s*[:：]?\s*)?(?=[（(]?\s*\d)"
)
_HEADING_REST = re.compile(
    r"分|\d+\s*[小道]?题|难度|请|下列|正确|^[（(【\[]\s*(?:[易中难]|较[易难]|[^（()）]{0,12}级)\s*[)）】\]]"
)
_ANSWERS_HEADING = re.compile(
    rf"^(?:[（(]?[{_CHINESE_NUMBER}\d]{{0,3}}[)）]?\s*[、.．]?\s*)?[【\[]?(?:.{{0,20}}?(?:试题|题库|试卷|练习))?"
    r"(?:参考|标准|正确|试题)?答案(?:汇总|一览表?|表|部分|及解析|与解析|及评分标准)?[】\]]?\s*[:：]?$"
)
_SHARED_TEXT = re.compile(
    rf"[【\[]?(?:背景)?(?:材料|案例|资料)[{_CHINESE_NUMBER}\d]{{0,3}}\s*(?:[】\]]\s*[:：]?|[:：])\s*"
)
_INSTRUCTIONS = re.compile(
    r"^[【\[]?(?:注\s*意\s*事\s*项|考\s*生\s*须\s*知|考试说明|填写说明|答题说明|使用说明|说\s*明)[】\]]?\s*[:：]?$"
)
_EXERCISE = re.compile(
    rf"^(?:技能操作|操作技能|实操|实际操作)(?:考核)?(?:试题|题).{{0,10}}$|^试题[{_CHINESE_NUMBER}]{{1,3}}[\s、:：].{{1,40}}$"
)
_SCORE_EACH = re.compile(r"每\s*(?:小?题|空|个)\s*(?:得|计)?\s*(\d+(?:\.\d+)?)\s*分")
_DIFFICULTY = re.compile(
    r"(?:难度(?:等级|系数)?|难易度?)\s*(?:[:：为]\s*)?(较易|较难|很难|易|难|中等|中|[一二三四五]级?|[1-5](?:级|星)?(?![\d.])|0?\.\d+)"
)
_IN_BRACKETS = re.compile(r"[（(【\[]\s*([易中难]|较[易难]|中等)\s*[)）】\]]")
_NUMBER = re.compile(
    r"^(?:"
    r"第\s*(?P<ordinal>\d{1,4})\s*题\s*[、.．:：]?"
    r"|题\s*(?P<item>\d{1,4})\s*[、.．:：]"
    r"|[（(]\s*(?P<round>\d{1,4})\s*[)）]\s*[、.．]?"
    r"|[【\[]\s*(?P<square>\d{1,4})\s*[】\]]"
    r"|(?P<circle>[\u2460-\u2473])"
    r"|(?P<mark>\d{1,4})\s*(?:[、．:：)）]|\.(?!\d)|,(?=\D))(?:\s*[、.．])?"
    r"|(?P<decimal>\d{1,4})\.(?=\d)"
    r"|(?P<blank>\d{1,4})[ \t\u3000\xa0]+(?=[^\d\s.、:：~～×+=/%-])"
    r"|(?P<bare>\d{1,4})(?=[\u4e00-\u9fff])"
    r")\s*"
)
_ANSWER_WORDS = r"(?:参\s*考|正\s*确|标\s*准|试\s*题|本\s*题)?\s*答\s*案"
FIELDS = {
    "stem": r"题目|题干|试题内容|题目内容",
    "explanation": r"(?:答案|试题|题目)?(?:解\s*析|分析|详解|讲解)|解题思路",
    "difficulty": r"难度(?:等级|系数)?|难易(?:程度|度)",
    "points": r"鉴定点(?:代码)?|考核点|知识点|考点",
    "score": r"分值|分数|配分",
    "identifier": r"试题编号|题目编号|编号|题目ID|ID",
    "rubric": r"评分标准|评分要点|评分细则|得分点",
    "source": r"出处|来源|命题依据|依据",
    "type_hint": r"题型|试题类型",
    "targets": r"匹配项",
    "extra": r"附加信息",
}
_FIELD_LABELS = "|".join(f"(?P<{name}>{words})" for name, words in FIELDS.items())
_BOXED = _FIELD_LABELS.replace("(?P<", "(?P<boxed_")
_LABEL = re.compile(
    rf"[【\[〖](?:(?P<boxed_answer>{_ANSWER_WORDS})|{_BOXED})\s*[】\]〗]\s*[:：]?\s*"
    r"|(?:^|(?<=[\s。；;)）】\]\u3000]))"
    rf"(?:(?P<answer>{_ANSWER_WORDS})\s*(?:是|为)?|{_FIELD_LABELS})\s*[:：]\s*"
)
_ANSWER_START = re.compile(
    rf"^{_ANSWER_WORDS}\s*(?:是|为)?\s*(?=[A-Ha-h√×对错正]|[（(]\s*[A-H√×])(?!案)|^(?:答|解)\s*[:：]\s*"
)
_ITEM_SCORE = re.compile(r"[\[【（(]\s*(?:本题|本小题|共|满分|计)?\s*(\d{1,3}(?:\.\d+)?)\s*分\s*[\]】)）]")
_TYPE_MARK = rf"[【\[（(]\s*(?P<word>(?:{_TYPE})(?:题)?)\s*[】\]）)]"
_TYPE_FIRST = re.compile(rf"^{_TYPE_MARK}\s*[、.．:：]?\s*(?=\S)")
_TYPE_LAST = re.compile(rf"(?<=\S)\s*{_TYPE_MARK.replace('(?:题)?', '题')}\s*$")
_PAGE = re.compile(
    r"^(?:[-—–]\s*\d{1,4}\s*[-—–]|第\s*\d{1,4}\s*页.{0,12}|\d{1,4}\s*/\s*\d{1,4}|(?:Page|page)\s*\d{1,4}.{0,10}|共\s*\d+\s*页.{0,12})$"
)
_JUDGED = re.compile(r"[（(【\[]\s*(?:√|×|✓|✔|✗|✘|╳|[xX]|对|错|正确|错误|[TF])\s*[)）】\]]")
_KEYED = re.compile(r"[（(【\[]\s*[A-Ha-h](?:\s*[、,，]?\s*[A-Ha-h]){0,7}\s*[)）】\]]")
_ASKING = re.compile(
    r"[?？]\s*(?:[（(].*[)）]\s*)?$|^(?:简述|试述|论述|叙述|什么|何谓|何为|如何|怎样|怎么|为什么|写出|说明|列举|请|某)"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A section heading: canonical word for the type, what it says about score and difficulty, whether it opens answers, and 一 or 二."""

    type_word: str
    score: str = ""
    difficulty: str = ""
    answers: bool = False
    ordinal: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in front of a line: its value, its manner, and where the text behind it starts."""

    value: int
    style: str
    end: int


@dataclass(frozen=True, slots=True)
class Label:
    """A word such as 答案 or 难度 that opens a field: name, start of the label and start of its text."""

    name: str
    start: int
    end: int


def read_heading(text: str) -> Heading | None:
    """Return the section heading a line is, or None."""
    text = text.strip(BLANKS)
    if len(text) > 160:
        return None
    match = _HEADING.match(text)
    if not match or not _is_sure(match):
        return None
    word = next(name for start, name in TYPE_WORDS if match["word"].startswith(start))
    score, difficulty = _SCORE_EACH.search(text), _DIFFICULTY.search(text) or _IN_BRACKETS.search(text)
    ordinal = _ORDINAL.match(match["prefix"] or "")
    return Heading(
        word,
        score[1] if score else "",
        difficulty[1] if difficulty else "",
        bool(match["answers"]),
        ordinal["ordinal"] if ordinal else "",
    )


def take_section(text: str) -> tuple[str, int]:
    """Return the section that a line of answers names in front (一、 or 单选题：) and where the answers start; ('', 0) without."""
    match = _SECTION_OF_ANSWERS.match(text)
    if not match or not match.end():
        return "", 0
    named = next((name for start, name in TYPE_WORDS if (match["word"] or "").startswith(start)), "")
    return named or match["ordinal"] or "", match.end()


def _is_sure(match: re.Match[str]) -> bool:
    """Say whether the words around a type name are those of a heading and not of a sentence about it."""
    rest, word, prefix = match["rest"].strip(BLANKS + ":："), match["word"], match["prefix"] or ""
    if not word.endswith(("题", "题型")) and (rest or not prefix or prefix[0].isdigit()):
        return False
    return not rest or bool(_HEADING_REST.search(rest))


def is_ordinal(word: str) -> bool:
    """Say whether a section is known by its Chinese number alone, such as 一."""
    return word[:1] in tuple(_CHINESE_NUMBER)


def opens_answers(text: str) -> bool:
    """Say whether a line is a heading such as 参考答案, behind which answers are collected."""
    return bool(_ANSWERS_HEADING.match(text.strip(BLANKS)))


def opens_prose(text: str) -> bool:
    """Say whether a line opens a stretch without items: instructions or a practical exercise."""
    text = text.strip(BLANKS)
    return bool(_INSTRUCTIONS.match(text) or _EXERCISE.match(text))


def is_page_mark(text: str) -> bool:
    """Say whether a line is a page number left over from a copy."""
    return bool(_PAGE.match(text.strip(BLANKS)))


def read_number(text: str) -> Number | None:
    """Return the number in front of a line, or None."""
    lead = len(text) - len(text.lstrip(BLANKS))
    match = _NUMBER.match(text[lead:])
    if not match:
        return None
    style, digits = next((name, digits) for name, digits in match.groupdict().items() if digits)
    number = ord(digits) - 0x245F if style == "circle" else int(digits)
    return Number(number, style, lead + match.end())


def read_shared_text(text: str) -> tuple[Number | None, int] | None:
    """Return the number before a text that items share and where it starts behind 材料： or 案例一：, or None."""
    number = read_number(text)
    start = number.end if number else len(text) - len(text.lstrip(BLANKS))
    match = _SHARED_TEXT.match(text, start)
    return (number, match.end()) if match else None


def find_labels(text: str) -> list[Label]:
    """Return the field labels in a line, in order."""
    labels = []
    for match in _LABEL.finditer(text):
        name = next(name for name, found in match.groupdict().items() if found)
        labels.append(Label(name.removeprefix("boxed_"), match.start(), match.end()))
    start = _ANSWER_START.match(text)
    if start and (not labels or labels[0].start > 0):
        labels.insert(0, Label("answer", 0, start.end()))
    return labels


def take_score(text: str) -> tuple[str, tuple[int, int]]:
    """Return the score that stands in brackets at either end of a stem and its place; ('', (0, 0)) without one."""
    for match in _ITEM_SCORE.finditer(text):
        if not text[: match.start()].strip(BLANKS) or not text[match.end() :].strip(BLANKS + "。."):
            return match[1], match.span()
    return "", (0, 0)


def take_type(text: str) -> tuple[str, tuple[int, int]]:
    """Return the type word that stands in brackets at either end of a stem and the place of the stem; ('', …) without one."""
    first, last = _TYPE_FIRST.match(text), _TYPE_LAST.search(text)
    if first:
        return first["word"], (first.end(), len(text))
    return (last["word"], (0, last.start())) if last else ("", (0, len(text)))


def has_judgement_mark(text: str) -> bool:
    """Say whether a text holds √ or × in brackets."""
    return bool(_JUDGED.search(text))


def has_bracket_key(text: str) -> bool:
    """Say whether a text holds a key in brackets: letters or a judgement."""
    return bool(_KEYED.search(text) or _JUDGED.search(text))


def is_asking(text: str) -> bool:
    """Say whether a line reads like an open question."""
    return bool(_ASKING.search(text.strip(BLANKS)))
