"""Say which column of a table holds what: recognised from headers, from content, or given by a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.i18n import N_
from qbank.interchange.answers import is_numeric_judgement, read_judgement, read_letters
from qbank.interchange.options import LETTERS, split_options

Rows = Sequence[Sequence[str]]

SYNONYMS: dict[str, tuple[str, ...]] = {
    "stem": (
        "题干",
        "题目内容",
        "试题内容",
        "题目",
        "试题",
        "题干内容",
        "试题正文",
        "试题题干",
        "题目题干",
        "问题",
        "内容",
        "试题描述",
        "题面",
        "考题",
        "考题内容",
        "题目名称",
        "试题名称",
        "题目标题",
        "标题",
        "题文",
        "question",
        "stem",
        "content",
        "title",
        "questiontext",
        "questioncontent",
    ),
    "answer": (
        "答案",
        "正确答案",
        "标准答案",
        "题目答案",
        "试题答案",
        "参考答案",
        "答案选项",
        "正确选项",
        "正确选择",
        "答",
        "答案要点",
        "answer",
        "answers",
        "key",
        "correctanswer",
        "rightanswer",
        "correct",
        "correctoption",
    ),
    "type": (
        "题型",
        "试题类型",
        "题目类型",
        "类型",
        "试题题型",
        "题目题型",
        "题类",
        "题型名称",
        "type",
        "questiontype",
        "itemtype",
        "category_type",
        "qtype",
    ),
    "options": (
        "选项",
        "题目选项",
        "试题选项",
        "备选项",
        "备选答案",
        "可选项",
        "选项内容",
        "候选项",
        "全部选项",
        "options",
        "choices",
        "option",
    ),
    "explanation": (
        "解析",
        "答案解析",
        "试题解析",
        "题目解析",
        "答案说明",
        "解答",
        "解题思路",
        "ai解析",
        "说明",
        "依据",
        "出处与解析",
        "explanation",
        "analysis",
        "parsing",
        "解释",
        "feedback",
    ),
    "difficulty": ("难度", "难易度", "难易程度", "试题难度", "题目难度", "难度系数", "难度等级", "difficulty", "难易"),
    "score": (
        "分值",
        "分数",
        "题目分值",
        "试题分值",
        "得分",
        "默认分值",
        "满分",
        "score",
        "scores",
        "points_score",
        "mark",
        "marks",
    ),
    "points": (
        "鉴定点",
        "鉴定点代码",
        "考核点",
        "知识点",
        "考点",
        "知识点代码",
        "所属知识点",
        "鉴定点编码",
        "考核要素",
        "point",
        "points",
    ),
    "identifier": ("编号", "题号", "序号", "试题编号", "题目编号", "id", "no", "no.", "试题id", "题目id", "number"),
    "source": ("来源", "出处", "题目来源", "试题来源", "教材", "source"),
    "group": ("组合题编号", "所属组合题", "材料编号", "所属材料", "题组编号", "题组"),
    "rubric": ("评分标准", "评分要点", "评分细则", "采分点", "得分点", "rubric"),
    "picture": ("图片", "题图", "配图", "附图", "插图", "picture", "image"),
}
FIELD_WORDS: dict[str, str] = {
    "stem": N_("题干"), "answer": N_("答案"), "type": N_("题型"), "options": N_("选项（一格）"), "explanation": N_("解析"),
    "difficulty": N_("难度"), "score": N_("分值"), "points": N_("鉴定点"), "identifier": N_("编号"), "source": N_("来源"),
    "rubric": N_("评分标准"), "group": N_("组合题编号"), "picture": N_("图片"),
}  # fmt: skip
BY_NAME = {name: kind for kind, names in SYNONYMS.items() for name in names}
OPTION_HEADER = re.compile(
    r"^(?:选项|备选项|备选答案|答案选项|option|choice)?[_\-]?([a-l])(?:选项|项)?$|^(?:选项|备选项|option|choice)[_\-]?(\d{1,2})$"
)
CHINESE_OPTION = re.compile(r"^选项([一二三四五六七八九十])$")
HEADER_ROWS = 15
KEY_RULES = ("", "first_option")


class MappingError(ValueError):
    """A column mapping does not have the shape that `ColumnMapping.to_json` writes."""


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """Meaning of the columns of one sheet; columns count from 0, `header_row` is None where the sheet has none."""

    fields: Mapping[str, int]
    options: tuple[int, ...] = ()
    metadata: Mapping[str, int] = field(default_factory=dict)
    header_row: int | None = None
    type_hint: str = ""
    key_rule: str = ""
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    ignore: bool = False

    def describe(self) -> list[str]:
        """Return lines such as ``B 列 = 题干`` in the order of the columns."""
        named = [(column, FIELD_WORDS[kind]) for kind, column in self.fields.items()]
        named += [(column, f"选项{LETTERS[index]}") for index, column in enumerate(self.options)]
        named += [(column, name) for name, column in self.metadata.items()]
        return [f"{column_letters(column)} 列 = {words}" for column, words in sorted(named)]

    def to_json(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values."""
        return {
            "fields": dict(self.fields), "options": list(self.options), "metadata": dict(self.metadata),
            "header_row": self.header_row, "type_hint": self.type_hint, "key_rule": self.key_rule,
            "true_words": list(self.true_words), "false_words": list(self.false_words), "ignore": self.ignore,
        }  # fmt: skip

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SheetMapping:
        """Return the mapping that `to_json` wrote; raises MappingError on anything else."""
        fields = _columns(body.get("fields", {}))
        key_rule, header_row = body.get("key_rule", ""), body.get("header_row")
        if not set(fields) <= set(SYNONYMS) or key_rule not in KEY_RULES:
            raise MappingError(N_("列映射含有未知的字段"))
        return cls(
            fields=fields,
            options=tuple(_column(value) for value in body.get("options", [])),
            metadata=_columns(body.get("metadata", {})),
            header_row=None if header_row is None else _column(header_row),
            type_hint=str(body.get("type_hint", "")),
            key_rule=key_rule,
            true_words=tuple(map(str, body.get("true_words", []))),
            false_words=tuple(map(str, body.get("false_words", []))),
            ignore=bool(body.get("ignore", False)),
        )


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Mappings by sheet name; the name ``*`` stands for every sheet not named."""

    sheets: Mapping[str, SheetMapping]

    def for_sheet(self, name: str) -> SheetMapping | None:
        """Return the mapping of a sheet, or None when nobody gave one."""
        return self.sheets.get(name) or self.sheets.get("*")

    def to_json(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values."""
        return {"sheets": {name: sheet.to_json() for name, sheet in self.sheets.items()}}

    @classmethod
    def from_json(cls, body: Any) -> ColumnMapping:
        """Return the mapping that `to_json` wrote; raises MappingError on anything else."""
        sheets = body.get("sheets") if isinstance(body, Mapping) else None
        if not isinstance(sheets, Mapping) or not all(isinstance(sheet, Mapping) for sheet in sheets.values()):
            raise MappingError(N_('列映射应为 {"sheets": {工作表名: {…}}}'))
        return cls({str(name): SheetMapping.from_json(sheet) for name, sheet in sheets.items()})


def _column(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 16384:
        raise MappingError(N_("列映射中的列号应为从 0 起的整数"))
    return value


def _columns(body: Any) -> dict[str, int]:
    if not isinstance(body, Mapping):
        raise MappingError(N_("列映射中的字段应为 名称: 列号"))
    return {str(name): _column(value) for name, value in body.items()}


def column_letters(index: int) -> str:
    """Return a spreadsheet's name of a column: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def header_name(cell: str) -> str:
    """Return a header cell as the synonym table writes it: no stars, no remarks in brackets, lower case."""
    text = unicodedata.normalize("NFKC", cell)
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】", "", text)
    return re.sub(r"[\s*:#_\-]+|[(（].*$", "", text).casefold()


def names_stem(cell: str) -> bool:
    """Say whether a cell is a header that names the stem."""
    return BY_NAME.get(header_name(cell)) == "stem"


def option_index(cell: str) -> int | None:
    """Return which option a header such as 选项A, A, 选项1 or option_b names, from 0."""
    name = header_name(cell)
    match = OPTION_HEADER.match(name)
    if match:
        return ord(match[1]) - ord("a") if match[1] else int(match[2]) - 1
    chinese = CHINESE_OPTION.match(name)
    return "一二三四五六七八九十".index(chinese[1]) if chinese else None


def recognise_columns(rows: Rows) -> SheetMapping | None:
    """Return the mapping that headers or, without headers, the content make certain; else None."""
    best: tuple[int, SheetMapping] | None = None
    for index, row in enumerate(rows[:HEADER_ROWS]):
        mapping = _read_header(row, index)
        weight = len(mapping.fields) + bool(mapping.options) if mapping else 0
        if mapping and (best is None or weight > best[0]):
            best = weight, mapping
    return best[1] if best else _recognise_content(rows)


def _read_header(row: Sequence[str], index: int) -> SheetMapping | None:
    fields: dict[str, int] = {}
    options: dict[int, int] = {}
    metadata: dict[str, int] = {}
    for column, cell in enumerate(row):
        kind = BY_NAME.get(header_name(cell)) if len(cell) <= 60 else None
        position = option_index(cell)
        if kind and kind not in fields:
            fields[kind] = column
        elif position is not None and position not in options:
            options[position] = column
        elif cell.strip() and len(cell) <= 60:
            metadata.setdefault(cell.strip(" *＊\n"), column)
    if "stem" not in fields or not (options or {"answer", "options", "type"} & set(fields)):
        return None
    return _without_half_options(SheetMapping(fields, _in_order(options), metadata, header_row=index))


def _in_order(options: Mapping[int, int]) -> tuple[int, ...]:
    """Return the option columns from A on, up to the first letter that has no column."""
    return tuple(options[index] for index in range(next(i for i in range(len(options) + 1) if i not in options)))


def _without_half_options(mapping: SheetMapping) -> SheetMapping:
    return replace(mapping, options=()) if len(mapping.options) == 1 else mapping


def _recognise_content(rows: Rows) -> SheetMapping | None:
    """Recognise a sheet without headers by the shape of its columns; what its keys mean is never inferred."""
    filled = [row for row in rows if sum(bool(cell.strip()) for cell in row) >= 2]
    width = max((len(row) for row in filled), default=0)
    if len(filled) < 3 or width > 20:
        return None
    columns = [[row[index].strip() if index < len(row) else "" for row in filled] for index in range(width)]
    used = [index for index in range(width) if any(columns[index])]
    stem = max(used, key=lambda index: sum(map(len, columns[index])))
    if not all(columns[stem]):
        return None
    rest = [index for index in used if index != stem]
    keys = [index for index in rest if _all_keys(columns[index])]
    if len(keys) == 1:
        return _with_options(stem, keys[0], [index for index in rest if index != keys[0]], columns)
    return None if keys else _without_keys(stem, rest, columns)


def _without_keys(stem: int, rest: list[int], columns: list[list[str]]) -> SheetMapping | None:
    """Recognise a stem with bare 0 and 1, or a stem with its options and no column of keys at all."""
    if len(rest) == 1 and set(columns[rest[0]]) == {"0", "1"}:
        return SheetMapping({"stem": stem, "answer": rest[0]})
    n_rows = len(columns[stem])
    is_filled = all(sum(map(bool, columns[index])) * 10 >= n_rows * 9 for index in rest[:2])
    beside = rest == list(range(stem + 1, stem + 1 + len(rest)))
    shorter = all(sum(map(len, columns[index])) * 2 < sum(map(len, columns[stem])) for index in rest)
    return (
        SheetMapping({"stem": stem}, options=tuple(rest))
        if len(rest) >= 3 and is_filled and beside and shorter
        else None
    )


def _all_keys(cells: Sequence[str]) -> bool:
    if all(read_judgement(cell) is not None and not is_numeric_judgement(cell) and len(cell) <= 4 for cell in cells):
        return len(set(cells)) > 1
    letters = [read_letters(cell) for cell in cells]
    return all(letters) and len({tuple(found or ()) for found in letters}) > 1


def _with_options(stem: int, key: int, rest: list[int], columns: list[list[str]]) -> SheetMapping | None:
    fields = {"stem": stem, "answer": key}
    judged = all(read_judgement(cell) is not None for cell in columns[key])
    if judged and not rest:
        return SheetMapping(fields)
    together = [index for index in rest if all(len(split_options(cell).options) >= 2 for cell in columns[index])]
    if len(together) == 1:
        return SheetMapping({**fields, "options": together[0]})
    apart = [index for index in rest if index > stem]
    if len(apart) >= 2 and apart == rest and apart == list(range(apart[0], apart[-1] + 1)):
        return SheetMapping(fields, options=tuple(apart))
    return None
