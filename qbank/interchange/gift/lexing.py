"""GIFT text cut into questions, and questions into title, text and answer block; escapes stay readable throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SPECIAL = "~=#{}:"
_ESCAPE = re.compile(r"\\([\\~=#{}:n])")
_HIDDEN_BASE = 0xE100
_HIDDEN = "\\~=#{}:n"
_PRIVATE = re.compile(r"[\ue100-\ue10f]")
_TITLE = re.compile(r"\s*::(.*?)::", re.DOTALL)
_FORM = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_TAG = re.compile(r"\[tag:((?:\\\]|[^\]\x00-\x1f])+)\]")
_ID = re.compile(r"\[id:((?:\\\]|[^\]\x00-\x1f])+)\]")
FORMS = {"html": "html", "moodle": "moodle_auto_format", "plain": "plain_text", "markdown": "markdown"}


@dataclass(slots=True)
class Block:
    """One question of a GIFT file, its escapes still hidden; `before` and `after` stand around the answer block."""

    line: int
    category: str = ""
    identifier: str = ""
    tags: list[str] = field(default_factory=list)
    title: str = ""
    form: str = "moodle_auto_format"
    before: str = ""
    answers: str | None = None
    after: str = ""


def hide(text: str) -> str:
    """Return text in which escaped signs are private characters that no rule of GIFT looks at."""
    return _ESCAPE.sub(lambda match: chr(_HIDDEN_BASE + _HIDDEN.index(match[1])), _PRIVATE.sub("", text))


def show(text: str) -> str:
    r"""Return hidden text with the signs that were escaped; ``\n`` is a line end."""
    return _PRIVATE.sub(lambda match: (_HIDDEN[:-1] + "\n")[ord(match[0]) - _HIDDEN_BASE], text).strip()


def escape(text: str) -> str:
    """Return text as GIFT writes it: special signs and line ends after a backslash."""
    return re.sub(r"([\\~=#{}:])", r"\\\1", text).replace("\r", "").replace("\n", "\\n")


def entries(text: str) -> Iterator[Block]:
    """Yield the questions of a text in order, with the category, id and tags that stand above them."""
    category, identifier, tags = "", "", list[str]()
    for start, lines in _paragraphs(text):
        kept = []
        for line in lines:
            stripped = line.strip()
            if stripped.startswith("//"):
                tags += [one.replace("\\]", "]") for one in _TAG.findall(stripped)]
                found = _ID.search(stripped)
                identifier = found[1].replace("\\]", "]") if found else identifier
            elif stripped.upper().startswith("$CATEGORY:"):
                category = stripped[len("$CATEGORY:") :].strip()
            else:
                kept.append(line)
        if kept:
            yield _entry("\n".join(kept), Block(start, category, identifier, tags))
            identifier, tags = "", []


def _paragraphs(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield runs of lines between empty ones; an empty line inside an open answer block does not end the run."""
    lines: list[str] = []
    start, is_open = 0, False
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        hidden = "" if line.lstrip().startswith("//") else hide(line)
        if line.strip() or (is_open and lines):
            start = start if lines else number
            lines.append(line)
            braces = re.findall(r"[{}]", hidden)
            is_open = braces[-1] == "{" if braces else is_open
        elif lines:
            yield start, lines
            lines, is_open = [], False
    if lines:
        yield start, lines


def _entry(text: str, block: Block) -> Block:
    hidden = hide(text)
    title = _TITLE.match(hidden)
    if title:
        block.title, hidden = show(title[1]), hidden[title.end() :]
    form = _FORM.match(hidden)
    if form:
        block.form, hidden = FORMS[form[1]], hidden[form.end() :]
    opening = hidden.find("{")
    closing = hidden.find("}", opening)
    if opening < 0 or closing < 0:
        block.before = hidden
        return block
    block.before, block.answers, block.after = hidden[:opening], hidden[opening + 1 : closing], hidden[closing + 1 :]
    return block
