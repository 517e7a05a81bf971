"""QTI 1.2: the items of a ``questestinterop`` file, by their responses and conditions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lxml.etree import _Element

from item_templates.contract import CanonicalItem, Choice, ItemContent, Json
from item_templates.markup import has_substance, mark_blanks, plain_text
from item_templates.numbers import json_number, parse_number
from kernel.i18n import N_
from qbank.interchange.model import Notice, RawRecord
from qbank.interchange.qti.declarations import number
from qbank.interchange.qti.flow import replace_signs, tidy
from qbank.interchange.qti.found import Taken, letters, no_key
from qbank.interchange.qti.item import EXCERPT_CHARS, ReadItem
from qbank.interchange.qti.notes import Notes, Resolve, Shelf
from qbank.interchange.qti.old_flow import OldFlow
from qbank.interchange.qti.old_rules import OldRules
from qbank.interchange.qti.read_choice import judged_options
from qbank.interchange.qti.scoring import Rules, settle
from qbank.interchange.qti.titles import title_of
from qbank.interchange.qti.tree import text_of
from qbank.interchange.qti.values import UnsupportedRuleError
from qbank.interchange.reading import SkippedRecord

MOST_TRIED = 10
NUMBER_TYPES = frozenset({"decimal", "integer", "scientific"})
Options = tuple[tuple[Choice, ...], dict[str, str]]


def read_assessment(root: _Element, path: str, *, resolve: Resolve, folder: str) -> list[ReadItem]:
    """Return what the items of a QTI 1.2 file are."""
    found = []
    for place, one in enumerate(root.iter("item"), 1):
        notes = Notes(f"{path} item {place}".strip())
        found.append(_read(one, notes, Shelf(notes, resolve, folder)))
    if found and next(root.iter("assessment"), None) is not None:
        message = N_("试卷结构（分卷、分节、时限、抽题规则）未导入，只导入其中的试题")
        found[0].losses.append(Notice(path or "file", "qti_test_structure", message))
    return found


def _read(item: _Element, notes: Notes, shelf: Shelf) -> ReadItem:
    try:
        canonical = _OldItem(item, notes, shelf).read()
    except SkippedRecord as skip:
        return _skipped(item, notes, skip.code, skip.message)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return _skipped(item, notes, "damaged_item", N_("试题的结构不符合 QTI，无法读取"))
    media = list(shelf.pictures.items())
    record = RawRecord(locator=notes.locator, stem=canonical.content.stem, item=canonical, media=media)
    return ReadItem(record, None, notes.losses, notes.warnings)


def _skipped(item: _Element, notes: Notes, code: str, message: str) -> ReadItem:
    excerpt = plain_text(text_of(item.find("presentation")))[:EXCERPT_CHARS]
    return ReadItem(None, Notice(notes.locator, code, message, excerpt), notes.losses, notes.warnings)


class _OldItem:
    """The reading of one item."""

    def __init__(self, item: _Element, notes: Notes, shelf: Shelf) -> None:
        self._item, self._notes, self._shelf = item, notes, shelf
        self._flow = OldFlow(notes, shelf)
        self._fields = {
            text_of(one.find("fieldlabel")): text_of(one.find("fieldentry")) for one in item.iter("qtimetadatafield")
        }
        self._rules = OldRules(item.find("resprocessing"))
        self._rules.factor = self._factor()

    def _factor(self) -> Decimal:
        """Return what brings the item's own scale to the points that its metadata give it."""
        points, most = number(self._fields.get("points_possible")), self._rules.maximum
        return points / most if points and most and points > 0 else Decimal(1)

    def read(self) -> CanonicalItem:
        """Return the item; raises SkippedRecord."""
        presentation = self._item.find("presentation")
        if presentation is None:
            raise SkippedRecord("no_stem", N_("没有题干"))
        html = self._flow.inner(presentation)
        content, stem = self._content(html)
        content = replace(content, stem=content.stem or stem, explanation=self._explanation())
        content = replace(content, media=tuple(self._shelf.media))
        title = " ".join(self._item.get("title", "").split())
        metadata: dict[str, Json] = {"title": title} if title and title != title_of(content) else {}
        return CanonicalItem(self._item.get("ident", ""), content, metadata=metadata)

    def _content(self, html: str) -> tuple[ItemContent, str]:
        responses = self._flow.responses
        if not responses:
            raise SkippedRecord("qti_no_interaction", N_("题目没有作答交互，不是试题"))
        kinds = {str(one.tag) for one in responses}
        unknown = next(
            (kind for kind in sorted(kinds) if kind not in {"response_lid", "response_str", "response_num"}), ""
        )
        if unknown:
            message = N_("交互类型 %(name)s 无法导入，本题未导入") % {"name": unknown}
            raise SkippedRecord(f"qti_{unknown}", message)
        stem = replace_signs(html, {})
        if kinds == {"response_lid"}:
            taken = self._listed(responses, stem)
        elif "response_lid" in kinds:
            raise SkippedRecord("qti_composite", N_("一道题里有多种作答交互，无法导入"))
        else:
            taken = self._typed(responses, html, stem)
        return self._settled(taken), self._with_prompts(stem, responses, taken)

    def _settled(self, taken: Taken) -> ItemContent:
        if taken.content.key is None:
            return replace(taken.content, score=self._maximum() or Decimal(1))
        judge = (lambda answer: self._rules.score(taken.encode(answer))) if self._rules.is_present else None
        return settle(taken.content, Rules(judge, {}, self._maximum(), taken.is_numeric), self._notes)

    def _maximum(self) -> Decimal | None:
        return self._rules.maximum or number(self._fields.get("points_possible"))

    def _with_prompts(self, stem: str, responses: Sequence[_Element], taken: Taken) -> str:
        if taken.content.type == "matching" or taken.content.stem:
            return stem
        prompts = [self._flow.material(one.find("material")) for one in responses]
        return tidy("".join([f"<p>{stem}</p>" if any(prompts) else stem, *(f"<p>{one}</p>" for one in prompts if one)]))

    def _options(self, response: _Element) -> Options:
        labels = list(response.iter("response_label"))
        names = [one.get("ident", "") for one in labels]
        if len(set(names)) != len(names) or not names:
            raise SkippedRecord("ambiguous_options", N_("选项的标识缺失或重复，无法确定各选项"))
        ids = letters(names)
        texts = [tidy("".join(self._flow.inner(one) for one in [label])) for label in labels]
        return tuple(Choice(ids[name], text) for name, text in zip(names, texts, strict=True)), ids

    def _picked(self, response: _Element) -> Taken:
        choices, ids = self._options(response)
        identifier, back = response.get("ident", ""), {ours: name for name, ours in ids.items()}
        cardinality = response.get("rcardinality", "Single").casefold()

        def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
            return {identifier: [back[one] for one in answer]}

        if cardinality == "ordered":
            key = self._best(
                [list(one) for one in itertools.permutations(ids.values())] if len(ids) < 7 else [], encode
            )
            return Taken(ItemContent("ordering", "", choices, key), encode)
        if cardinality == "multiple":
            key = self._best(self._subsets(identifier, ids), encode)
            name, kept = ("multiple_choice", key) if len(key) > 1 else ("single_choice", key[0])
            if len(key) == 1:
                self._notes.warn("type_changed", N_("多选题只有一个正确选项，按单选题导入，请核对"))
            return Taken(ItemContent(name, "", choices, kept), encode)
        right = self._best([[one] for one in ids.values()], encode)[0]
        judged = judged_options(choices, right)
        if judged is not None:
            words = {str(verdict).lower(): one for one, verdict in judged.items()}
            return Taken(
                ItemContent("true_false", "", key=judged[right]),
                lambda answer: encode([words[one] for one in answer]),
            )
        return Taken(ItemContent("single_choice", "", choices, right), encode)

    def _subsets(self, identifier: str, ids: dict[str, str]) -> list[list[str]]:
        """Return the sets of options that may be the key: all, or for long lists those that a condition names."""
        ours = list(ids.values())
        if len(ours) <= MOST_TRIED:
            sizes = range(1, len(ours) + 1)
            return [list(one) for size in sizes for one in itertools.combinations(ours, size)]
        named = []
        for condition in self._item.iter("respcondition"):
            told = [
                one for one in condition.iter("varequal") if one.get("respident") == identifier and not _negated(one)
            ]
            picked = {text_of(one) for one in told}
            named.append([mine for name, mine in ids.items() if name in picked])
        return [one for one in named if one]

    def _best(self, answers: Sequence[list[Any]], encode: Any) -> list[Any]:
        """Return the answer that earns the most, the shortest of equals; raises SkippedRecord where none earns anything."""
        try:
            earned = [(self._rules.score(encode(answer)), answer) for answer in answers]
        except UnsupportedRuleError as error:
            message = N_("评分条件使用了无法识别的 %(name)s，无法得知答案")
            raise SkippedRecord("no_key", message % {"name": str(error)[:40]}) from error
        most = max((marks for marks, _ in earned), default=Decimal(0))
        if most <= 0:
            raise no_key()
        return next(answer for marks, answer in earned if marks == most)

    def _listed(self, responses: Sequence[_Element], stem: str) -> Taken:
        """Return what one list of options, or several of them, are."""
        if len(responses) == 1:
            return self._picked(responses[0])
        if self._fields.get("question_type") == "fill_in_multiple_blanks_question":
            return self._named_blanks(responses, stem)
        return self._matched(responses)

    def _named_blanks(self, responses: Sequence[_Element], stem: str) -> Taken:
        """Return a fill-in whose blanks stand in the stem by name, each with a list of texts that may be accepted."""
        key, offered = [], []
        for place, response in enumerate(responses, 1):
            mark = f"[{text_of(response.find('material'))}]"
            if stem.count(mark) != 1:
                raise SkippedRecord("no_blank", N_("题干里没有空位 %(name)s，无法确定各空") % {"name": mark[:40]})
            stem = stem.replace(mark, f"{{{{{place}}}}}")
            name = response.get("ident", "")
            texts = {text_of(one): one.get("ident", "") for one in response.iter("response_label")}
            earned = {text: self._earned({name: [ident]}) for text, ident in texts.items()}
            most = max(earned.values(), default=Decimal(0))
            key.append([text for text, marks in earned.items() if text and marks == most > 0])
            offered.append((name, {text.casefold(): ident for text, ident in texts.items()}))
        if not all(key):
            raise no_key()

        def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
            return {
                name: [idents.get(text.casefold(), text)] for (name, idents), text in zip(offered, answer, strict=False)
            }

        return Taken(ItemContent("fill_in", stem, key=key), encode)

    def _matched(self, responses: Sequence[_Element]) -> Taken:
        """Return a matching item: several lists that offer the same."""
        read = [self._options(one) for one in responses]
        texts = [[choice.content for choice in choices] for choices, _ in read]
        if any(one != texts[0] for one in texts):
            raise SkippedRecord("qti_composite", N_("一道题里有多个作答交互，无法导入"))
        names = [one.get("ident", "") for one in responses]
        entries = letters([f"entry-{number}" for number in range(len(responses))])
        choices = tuple(
            Choice(mine, self._flow.material(one.find("material")) or mine)
            for mine, one in zip(entries.values(), responses, strict=True)
        )
        targets = tuple(Choice(str(n), choice.content) for n, choice in enumerate(read[0][0], 1))
        by_entry = {
            mine: (name, {str(n): option for n, option in enumerate(ids, 1)})
            for mine, name, (_, ids) in zip(entries.values(), names, read, strict=True)
        }

        def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
            return {by_entry[entry][0]: [by_entry[entry][1][target]] for entry, target in answer}

        pairs = [[mine, self._partner(mine, targets, encode)] for mine in entries.values()]
        content = ItemContent("matching", "", choices, {"pairs": sorted(pairs)}, targets=targets)
        return Taken(content, encode)

    def _partner(self, entry: str, targets: Sequence[Choice], encode: Any) -> str:
        best = self._best([[[entry, target.id]] for target in targets], encode)
        return str(best[0][1])

    def _typed(self, responses: Sequence[_Element], html: str, stem: str) -> Taken:
        kinds = {(one.get("fibtype") or "").casefold() for response in responses for one in response.iter("render_fib")}
        is_number = bool(kinds & NUMBER_TYPES) or responses[0].tag == "response_num"
        is_number = is_number or self._fields.get("question_type") == "numerical_question"
        if len(responses) == 1 and is_number:
            return self._number(responses[0])
        accepted = [self._accepted(one) for one in responses]
        if len(responses) == 1 and not accepted[0]:
            return Taken(ItemContent("essay", ""), _says_nothing)
        if not all(accepted):
            raise no_key()
        names = [one.get("ident", "") for one in responses]

        def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
            return {name: [str(text)] for name, text in zip(names, answer, strict=False)}

        marked = _with_blanks(html, stem, len(responses))
        if marked:
            return Taken(ItemContent("fill_in", marked, key=accepted), encode)
        return Taken(ItemContent("short_answer", "", key=accepted[0]), encode)

    def _accepted(self, response: _Element) -> list[str]:
        """Return the texts with which conditions compare a response and that earn its best marks."""
        name = response.get("ident", "")
        listed = list(
            dict.fromkeys(text_of(one) for one in self._item.iter("varequal") if one.get("respident") == name)
        )
        tried = [(self._earned({name: [text]}), text) for text in listed if text]
        most = max((marks for marks, _ in tried), default=Decimal(0))
        partly = [text for marks, text in tried if 0 < marks < most]
        if partly:
            message = N_("部分得分的答案 %(texts)s 未导入：填空题的每个答案都得满分")
            self._notes.lose("qti_partial_answer", message % {"texts": "、".join(partly)[:60]})
        return [text for marks, text in tried if marks == most] if most > 0 else []

    def _earned(self, given: dict[str, list[str]]) -> Decimal:
        try:
            return self._rules.score(given)
        except UnsupportedRuleError as error:
            raise SkippedRecord("no_key", N_("评分条件无法识别，无法得知答案")) from error

    def _number(self, response: _Element) -> Taken:
        name = response.get("ident", "")
        told = [
            one
            for one in self._item.iter("varequal", "vargte", "vargt", "varlte", "varlt")
            if one.get("respident") == name
        ]
        values = {kind: [number(one.text) for one in told if one.tag in kinds] for kind, kinds in _LIMITS.items()}
        equal, low, high = (next((one for one in values[kind] if one is not None), None) for kind in _LIMITS)
        if equal is None and (low is None or high is None):
            raise no_key()
        if low is not None and high is not None:
            value, tolerance = (low + high) / 2, (high - low) / 2
        else:
            value, tolerance = equal or Decimal(0), Decimal(0)
        key = {"value": json_number(value), "tolerance": json_number(tolerance), "unit": ""}

        def encode(answer: Sequence[Any]) -> dict[str, list[str]]:
            return {name: [f"{one:f}" for one in map(parse_number, answer) if one is not None]}

        return Taken(ItemContent("numeric", "", key=key), encode, is_numeric=True)

    def _explanation(self) -> str:
        feedback = list(self._item.iter("itemfeedback"))
        texts = [tidy("".join(self._flow.inner(one) for one in [holder])) for holder in feedback]
        shown = list(dict.fromkeys(text for text in texts if has_substance(text)))
        if len(shown) > 1:
            self._notes.lose("qti_feedback", N_("分情形显示的反馈已合并到解析，显示条件未保留"))
        return shown[0] if len(shown) == 1 else tidy("".join(f"<p>{text}</p>" for text in shown))


_LIMITS = {
    "equal": frozenset({"varequal"}), "low": frozenset({"vargte", "vargt"}), "high": frozenset({"varlte", "varlt"}),
}  # fmt: skip


def _says_nothing(answer: Sequence[Any]) -> dict[str, list[str]]:
    del answer
    return {}


def _negated(element: _Element) -> bool:
    return any(one.tag == "not" for one in element.iterancestors())


def _with_blanks(html: str, stem: str, n_blanks: int) -> str:
    """Return the stem with numbered blanks: where the entries stand inside the text, else where blanks are drawn."""
    inside = re.search(r"[^<>\s]\s*\ue000\d+\ue001\s*(?=[^<\s\ue000])", html)
    if n_blanks > 1 or inside:
        return replace_signs(html, {place: f"{{{{{place + 1}}}}}" for place in range(n_blanks)})
    drawn = mark_blanks(stem)
    return drawn if drawn.count("{{") == n_blanks else ""
