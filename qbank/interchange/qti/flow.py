"""The body of an item as HTML of ours; interactions leave a sign where they stood."""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass, field

from lxml.etree import _Element

from item_templates.markup import has_substance, sanitise
from kernel.i18n import N_
from qbank.interchange.qti.mathml import UnknownMathError, to_latex
from qbank.interchange.qti.notes import Notes, Shelf
from qbank.interchange.qti.tree import text_of

INLINE_INTERACTIONS = frozenset({"textEntryInteraction", "inlineChoiceInteraction", "endAttemptInteraction"})
BLOCK_INTERACTIONS = frozenset(
    [
        "choiceInteraction",
        "orderInteraction",
        "matchInteraction",
        "associateInteraction",
        "gapMatchInteraction",
        "hottextInteraction",
        "extendedTextInteraction",
        "hotspotInteraction",
        "selectPointInteraction",
        "graphicOrderInteraction",
        "graphicAssociateInteraction",
        "graphicGapMatchInteraction",
        "positionObjectInteraction",
        "positionObjectStage",
        "sliderInteraction",
        "mediaInteraction",
        "drawingInteraction",
        "uploadInteraction",
        "customInteraction",
        "portableCustomInteraction",
        "portableCustom",
    ]
)
INTERACTIONS = INLINE_INTERACTIONS | BLOCK_INTERACTIONS
KEPT = frozenset(
    [
        "b",
        "strong",
        "i",
        "em",
        "u",
        "sub",
        "sup",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "ul",
        "ol",
        "li",
        "colgroup",
        "col",
    ]
)
PARAGRAPHS = frozenset(
    [
        "p",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "address",
        "dd",
        "dt",
        "section",
        "article",
        "aside",
        "header",
        "footer",
        "figure",
        "figcaption",
    ]
)
BLOCKS = PARAGRAPHS | BLOCK_INTERACTIONS | frozenset(["table", "ul", "ol", "dl", "hr", "rubricBlock"])
DROPPED = {
    "audio": "qti_audio", "video": "qti_video", "iframe": "qti_object", "xi_include": "qti_include",
    "infoControl": "qti_info_control", "stylesheet": "qti_stylesheet", "catalogInfo": "qti_catalog",
    "printedVariable": "qti_template", "templateInline": "qti_template", "templateBlock": "qti_template",
    "script": "qti_script",
}  # fmt: skip
"""Elements that are left out, with the code of the loss."""
ANSWER = "kaoku-answer"
"""Class of the paragraph in which our own files put an entry with its unit: no part of the stem."""
PART, STEM = "kaoku-part", "kaoku-stem"
_SIGN = re.compile("\ue000(\\d{1,4})\ue001")
_BLOCK_TAG = r"</?(?:p|table|caption|thead|tbody|tfoot|tr|th|td|ul|ol|li|colgroup|col)(?: [^<>]*)?>"
_AROUND_BLOCKS = re.compile(rf"[ ]*({_BLOCK_TAG})[ ]*")
_ONE_PARAGRAPH = re.compile(r"<p>((?:(?!<p>|</p>|<table|<ul|<ol).)*)</p>", re.DOTALL)
_SPACES = re.compile(r"[ \t\r\n]+")


@dataclass(slots=True)
class Flow:
    """Turns elements into HTML and keeps what is no text: interactions, feedback, rubrics."""

    notes: Notes
    shelf: Shelf
    interactions: list[_Element] = field(default_factory=list)
    feedback: list[_Element] = field(default_factory=list)
    rubrics: list[_Element] = field(default_factory=list)

    def html(self, element: _Element | None) -> str:
        """Return what is inside an element as sanitised HTML."""
        return "" if element is None else tidy(self.inner(element))

    def inner(self, element: _Element) -> str:
        """Return what is inside an element, not yet sanitised."""
        parts = [_text(element.text)]
        for child in element:
            if isinstance(child.tag, str):
                parts.append(self._one(child))
            parts.append(_text(child.tail))
        return "".join(parts)

    def _one(self, element: _Element) -> str:
        name = str(element.tag)
        special = {
            "br": self._break, "hr": self._nothing, "img": self._image, "object": self._object, "span": self._span,
            "m_math": self._math, "rubricBlock": self._rubric, "a": self._link,
            "feedbackInline": self._feedback, "feedbackBlock": self._feedback,
        }.get(name)  # fmt: skip
        if special:
            return special(element)
        groups = (
            (INTERACTIONS, self._interaction), (KEPT, self._kept), (PARAGRAPHS, self._paragraph), (DROPPED, self._drop)
        )  # fmt: skip
        return next((read for names, read in groups if name in names), self.inner)(element)

    def _kept(self, element: _Element) -> str:
        return f"<{element.tag}{_attributes(element)}>{self.inner(element)}</{element.tag}>"

    def _paragraph(self, element: _Element) -> str:
        if element.get("class") == ANSWER:
            return "".join(self._one(one) for one in element if one.tag in INTERACTIONS)
        return self.inner(element) if _has_blocks(element) else f"<p>{self.inner(element)}</p>"

    def _feedback(self, element: _Element) -> str:
        self.feedback.append(element)
        return ""

    def _interaction(self, element: _Element) -> str:
        self.interactions.append(element)
        return f"\ue000{len(self.interactions) - 1}\ue001"

    def _break(self, element: _Element) -> str:
        del element
        return "<br>"

    def _nothing(self, element: _Element) -> str:
        del element
        return ""

    def _image(self, element: _Element) -> str:
        return self.picture(element.get("src", ""), element.get("alt", ""))

    def picture(self, address: str, alt: str) -> str:
        """Return the ``img`` for a picture of the package; empty, with a loss noted, when it cannot be had."""
        name = self.shelf.take(address, alt)
        return f'<img src="media:{name}" alt="{entities.escape(alt)}">' if name else ""

    def _object(self, element: _Element) -> str:
        kind, address = element.get("type", ""), element.get("data", "")
        if kind.startswith("image/") or re.search(r"\.(?:png|jpe?g|gif|webp|bmp)$", address, re.IGNORECASE):
            return self.picture(address, text_of(element))
        self.notes.lose("qti_object", N_("嵌入对象 %(name)s 未导入") % {"name": (address or kind)[:60]})
        return self.inner(element)

    def _span(self, element: _Element) -> str:
        kind = element.get("class", "")
        if kind == "blank":
            return f'<span class="blank">{self.inner(element)}</span>'
        if "underline" in kind or "underline" in element.get("style", ""):
            return f"<u>{self.inner(element)}</u>"
        return self.inner(element)

    def _math(self, element: _Element) -> str:
        try:
            return f"\\({entities.escape(to_latex(element), quote=False)}\\)"
        except UnknownMathError as error:
            self.notes.lose("qti_mathml", N_("公式元素 %(name)s 无法识别，只保留了文字") % {"name": str(error)[:30]})
            return entities.escape(text_of(element), quote=False)

    def _rubric(self, element: _Element) -> str:
        if "candidate" in (element.get("view") or "candidate").split():
            return self.inner(element) if _has_blocks(element) else f"<p>{self.inner(element)}</p>"
        self.rubrics.append(element)
        return ""

    def _link(self, element: _Element) -> str:
        address = element.get("href", "")
        if address and not address.startswith("#"):
            self.notes.lose("qti_link", N_("链接 %(address)s 只保留了文字") % {"address": address[:80]})
        return self.inner(element)

    def _drop(self, element: _Element) -> str:
        name = str(element.tag)
        self.notes.lose(DROPPED[name], N_("元素 %(name)s 无法导入，已略去") % {"name": name})
        return ""


def tidy(html: str) -> str:
    """Return flow content as item HTML: sanitised, no white space around blocks, one plain paragraph without its tags.

    Examples
    --------
    >>> tidy(" <p>甲</p> "), tidy("<p>甲</p>  <p>乙</p>")
    ('甲', '<p>甲</p><p>乙</p>')
    """
    clean = sanitise(_AROUND_BLOCKS.sub(r"\1", html.strip(" ")))
    only = _ONE_PARAGRAPH.fullmatch(clean)
    return sanitise(only[1]) if only else clean


def signs(html: str) -> list[int]:
    """Return the numbers of the interactions that left their sign in some HTML."""
    return [int(found) for found in _SIGN.findall(html)]


def replace_signs(html: str, texts: dict[int, str]) -> str:
    """Return HTML with the sign of each interaction replaced by a text."""
    return tidy(_SIGN.sub(lambda match: texts.get(int(match[1]), ""), html))


def split_at_signs(html: str) -> tuple[list[str], list[int]]:
    """Return the pieces of HTML between the signs and the numbers of the signs, in order."""
    pieces = _SIGN.split(html)
    return [tidy(piece) if has_substance(sanitise(piece)) else "" for piece in pieces[::2]], [
        int(number) for number in pieces[1::2]
    ]


def _text(text: str | None) -> str:
    return entities.escape(_SPACES.sub(" ", (text or "").replace("\ue000", "").replace("\ue001", "")), quote=False)


def _attributes(element: _Element) -> str:
    kept = ("colspan", "rowspan", "scope")
    return "".join(f' {name}="{entities.escape(element.get(name, ""))}"' for name in kept if element.get(name))


def _has_blocks(element: _Element) -> bool:
    return any(one.tag in BLOCKS for one in element.iterdescendants() if isinstance(one.tag, str))
