"""Turn the text of cells and paragraphs, plain or marked up, into sanitised HTML."""

from __future__ import annotations

import re

from item_templates.markup import sanitise

BLOCK = re.compile(r"<(?:p|table|ul|ol|li|div|tr)\b", re.IGNORECASE)
ENUMERATOR = re.compile(r"\s*(?:[（(]?(?:\d{1,2}|[一二三四五六七八九十]|[A-Za-z])\s*[)）.、．:：]|[①-⑳❶-❿•·●■◆*-]|<)")
CJK = r"[\u3400-\u9fff，、（）“”《》]"
BROKEN = re.compile(rf"(?<={CJK})[ \t]*\r?\n[ \t\u3000]*(?={CJK})")
EDGES = re.compile(r"^(?:&nbsp;|\s)+|(?:&nbsp;|\s)+$")
LEAST_LINE = 12


def to_html(text: str) -> str:
    """Return the sanitised HTML of text that may hold mark-up or plain line ends."""
    plain = text.strip(" \t\r\n\u3000\xa0")
    if not BLOCK.search(plain):
        plain = re.sub(r"[ \t]*\r?\n\s*", "<br>", join_broken_lines(plain))
    return EDGES.sub("", sanitise(plain))


def join_broken_lines(text: str) -> str:
    """Join lines that were broken in the middle of a Chinese sentence, as copies from PDF files are."""
    if "\n" not in text:
        return text
    pieces = [text[: text.find("\n")]]
    for line in text.split("\n")[1:]:
        broken = len(pieces[-1].strip()) >= LEAST_LINE and not ENUMERATOR.match(line)
        whole = f"{pieces[-1]}\n{line}"
        joined = BROKEN.sub("", whole)
        if broken and joined != whole:
            pieces[-1] = joined
        else:
            pieces.append(line)
    return "\n".join(pieces)
