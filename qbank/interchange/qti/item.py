"""One item file as a canonical item: by its interactions, its scoring and what our own files add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from lxml.etree import _Element

from item_templates.contract import CanonicalItem, ItemContent, Json
from item_templates.markup import plain_text
from item_templates.rounding import decimal_text
from kernel.i18n import N_
from qbank.interchange.describing import read_rubric
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.model import Notice, RawRecord
from qbank.interchange.qti import composite, residue
from qbank.interchange.qti.declarations import OutcomeVariable, number, outcomes_of, responses_of
from qbank.interchange.qti.flow import Flow, replace_signs, tidy
from qbank.interchange.qti.found import Context, Taken, decode_id
from qbank.interchange.qti.notes import Notes, Resolve, Shelf, local_path
from qbank.interchange.qti.processing import Processing
from qbank.interchange.qti.read_choice import read_choice, read_inline_choice, read_match, read_order
from qbank.interchange.qti.read_hotspot import read_hotspot, read_select_point
from qbank.interchange.qti.read_text import read_entries, read_extended
from qbank.interchange.qti.scoring import Rules, settle
from qbank.interchange.qti.titles import title_of
from qbank.interchange.qti.tree import parse, text_of
from qbank.interchange.reading import SkippedRecord

Reader = Callable[[Context, _Element, int], Taken]
ENTRIES = frozenset({"textEntryInteraction", "inlineChoiceInteraction"})
READERS: dict[str, Reader] = {
    "choiceInteraction": read_choice,
    "inlineChoiceInteraction": read_inline_choice,
    "orderInteraction": read_order,
    "matchInteraction": read_match,
    "extendedTextInteraction": read_extended,
    "hotspotInteraction": read_hotspot,
    "selectPointInteraction": read_select_point,
}
"""The interactions that are read beside text entries; docs/qti.md lists them."""
MARKED = frozenset({"essay", "short_answer"})
EXCERPT_CHARS = 80


@dataclass(slots=True)
class ReadItem:
    """What became of one item file: a record or a reason, and everything to be said about it."""

    record: RawRecord | None = None
    skipped: Notice | None = None
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


def nothing_there(path: str) -> bytes | None:
    """Resolve nothing: a file that stands alone brings no others along."""
    del path
    return None


def read_item(root: _Element, locator: str, *, resolve: Resolve = nothing_there, folder: str = "") -> ReadItem:
    """Return what an ``assessmentItem`` is, or why it cannot be an item of ours."""
    notes = Notes(locator)
    shelf = Shelf(notes, resolve, folder)
    try:
        item = _Item(root, notes, shelf).read()
    except SkippedRecord as skip:
        return _skipped(root, notes, skip.code, skip.message)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return _skipped(root, notes, "damaged_item", N_("试题的结构不符合 QTI，无法读取"))
    record = RawRecord(locator=locator, stem=item.content.stem, item=item, media=pictures_of(item.content, shelf))
    return ReadItem(record, None, notes.losses, notes.warnings)


def _skipped(root: _Element, notes: Notes, code: str, message: str) -> ReadItem:
    skipped = Notice(notes.locator, code, message, text_of(root.find("itemBody"))[:EXCERPT_CHARS])
    return ReadItem(None, skipped, notes.losses, notes.warnings)


def pictures_of(content: ItemContent, shelf: Shelf) -> list[tuple[str, bytes]]:
    """Return the pictures of an item under the ids that it gives them, which are ours where our own file says so."""
    by_digest = {str(one["digest"]): shelf.pictures[str(one["id"])] for one in shelf.media}
    media = [*content.media, *(one for child in content.items for one in child.media)]
    return list(
        {str(one["id"]): by_digest[str(one.get("digest"))] for one in media if one.get("digest") in by_digest}.items()
    )


class _Item:
    """The reading of one item."""

    def __init__(self, root: _Element, notes: Notes, shelf: Shelf) -> None:
        self._root, self._notes, self._shelf = root, notes, shelf
        self._flow = Flow(notes, shelf)
        self._outcomes = outcomes_of(root)
        responses = responses_of(root)
        rules = root.find("responseProcessing")
        self._processing = Processing(responses, self._outcomes, rules)
        self._context = Context(self._flow, notes, responses, rules)

    def read(self) -> CanonicalItem:
        """Return the item; raises SkippedRecord."""
        self._refuse_templates()
        body = self._root.find("itemBody")
        if body is None:
            raise SkippedRecord("no_stem", N_("没有题干"))
        html = self._stimulus() + self._flow.inner(body)
        content = self._content(html, self._interactions())
        content = replace(content, explanation=self._explanation(), media=tuple(self._shelf.media))
        content = self._with_rubric(content)
        item = CanonicalItem(decode_id(self._root.get("identifier", "")), content, metadata=self._metadata(content))
        return residue.restore(item, self._root)

    def _refuse_templates(self) -> None:
        if self._root.find("templateDeclaration") is not None:
            message = N_("题目由模板变量（templateDeclaration）生成，无法导入")
            raise SkippedRecord("qti_template", message)
        if self._root.get("adaptive") == "true":
            self._notes.lose("qti_adaptive", N_("自适应题（多次作答）按一次作答导入"))
        for name in ("stylesheet", "catalogInfo", "apipAccessibility", "companionMaterialsInfo"):
            if self._root.find(name) is not None:
                self._notes.lose(f"qti_{name.lower()}", N_("元素 %(name)s 无法导入，已略去") % {"name": name})

    def _stimulus(self) -> str:
        """Return the shared text that the item refers to."""
        found = []
        for reference in self._root.findall("assessmentStimulusRef"):
            path = local_path(reference.get("href", ""), self._shelf.folder)
            data = self._shelf.resolve(path) if path else None
            body = _stimulus_body(data)
            if body is None:
                message = N_("共用材料 %(name)s 不在文件中，未导入")
                self._notes.lose("qti_stimulus", message % {"name": reference.get("href", "")[:60]})
            else:
                found.append(self._flow.inner(body))
        return "".join(found)

    def _interactions(self) -> list[tuple[int, _Element]]:
        """Return the interactions that ask for an answer; raises SkippedRecord for one that cannot be read."""
        listed = list(enumerate(self._flow.interactions))
        asking = [(place, one) for place, one in listed if one.tag != "endAttemptInteraction"]
        if len(asking) < len(listed):
            self._notes.lose("qti_end_attempt", N_("提示按钮（endAttemptInteraction）未导入"))
        unknown = next((str(one.tag) for _, one in asking if one.tag not in ENTRIES | READERS.keys()), "")
        if unknown:
            message = N_("交互类型 %(name)s 无法导入，本题未导入") % {"name": unknown}
            raise SkippedRecord(code_of(unknown), message)
        if not asking:
            raise SkippedRecord("qti_no_interaction", N_("题目没有作答交互，不是试题"))
        return asking

    def _content(self, html: str, interactions: Sequence[tuple[int, _Element]]) -> ItemContent:
        names = [one.tag for _, one in interactions]
        if composite.is_marked(self._root) or (len(names) > 1 and not set(names) <= ENTRIES):
            return self._composite(html, interactions)
        n_known = len(self._flow.interactions)
        taken = take(self._context, interactions)
        if len(self._flow.interactions) > n_known:
            raise SkippedRecord("qti_nested_interaction", N_("选项里还有作答交互，无法导入"))
        asked = prompts(self._flow, interactions)
        stem = replace_signs(html, asked | {place: asked.get(place, "") + text for place, text in taken.texts.items()})
        content = replace(taken.content, stem=stem)
        return settle(content, self._rules(taken), self._notes) if content.key is not None else self._unkeyed(content)

    def _unkeyed(self, content: ItemContent) -> ItemContent:
        return replace(content, score=self._maximum() or Decimal(1))

    def _rules(self, taken: Taken) -> Rules:
        judge = (lambda answer: self._processing.score(taken.encode(answer))) if self._processing.is_present else None
        return Rules(judge, taken.worth, self._maximum(), taken.is_numeric, taken.pair_limit)

    def _composite(self, html: str, interactions: Sequence[tuple[int, _Element]]) -> ItemContent:
        parts = composite.split(html, self._flow, interactions)
        taken = [(part, take(self._context, part.interactions)) for part in parts.parts]
        score = self._processing.score if self._processing.is_present else None
        settled = composite.settle_all(taken, score, self._notes)
        children = [
            by_rubric(with_rubric(one, self._flow, part.rubrics))
            for one, part in zip(settled, parts.parts, strict=True)
        ]
        maximum = sum((one.score for one in children), Decimal(0))
        return ItemContent("testlet", parts.stem, items=tuple(children), score=maximum)

    def _maximum(self) -> Decimal | None:
        """Return the marks that the item says it carries."""
        found = self._outcomes.get("MAXSCORE")
        stated = number(found.default[0]) if found and found.default else None
        score = self._outcomes.get("SCORE", OutcomeVariable("SCORE")).maximum
        best = stated if stated is not None else score
        return best if best is not None and best > 0 else None

    def _explanation(self) -> str:
        """Return all feedback as one explanation; conditions under which it shows are a loss."""
        modal = self._root.findall("modalFeedback")
        texts = [self._flow.html(one) for one in [*modal, *self._flow.feedback]]
        shown = list(dict.fromkeys(text for text in texts if text))
        if self._flow.feedback or len(modal) > 1:
            self._notes.lose("qti_feedback", N_("分情形显示的反馈已合并到解析，显示条件未保留"))
        return shown[0] if len(shown) == 1 else tidy("".join(f"<p>{text}</p>" for text in shown))

    def _with_rubric(self, content: ItemContent) -> ItemContent:
        if content.type == "testlet" or not self._flow.rubrics:
            return content
        if content.type not in MARKED:
            self._notes.lose("qti_rubric", N_("给评卷人的说明（rubricBlock）未导入：本题由程序评分"))
            return content
        return with_rubric(content, self._flow, self._flow.rubrics)

    def _metadata(self, content: ItemContent) -> dict[str, Json]:
        title = " ".join(self._root.get("title", "").split())
        return {} if not title or title == title_of(content) else {"title": title}


def with_rubric(content: ItemContent, flow: Flow, rubrics: Sequence[_Element]) -> ItemContent:
    """Return a marked content with the scoring points of its rubric blocks; unmarked lines are one point together."""
    texts = [plain_text(flow.html(one)) for one in rubrics]
    text = "\n".join(one for one in texts if one)
    if not text or content.type not in MARKED:
        return content
    points = read_rubric(text)
    return replace(content, rubric=points or ({"text": text, "score": decimal_text(content.score)},))


def by_rubric(content: ItemContent) -> ItemContent:
    """Return a marked part with the score that its scoring points add up to; files give no other for a part."""
    total = sum((Decimal(str(point["score"])) for point in content.rubric), Decimal(0))
    return replace(content, score=total) if total and content.key is None else content


def _stimulus_body(data: bytes | None) -> _Element | None:
    try:
        return parse(data).find("stimulusBody") if data else None
    except UnreadableFileError:
        return None


def code_of(name: str) -> str:
    """Return the code under which a report names an interaction.

    Examples
    --------
    >>> code_of("gapMatchInteraction")
    'qti_gap_match_interaction'
    """
    return "qti_" + "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def take(context: Context, interactions: Sequence[tuple[int, _Element]]) -> Taken:
    """Return what one interaction, or the entries of one text, are."""
    place, element = interactions[0]
    if len(interactions) > 1 or element.tag == "textEntryInteraction":
        return read_entries(context, interactions)
    return READERS[str(element.tag)](context, element, place)


def prompts(flow: Flow, interactions: Sequence[tuple[int, Any]]) -> dict[int, str]:
    """Return the prompt of each interaction, to stand where the interaction stood."""
    found = {place: element.find("prompt") for place, element in interactions}
    return {place: f"<p>{flow.inner(prompt)}</p>" for place, prompt in found.items() if prompt is not None}
