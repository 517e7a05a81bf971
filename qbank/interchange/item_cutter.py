"""Cut the lines of an item list into records: where an item starts, and which of its parts a line belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kernel.i18n import N_
from qbank.interchange import grammar
from qbank.interchange.answer_lists import AnswerList, is_answer_list, opens_section, parse_answers
from qbank.interchange.grammar import LONG_ANSWER, Heading, Number
from qbank.interchange.lines import BLANKS, CONTINUED, Line
from qbank.interchange.model import Notice, ReadResult
from qbank.interchange.open_item import OpenItem, Section, to_record
from qbank.interchange.option_lines import LETTERS, is_option_line, option_head, option_marks, with_letter

LOOK_AHEAD = 14
_SURE_STYLES = ("mark", "ordinal", "item", "round", "square")
_CLOSED = (
    "answer",
    "explanation",
    "difficulty",
    "points",
    "score",
    "identifier",
    "rubric",
    "source",
    "type_hint",
    "targets",
    "extra",
)


def cut_lines(lines: Sequence[Line], format_name: str, *, exact: bool = False) -> ReadResult:
    """Return the records that a list of lines holds, with keys from an answer part given back by number.

    `exact` says that the file is in our own form, so that an item with all its labels is taken as it was written.
    """
    return _Cutter(lines, format_name, exact=exact).run()


@dataclass(slots=True)
class _Outline:
    """What the file as a whole looks like, decided before the first item is cut."""

    numbered: bool = True
    repeated: frozenset[str] = frozenset()


def _outline(lines: Sequence[Line]) -> _Outline:
    counts: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for line in lines:
        number, head = grammar.read_number(line.text), option_head(line.text)
        labels = grammar.find_labels(line.text)
        counts["number"] += bool(number and number.style in _SURE_STYLES)
        counts["key"] += bool(labels and labels[0].name == "answer") or grammar.has_judgement_mark(line.text)
        counts["options"] += bool(head and head.letter == "A")
        if not head and not labels and not number:
            texts[line.text.strip(BLANKS)] += 1
    items = max(counts["key"], counts["options"])
    running = frozenset(text for text, count in texts.items() if count > 3 and 3 < len(text) <= 40)
    return _Outline(numbered=counts["number"] * 2 >= items and counts["number"] > 0, repeated=running)


@dataclass(slots=True)
class _Cutter:
    lines: Sequence[Line]
    format_name: str
    exact: bool = False
    drafts: list[OpenItem] = field(default_factory=list)
    section: Section = field(default_factory=Section)
    outline: _Outline = field(default_factory=_Outline)
    answers: AnswerList | None = None
    prose: bool = False
    fresh: bool = True
    sub_list: int = 0
    shared: OpenItem | None = None
    index: int = 0
    prose_lines: list[Line] = field(default_factory=list)
    n_page_marks: int = 0
    collected: list[AnswerList] = field(default_factory=list)

    def run(self) -> ReadResult:
        self.outline = _outline(self.lines)
        for index, line in enumerate(self.lines):
            self.index = index
            self._feed(line)
        result = ReadResult(self.format_name)
        self._deliver_answers(result)
        for draft in self.drafts:
            to_record(draft, result, exact=self.exact)
        self._warn(result)
        return result

    @property
    def draft(self) -> OpenItem | None:
        """The item that is being read, if any."""
        return self.drafts[-1] if self.drafts and not self.fresh else None

    # --- one line -------------------------------------------------------------------------------------------------

    def _feed(self, line: Line) -> None:
        if line.text.startswith(CONTINUED) and self.draft:
            self.draft.add(line)
        elif line.block:
            self._feed_table(line)
        elif grammar.is_page_mark(line.text) or line.text.strip(BLANKS) in self.outline.repeated:
            self.n_page_marks += 1
        elif not self._feed_heading(line):
            self._feed_content(line)

    def _feed_table(self, line: Line) -> None:
        if self.draft and not self.prose and self.answers is None:
            self.draft.add(line)
        else:
            self.prose_lines.append(line)

    def _feed_heading(self, line: Line) -> bool:
        if grammar.opens_answers(line.text) and not self._next_is_plain_key():
            self._open_answers("")
            return True
        heading = grammar.read_heading(line.text)
        if heading:
            self._open_section(heading)
            return True
        if grammar.opens_prose(line.text):
            self.prose, self.fresh = True, True
            return True
        return False

    def _open_section(self, heading: Heading) -> None:
        if heading.answers or (self.answers is not None and self._next_is_answer()):
            self._open_answers(heading.type_word)
            return
        self.answers, self.prose, self.fresh, self.sub_list, self.shared = None, False, True, 0, None
        self.section = Section(
            self.section.index + 1, heading.type_word, heading.score, heading.difficulty, heading.ordinal
        )

    def _open_answers(self, type_word: str) -> None:
        if self.answers is None:
            last = self.collected[-1] if self.collected else AnswerList()
            first = last.first if last.behind == len(self.drafts) else last.behind
            self.answers = AnswerList(first, len(self.drafts))
            self.collected.append(self.answers)
        self.answers.section = type_word
        self.fresh, self.prose = True, False

    def _feed_content(self, line: Line) -> None:
        if self.answers is not None:
            if not self._starts_again(line):
                self.answers.read(line)
                return
            self.answers = None
        if is_answer_list(line.text):
            self._open_answers("")
            self._feed_content(line)
        elif self.prose:
            self.prose_lines.append(line)
        elif not self._feed_shared(line) and not self._feed_labels(line) and not self._feed_options(line):
            self._feed_text(line)

    def _feed_shared(self, line: Line) -> bool:
        """Open a text that the items behind it share, where the section is one of such items."""
        found = grammar.read_shared_text(line.text) if self.section.type_word in grammar.GROUPED else None
        if found is None:
            return False
        number, start = found
        self.shared = OpenItem(line.locator, self.section, number, [line.cut(start)], is_shared=True)
        self.drafts.append(self.shared)
        self.fresh, self.sub_list = False, 0
        return True

    # --- labels and options ---------------------------------------------------------------------------------------

    def _feed_labels(self, line: Line) -> bool:
        labels = grammar.find_labels(line.text)
        if not labels or not (self.draft or labels[0].start or labels[0].name == "stem"):
            return False
        if labels[0].start and not self._splits_here(labels[0].name):
            return False
        if labels[0].start:
            before = line.cut(0, labels[0].start)
            if not self._feed_options(before):
                self._feed_text(before)
        ends = [label.start for label in labels[1:]] + [len(line.text)]
        for label, end in zip(labels, ends, strict=True):
            self._feed_field(label.name, line.cut(label.end, end))
        return True

    def _splits_here(self, name: str) -> bool:
        """Say whether a label inside a line opens a field; words such as 分析： also occur in running text."""
        if self.draft and self.draft.stage in _CLOSED:
            return name in ("answer", "explanation", "difficulty", "points", "score")
        return name == "answer"

    def _feed_field(self, name: str, content: Line) -> None:
        if name == "stem":
            self._start(content, None)
        elif self.draft:
            self.draft.open_field(name, content)
            point = grammar.read_number(content.text)
            self.sub_list = point.value if point and point.style in _SURE_STYLES else 0

    def _feed_options(self, line: Line) -> bool:
        draft = self.draft
        if draft is None or draft.stage not in ("stem", "options"):
            return False
        expected = LETTERS[min(len(draft.options), len(LETTERS) - 1)]
        line = self._recounted(line, expected)
        before = self._next_option_letter()
        if not is_option_line(line.text, expected, before=before):
            return False
        marks = option_marks(line.text, before=before)
        ends = [mark.start for mark in marks[1:]] + [len(line.text)]
        for mark, end in zip(marks, ends, strict=True):
            draft.add_option(mark.letter, line.cut(mark.end, end))
        return True

    def _recounted(self, line: Line, expected: str) -> Line:
        """Return an automatically lettered line with the letter its place asks for: two options may share a paragraph."""
        head = option_head(line.text) if line.automatic else None
        if head is None or self.draft is None or head.letter >= expected:
            return line
        self.draft.relabelled = True
        return replace(line, text=with_letter(line.text, expected))

    def _next_option_letter(self) -> str:
        """Return the letter the next line starts with; an automatic one says nothing, for it counts paragraphs."""
        following = self.lines[self.index + 1] if self.index + 1 < len(self.lines) else None
        head = option_head(following.text) if following and not following.automatic else None
        return head.letter if head else ""

    # --- stems and continuations ----------------------------------------------------------------------------------

    def _feed_text(self, line: Line) -> None:
        word, (begin, _) = grammar.take_type(line.text) if grammar.read_number(line.text) is None else ("", (0, 0))
        if begin and self._feed_item(line.cut(begin)):
            self.drafts[-1].open_type(word)
        elif not self._feed_item(line):
            if self.draft:
                self._continue(line, grammar.read_number(line.text))
            else:
                self.prose_lines.append(line)

    def _feed_item(self, line: Line) -> bool:
        """Open an item where the line starts one."""
        number = grammar.read_number(line.text)
        if number and self._accepts(number, line):
            self._start(line.cut(number.end), number, line.locator)
            return True
        if not number and self._starts_unnumbered(line):
            self._start(line, None)
            return True
        return False

    def _continue(self, line: Line, number: Number | None) -> None:
        draft = self.draft
        if draft is None:
            return
        if number:
            self.sub_list = number.value
        long_answer = (
            self.section.type_word in LONG_ANSWER and draft.stage == "stem" and not (draft.has_key or draft.is_shared)
        )
        if long_answer and _closes_stem(draft.stem[-1].text) and not line.joined:
            draft.open_field("answer", line)
        else:
            draft.add(line)

    def _start(self, line: Line, number: Number | None, locator: str = "") -> None:
        word, (begin, end) = grammar.take_type(line.text)
        section = replace(self.section, type_word="") if self.shared else self.section
        stem = [line.cut(begin, end) if word else line]
        item = OpenItem(locator or line.locator, section, number, stem, shared=self.shared)
        if word:
            item.open_type(word)
        self.drafts.append(item)
        self.fresh, self.sub_list = False, 0

    def _accepts(self, number: Number, line: Line) -> bool:
        """Say whether a numbered line opens an item, and is not a point of a list inside one."""
        draft = self.draft
        if draft is None:
            return number.style != "decimal" and (number.style in _SURE_STYLES or self._leads_to_item())
        last = draft.number
        if draft.is_shared:
            return number.style in _SURE_STYLES and number.value in (1, last.value + 1 if last else 1)
        if last is None:
            return number.style in _SURE_STYLES and (draft.complete or self._leads_to_item())
        if number.style in ("decimal", "bare", "blank"):
            return number.value == last.value + 1 and self._may_be_loose(number, line)
        if number.style != last.style and not _kin(number, last):
            return draft.complete and not draft.textual and self._leads_to_item()
        return self._follows(number, last, draft, line)

    def _follows(self, number: Number, last: Number, draft: OpenItem, line: Line) -> bool:
        asking = grammar.is_asking(line.text[number.end :])
        if self.sub_list and number.value == self.sub_list + 1:
            return asking or (self._leads_to_item() and number.value == last.value + 1)
        if draft.stage in ("explanation", "rubric"):
            return number.value > last.value and (asking or self._leads_to_item())
        if draft.textual:
            return number.value == last.value + 1 or (number.value > last.value and asking)
        return number.value == last.value + 1 or draft.complete or number.value > last.value

    def _may_be_loose(self, number: Number, line: Line) -> bool:
        draft = self.draft
        if draft is None or not draft.complete:
            return False
        if draft.textual:
            return grammar.is_asking(line.text[number.end :])
        return number.style != "bare" or self._leads_to_item() or grammar.has_bracket_key(line.text)

    def _starts_unnumbered(self, line: Line) -> bool:
        if self.outline.numbered:
            return False
        draft = self.draft
        if draft is None:
            return self._leads_to_item() or grammar.has_judgement_mark(line.text)
        if draft.stage == "stem":
            return draft.has_key and (grammar.has_bracket_key(line.text) or line.blank_before)
        if line.joined:
            return False
        return line.blank_before or self._leads_to_item() or grammar.has_judgement_mark(line.text)

    # --- looking around -------------------------------------------------------------------------------------------

    def _following(self) -> Sequence[Line]:
        return self.lines[self.index + 1 : self.index + 1 + LOOK_AHEAD]

    def _leads_to_item(self) -> bool:
        """Say whether options or an answer come before the next number, heading or empty line."""
        if grammar.has_bracket_key(self.lines[self.index].text):
            return True
        for line in self._following():
            labels = grammar.find_labels(line.text)
            head = option_head(line.text)
            if (labels and labels[0].name == "answer") or (head and head.letter == "A" and head.style != "weak"):
                return True
            number = grammar.read_number(line.text)
            if line.blank_before or (number and number.style in _SURE_STYLES) or grammar.read_heading(line.text):
                return False
        return False

    def _starts_again(self, line: Line) -> bool:
        """Say whether items go on behind a stretch of answers."""
        number = grammar.read_number(line.text)
        if not number or number.style not in _SURE_STYLES or parse_answers(line.text) is not None:
            return False
        following = self._following()
        head = option_head(following[0].text) if following else None
        return bool(head and head.letter == "A")

    def _next_is_answer(self) -> bool:
        following = self._following()
        if not following:
            return False
        text = following[0].text
        pairs = parse_answers(text)
        if pairs is not None:
            return True
        head = option_head(following[1].text) if len(following) > 1 else None
        return not (head and head.letter == "A") and bool(re.match(r"^\s*\d{1,3}\s*[、.．]\s*(?:答|解)", text))

    def _next_is_plain_key(self) -> bool:
        """Say whether 答案： stands alone because its key is on the next line."""
        following = self._following()
        if self.draft is None or not following or self.draft.stage in _CLOSED:
            return False
        text = following[0].text.strip(BLANKS)
        if grammar.read_heading(text) or opens_section(text) or following[0].block:
            return False
        return grammar.read_number(text) is None

    # --- the end --------------------------------------------------------------------------------------------------

    def _deliver_answers(self, result: ReadResult) -> None:
        for answers in self.collected:
            _give_back(answers, self.drafts[answers.first : answers.behind], result)

    def _warn(self, result: ReadResult) -> None:
        if not result.records and not result.skipped:
            message = N_("没有找到试题；每道题应以题号开头，或带有选项和“答案：”一行")
            result.warnings.append(Notice("", "no_items", message))
        if self.n_page_marks:
            message = N_("略去了 %(n)s 行页码或重复的页眉页脚") % {"n": self.n_page_marks}
            result.warnings.append(Notice("", "page_marks", message))
        for line in self.prose_lines:
            if line.block:
                message = N_("表格不在任何题目之内，未作为试题导入（例如实操评分表）")
                result.warnings.append(Notice(line.locator, "table_outside_item", message))


def _closes_stem(text: str) -> bool:
    return text.rstrip(BLANKS + "）)").endswith(
        ("。", "？", "?", "！", "：", ":", "影响", "任务", "作用", "办法", "措施")
    )


def _kin(first: Number, second: Number) -> bool:
    plain = ("mark", "blank", "bare", "decimal")
    return first.style in plain and second.style in plain


def _give_back(answers: AnswerList, drafts: list[OpenItem], result: ReadResult) -> None:
    """Set collected answers on the items they name; an answer that fits no item or several is left and named."""
    words = {word for word, _ in answers.entries}
    named = {name for draft in drafts for name in (draft.section.type_word, draft.section.ordinal)}
    for place, key in answers.entries.items():
        targets = [draft for draft in drafts if _is_meant(place, draft, words, named)]
        if place in answers.doubtful or len(targets) != 1:
            message = N_("第 %(n)s 题的答案对不上唯一的一道题，未采用：%(key)s") % {"n": place[1], "key": key[:40]}
            result.warnings.append(Notice("", "unmatched_answer", message))
            continue
        target = targets[0]
        if target.given_answer and target.given_answer != key:
            target.conflict = key
        elif not target.given_answer:
            target.collected = key
    for line in answers.unreadable:
        result.warnings.append(Notice(line.locator, "unread_answer_line", N_("答案部分有一行无法识别"), line.text[:80]))


def _is_meant(place: tuple[str, int], draft: OpenItem, words: set[str], named: set[str]) -> bool:
    word, number = place
    if draft.number is None or draft.number.value != number:
        return False
    if not word or word in (draft.section.type_word, draft.section.ordinal):
        return True
    return (words == {word} and not draft.section.type_word) or (grammar.is_ordinal(word) and word not in named)
