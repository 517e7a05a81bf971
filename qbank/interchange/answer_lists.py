"""Answers collected at the end of a file: ``1-5 ABCDA``, ``1.B 2.C``, ``21、答：…``, given back to items by number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qbank.interchange.grammar import read_number, take_section
from qbank.interchange.lines import BLANKS, Line, to_plain

_JUDGEMENT = r"√|×|✓|✔|✗|✘|╳|对|错|正确|错误"
_KEY = rf"(?:[A-Ha-h]{{1,8}}(?![A-Za-z])|{_JUDGEMENT}|[TF](?![A-Za-z]))"
_RANGE = re.compile(
    r"(?P<first>\d{1,4})\s*(?:题)?\s*[-—–~～至到－]+\s*(?P<last>\d{1,4})\s*(?:题)?\s*[.、．:：]?\s*"
    rf"(?P<keys>(?:(?:[A-Ha-h]++|{_JUDGEMENT}|[TF])[\s,，、;；\u3000]*+)++)(?=$|\d|[(（])"
)
_PAIR = re.compile(rf"(?P<number>\d{{1,4}})\s*[.、．:：)）]?\s*[（(【\[]?\s*(?P<key>{_KEY})\s*[)）】\]]?")
_PADDING = " \t\r\n\u3000\xa0,，;；、.。|/"
_TOKEN = re.compile(rf"[A-Ha-hTF]+|{_JUDGEMENT}")


@dataclass(slots=True)
class AnswerList:
    """Answers read so far, by section word and number; `doubtful` numbers contradict themselves and serve nobody.

    The list speaks of the items from `first` to before `behind`, counted from 0: those that stand before it and behind
    the list before.
    """

    first: int = 0
    behind: int = 0
    entries: dict[tuple[str, int], str] = field(default_factory=dict)
    doubtful: set[tuple[str, int]] = field(default_factory=set)
    unreadable: list[Line] = field(default_factory=list)
    section: str = ""
    _open: tuple[str, int] | None = None

    def read(self, line: Line) -> None:
        """Take a line of the answer part: keys by number, or a written answer that may go on over several lines."""
        if opens_section(line.text):
            self.section, start = take_section(line.text)
            line = line.cut(start)
        pairs = parse_answers(line.text)
        if pairs is not None:
            self._open = None
            if not pairs:
                self.unreadable.append(line)
            for number, key in pairs:
                self._put((self.section, number), key)
            return
        number_mark = read_number(line.text)
        if number_mark and number_mark.style not in ("bare", "decimal"):
            self._open = (self.section, number_mark.value)
            self._put(self._open, to_plain(line.cut(number_mark.end).html()))
        elif self._open:
            self.entries[self._open] = f"{self.entries.get(self._open, '')}\n{to_plain(line.html())}"
        else:
            self.unreadable.append(line)

    def _put(self, place: tuple[str, int], key: str) -> None:
        if self.entries.get(place, key) != key:
            self.doubtful.add(place)
        self.entries[place] = key


def parse_answers(text: str) -> list[tuple[int, str]] | None:
    """Return the numbered keys in a line, or None when the line is not a list of keys.

    A range whose count of keys differs from its count of numbers gives no key at all: nobody knows which one is missing.
    """
    found: list[tuple[int, str]] = []
    rest = text
    for match in _RANGE.finditer(text):
        found += _range_keys(match)
        rest = rest.replace(match[0], " ", 1)
    for match in _PAIR.finditer(rest):
        found.append((int(match["number"]), match["key"]))
    leftover = _PAIR.sub("", rest).strip(_PADDING)
    return sorted(found) if (found or rest != text) and not leftover else None


def opens_section(text: str) -> bool:
    """Say whether a line is the answers of a section that it names in front: ``一、1.A 2.B``, ``判断题：1-5 √×√√×``."""
    section, start = take_section(text)
    return bool(section) and (parse_answers(text[start:]) is not None or read_number(text[start:]) is not None)


def is_answer_list(text: str) -> bool:
    """Say whether a line can only be a list of keys: a range, or at least two numbered keys."""
    if not re.match(r"^\s*[（(]?\d", text):
        return False
    pairs = parse_answers(text.strip(BLANKS))
    return pairs is not None and (len(pairs) > 1 or bool(_RANGE.search(text)))


def _range_keys(match: re.Match[str]) -> list[tuple[int, str]]:
    first, last = int(match["first"]), int(match["last"])
    tokens = _TOKEN.findall(match["keys"])
    if last < first or last - first > 300:
        return []
    if len(tokens) != last - first + 1:
        tokens = list("".join(tokens)) if all(len(t) > 1 and t.isalpha() and t.isascii() for t in tokens) else []
    if len(tokens) != last - first + 1:
        return []
    return list(zip(range(first, last + 1), tokens, strict=True))
