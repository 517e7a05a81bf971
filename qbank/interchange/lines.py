"""A line of an item file: inline HTML text, the stretches that are set off in it, and the pictures it carries."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

CONTINUED = "\u2060"
"""Word joiner: our writers set it where a text would otherwise be taken for a label; readers drop it."""

MARK_TAGS = ("strong", "em", "u")
STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\u2060\ufffe\uffff\ud800-\udfff]")
"""Signs that end a line somewhere on their way, hide in it, or may not stand in XML."""

BLANKS = " \t\r\n\u3000\xa0\u2002\u2003\u2009\u200b\ufeff"
_INLINE = r"sub|sup|b|strong|i|em|u|br|img|table|thead|tbody|tr|td|th|p|ul|ol|li"
_LOOSE_LESS = re.compile(rf"<(?!/?(?:{_INLINE})(?:\s[^<>]*)?/?>)")
_LOOSE_AND = re.compile(r"&(?!(?:#\d{1,6}|#x[0-9a-fA-F]{1,5}|[a-zA-Z]{2,10});)")
_TAG = re.compile(r"<[^<>]*>")
_CJK = r"\u2e80-\u9fff\uff00-\uffef\u3000-\u303f"
_POINT = re.compile(r"[\u2460-\u2473]|[（(]\d{1,2}[)）]|\d{1,2}[)）、．]")
_WORDY = re.compile(rf"[^{_CJK}\s]$"), re.compile(rf"^[^{_CJK}\s]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a line that is set in bold (``strong``), in italics (``em``) or underlined (``u``)."""

    start: int
    end: int
    tag: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `text` is escaped inline HTML without the marks; `block` says that it is a table.

    `joined` tells that the line stands in the same paragraph as the one before; `blank_before` that there is an empty
    line or paragraph between them; `automatic` that the label in front was counted by the word processor.
    """

    locator: str
    text: str
    marks: tuple[Mark, ...] = ()
    media: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    joined: bool = False
    blank_before: bool = False
    automatic: bool = False
    block: bool = False

    def cut(self, start: int, end: int | None = None) -> Line:
        """Return a part of the line without blanks around it; marks and the pictures named in it go along."""
        end = len(self.text) if end is None else end
        while start < end and self.text[start] in BLANKS:
            start += 1
        while end > start and self.text[end - 1] in BLANKS:
            end -= 1
        text = self.text[start:end]
        marks = tuple(
            Mark(max(m.start, start) - start, min(m.end, end) - start, m.tag)
            for m in self.marks
            if m.start < end and m.end > start
        )
        media = tuple(entry for entry in self.media if f"media:{entry[0]}" in text)
        return replace(self, text=text, marks=marks, media=media)

    def html(self) -> str:
        """Return the text with its marked stretches as tags."""
        return render_marks(self.text, self.marks).replace(CONTINUED, "")


def merge_marks(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return the marks in order, with those of one kind that touch made one."""
    merged: list[Mark] = []
    for mark in sorted(marks, key=lambda one: (one.start, one.end)):
        index = next((n for n, one in enumerate(merged) if one.tag == mark.tag and one.end >= mark.start), None)
        if index is None:
            merged.append(mark)
        else:
            merged[index] = Mark(merged[index].start, max(merged[index].end, mark.end), mark.tag)
    return tuple(merged)


def render_marks(text: str, marks: Sequence[Mark]) -> str:
    """Return the text with tags set around the marked stretches; a mark over the whole text or a mere blank says nothing."""
    told = [mark for mark in marks if _tells(mark, text)]
    edges = sorted({0, len(text), *(mark.start for mark in told), *(mark.end for mark in told)})
    parts: list[str] = []
    opened: list[str] = []
    for start, end in itertools.pairwise(edges):
        wanted = [tag for tag in MARK_TAGS if any(m.tag == tag and m.start <= start and end <= m.end for m in told)]
        keep = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(opened, wanted, strict=False)))
        parts += [f"</{tag}>" for tag in reversed(opened[keep:])] + [f"<{tag}>" for tag in wanted[keep:]]
        parts.append(text[start:end])
        opened = wanted
    return "".join([*parts, *(f"</{tag}>" for tag in reversed(opened))])


def _tells(mark: Mark, text: str) -> bool:
    whole = not text[: mark.start].strip(BLANKS + CONTINUED) and not text[mark.end :].strip(BLANKS)
    return not whole and any(char.isalnum() for char in to_plain(text[mark.start : mark.end]))


def from_plain(text: str) -> str:
    """Return plain text as inline HTML; the few inline tags that people write into text files stay tags."""
    return _LOOSE_AND.sub("&amp;", _LOOSE_LESS.sub("&lt;", text)).replace("\x00", "")


def tidy_plain(text: str) -> str:
    """Return plain text as lines can carry it: no blanks at the ends of a line, no signs that break or hide lines."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(STRANGE.sub("", line).strip(BLANKS) for line in lines).strip("\n")


def to_plain(text: str) -> str:
    """Return inline HTML as the plain text a person sees; ``<br>`` becomes a line end."""
    return html.unescape(_TAG.sub("", text.replace("<br>", "\n"))).replace(CONTINUED, "")


def join_lines(lines: Iterable[Line], *, breaks: bool = False) -> str:
    """Return the HTML of lines that make up one text.

    Lines that a copy has broken are joined, real line breaks stay; with `breaks` every line keeps its own.
    """
    text, bare = "", ""
    for line in lines:
        piece = line.html()
        if text:
            text += _glue(bare, line, breaks=breaks)
        text, bare = text + piece, line.text
    return text


def _glue(bare: str, line: Line, *, breaks: bool) -> str:
    if line.block:
        return ""
    if breaks or line.joined or line.text.startswith(CONTINUED) or _ends_sentence(bare) or _POINT.match(line.text):
        return "<br>"
    return " " if _WORDY[0].search(bare) and _WORDY[1].search(line.text) else ""


def _ends_sentence(text: str) -> bool:
    return text.rstrip(BLANKS).endswith(tuple("。？！?!：:；;…"))
