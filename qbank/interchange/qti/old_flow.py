"""The presentation of QTI 1.2 items as HTML; responses leave a sign where they stood."""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass, field

from lxml.etree import _Element

from item_templates.markup import from_plain, sanitise
from kernel.i18n import N_
from qbank.interchange.qti.flow import Flow, tidy
from qbank.interchange.qti.notes import Notes, Shelf, local_path

RESPONSES = frozenset(
    {"response_lid", "response_str", "response_num", "response_grp", "response_xy", "response_extension"}
)
LOST = frozenset({"mataudio", "matvideo", "matapplet", "matapplication", "mat_extension", "matref", "matemtext"})
_IMAGE = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_FILE_BASE = re.compile(r"^(?:\$|%24)IMS[_-]CC[_-]FILEBASE(?:\$|%24)/?(?:\.\./)?")


@dataclass(slots=True)
class OldFlow:
    """Turns presentations and materials into HTML."""

    notes: Notes
    shelf: Shelf
    responses: list[_Element] = field(default_factory=list)

    def material(self, element: _Element | None) -> str:
        """Return one ``material`` as sanitised HTML."""
        return "" if element is None else tidy(self._one(element))

    def inner(self, element: _Element) -> str:
        """Return what stands in a presentation, flow or response, with a sign for each response."""
        return "".join(self._one(one) for one in element if isinstance(one.tag, str))

    def _one(self, element: _Element) -> str:
        name = str(element.tag)
        if name in RESPONSES:
            self.responses.append(element)
            return f"\ue000{len(self.responses) - 1}\ue001"
        if name in {"flow", "flow_mat", "flow_label"}:
            return f"<p>{self.inner(element)}</p>"
        if name == "material":
            return "".join(self._material(one) for one in element if isinstance(one.tag, str))
        return ""

    def _material(self, element: _Element) -> str:
        name = str(element.tag)
        if name == "mattext":
            return self._text(element)
        if name == "matimage":
            return self._picture(element.get("uri", ""), element.get("label", ""))
        if name in LOST:
            self.notes.lose(f"qti_{name}", N_("元素 %(name)s 无法导入，已略去") % {"name": name})
        return "<br>" if name == "matbreak" else ""

    def _text(self, element: _Element) -> str:
        if len(element):
            return Flow(self.notes, self.shelf).inner(element)
        text = element.text or ""
        if "html" not in element.get("texttype", "text/plain"):
            return from_plain(text.strip())
        return sanitise(_IMAGE.sub(self._named, text))

    def _named(self, match: re.Match[str]) -> str:
        found = {name.lower(): entities.unescape(one or two) for name, one, two in _ATTRIBUTE.findall(match[0])}
        return self._picture(found.get("src", ""), found.get("alt", ""))

    def _picture(self, address: str, alt: str) -> str:
        name = self.shelf.take(self._found(_FILE_BASE.sub("", address)), alt)
        return f'<img src="media:{name}" alt="{entities.escape(alt)}">' if name else ""

    def _found(self, address: str) -> str:
        """Return the address that leads to a file: beside the item, from the root, or in the folder of web resources."""
        up = "../" * (self.shelf.folder.count("/") + 1) if self.shelf.folder else ""
        tried = (address, f"{up}{address}", f"{up}web_resources/{address}")
        there = (one for one in tried if self.shelf.resolve(local_path(one, self.shelf.folder)) is not None)
        return next(there, address)
