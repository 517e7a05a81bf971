"""Word's automatic numbering: what label a reader of the document sees in front of a paragraph."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml.etree import _Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_DIGITS = "零一二三四五六七八九"
_ROMAN = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
_CHINESE = {
    "chineseCounting",
    "chineseCountingThousand",
    "chineseLegalSimplified",
    "japaneseCounting",
    "ideographDigital",
    "taiwaneseCountingThousand",
}
MAX_LEVEL = 8


def value(element: _Element | None) -> str | None:
    """Return the w:val attribute of an element, or None."""
    return None if element is None else element.get(f"{W}val")


def _chinese(number: int) -> str:
    if number >= 100:
        return str(number)
    tens, units = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _DIGITS[tens] + "十")
    return head + (_DIGITS[units] if units or not tens else "")


def _letters(number: int) -> str:
    return chr(ord("A") + (number - 1) % 26) * ((number - 1) // 26 + 1) if number > 0 else ""


def _roman(number: int) -> str:
    text = ""
    for worth, letters in _ROMAN:
        while number >= worth:
            text += letters
            number -= worth
    return text


def format_number(number: int, number_format: str) -> str:
    """Write a counter in one of Word's number formats."""
    if number_format in _CHINESE:
        return _chinese(number)
    if number_format == "decimalEnclosedCircle" and 1 <= number <= 20:
        return chr(0x2460 + number - 1)
    writers = {"upperLetter": _letters, "upperRoman": _roman}
    if number_format in writers:
        return writers[number_format](number)
    if number_format in ("lowerLetter", "lowerRoman"):
        return writers["upper" + number_format[5:]](number).lower()
    return "" if number_format in ("bullet", "none") else str(number)


@dataclass(slots=True)
class _Level:
    number_format: str = "decimal"
    text: str = "%1."
    start: int = 1


@dataclass(slots=True)
class _List:
    abstract: str
    levels: dict[int, _Level]
    restarts: dict[int, int] = field(default_factory=dict)


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 6 else default


def _read_level(element: _Element) -> _Level:
    level = _Level()
    level.number_format = value(element.find(f"{W}numFmt")) or "decimal"
    text = value(element.find(f"{W}lvlText"))
    level.text = "" if text is None else text
    level.start = _number(value(element.find(f"{W}start")), 1)
    return level


def _read_levels(parent: _Element) -> dict[int, _Level]:
    return {_number(lvl.get(f"{W}ilvl"), 0): _read_level(lvl) for lvl in parent.findall(f"{W}lvl")}


class Numbering:
    """Counts the automatic lists of one document; ask `label` for every paragraph, in document order."""

    def __init__(self, numbering: _Element | None, styles: _Element | None) -> None:
        self._lists = {} if numbering is None else _read_lists(numbering)
        self._styles = {} if styles is None else _read_styles(styles)
        self._counters: dict[str, dict[int, int]] = {}
        self._seen: set[str] = set()

    def label(self, paragraph: _Element) -> str:
        """Return the automatic label of a paragraph such as ``12．`` or ``（B）``; empty when it has none."""
        list_id, depth = self._place(paragraph)
        numbered = self._lists.get(list_id)
        if numbered is None or depth not in numbered.levels:
            return ""
        counters = self._advance(list_id, numbered, depth)
        if numbered.levels[depth].number_format == "bullet":
            return ""
        text = numbered.levels[depth].text
        for index in range(depth + 1):
            level = numbered.levels.get(index, _Level())
            text = text.replace(f"%{index + 1}", format_number(counters.get(index, level.start), level.number_format))
        return text

    def _place(self, paragraph: _Element) -> tuple[str, int]:
        style = self._styles.get(value(paragraph.find(f"{W}pPr/{W}pStyle")) or "", ("", 0))
        own = paragraph.find(f"{W}pPr/{W}numPr")
        if own is None:
            return style
        list_id = value(own.find(f"{W}numId"))
        depth = _number(value(own.find(f"{W}ilvl")), style[1])
        return (style[0] if list_id is None else list_id), min(depth, MAX_LEVEL)

    def _advance(self, list_id: str, numbered: _List, depth: int) -> dict[int, int]:
        counters = self._counters.setdefault(numbered.abstract, {})
        if list_id not in self._seen:
            self._seen.add(list_id)
            for index, start in numbered.restarts.items():
                counters[index] = start - 1
        counters[depth] = counters.get(depth, numbered.levels[depth].start - 1) + 1
        for deeper in [index for index in counters if index > depth]:
            del counters[deeper]
        return counters


def _read_lists(root: _Element) -> dict[str, _List]:
    abstracts = {item.get(f"{W}abstractNumId"): _read_levels(item) for item in root.findall(f"{W}abstractNum")}
    lists: dict[str, _List] = {}
    for item in root.findall(f"{W}num"):
        abstract = value(item.find(f"{W}abstractNumId")) or ""
        numbered = _List(abstract, dict(abstracts.get(abstract, {})))
        for override in item.findall(f"{W}lvlOverride"):
            depth = _number(override.get(f"{W}ilvl"), 0)
            numbered.levels.update(_read_levels(override))
            start = value(override.find(f"{W}startOverride"))
            if start is not None:
                numbered.restarts[depth] = _number(start, 1)
        lists[item.get(f"{W}numId") or ""] = numbered
    return lists


def _read_styles(root: _Element) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    parents: dict[str, str] = {}
    for style in root.findall(f"{W}style"):
        name = style.get(f"{W}styleId") or ""
        parents[name] = value(style.find(f"{W}basedOn")) or ""
        marks = style.find(f"{W}pPr/{W}numPr")
        if marks is not None:
            found[name] = (value(marks.find(f"{W}numId")) or "", _number(value(marks.find(f"{W}ilvl")), 0))
    return {name: found[source] for name in parents if (source := _ancestor(name, parents, found))}


def _ancestor(name: str, parents: dict[str, str], found: dict[str, tuple[str, int]]) -> str:
    for _ in range(12):
        if not name or name in found:
            return name
        name = parents.get(name, "")
    return ""
