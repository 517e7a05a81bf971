"""Read items from JSON: the canonical file of INTERFACE.md, and lists of objects whose keys name what they hold."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from item_templates import registry
from item_templates.canonical import InvalidItemError, item_from_json
from kernel.i18n import N_
from qbank.interchange.columns import BY_NAME, header_name, option_index
from qbank.interchange.detect import decode_text
from qbank.interchange.guard import LIMITS, UnreadableFileError, check_size
from qbank.interchange.hints import type_of_hint
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.options import LETTERS, split_options, strip_label

LABEL_KEYS = ("code", "label", "key", "letter", "no", "option", "name", "id", "选项", "标号")
TEXT_KEYS = ("content", "text", "value", "title", "desc", "body", "内容", "选项内容", "文本", "option", "name", "label")
TYPE_LIKE_KEYS = ("category", "kind", "group", "分类", "类别")
DESCRIBING = ("explanation", "score", "difficulty", "identifier", "source", "rubric")
Media = Mapping[str, bytes]


def read_json(data: bytes, mapping: object = None) -> ReadResult:
    """Return the records of a JSON file; `mapping` has no use here."""
    del mapping
    check_size(data)
    body = _parse(decode_text(data).text)
    result = ReadResult(format="json")
    if _is_canonical(body):
        _read_canonical(body, result)
    else:
        _read_lists(body, result)
    return result


def _parse(text: str) -> Any:
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise UnreadableFileError("nested_too_deep", N_("JSON 嵌套过深，已拒绝读取")) from error
    except ValueError as error:
        raise UnreadableFileError("damaged_file", N_("JSON 格式不正确，无法读取，请检查引号、逗号和括号")) from error
    if _depth(body) > LIMITS.json_depth:
        raise UnreadableFileError("nested_too_deep", N_("JSON 嵌套过深，已拒绝读取"))
    return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _depth(body: Any) -> int:
    level, layer = 0, [body]
    while layer and level <= LIMITS.json_depth:
        level += 1
        layer = [child for node in layer for child in _children(node)]
    return level


def _children(node: Any) -> list[Any]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [child for child in children if isinstance(child, dict | list)]


def _is_canonical(body: Any) -> bool:
    """Say whether the file is meant as the canonical one: an items list whose types are registry names with a stem."""
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        return isinstance(items, list)
    names = {one.name for one in registry.all_types()}
    return any(isinstance(one, dict) and "stem" in one and one.get("type") in names for one in items)


def _read_canonical(body: Mapping[str, Any], result: ReadResult) -> None:
    media = _embedded_media(body.get("media"), result)
    for number, one in enumerate(body["items"], 1):
        locator = f"item {number}"
        try:
            item = item_from_json(one)
        except InvalidItemError as error:
            stem = one.get("stem", "") if isinstance(one, dict) else ""
            result.skipped.append(Notice(locator, "invalid_item", str(error), str(stem)[:80]))
            continue
        pictures = [(str(m["id"]), media[m["digest"]]) for m in item.content.media if m.get("digest") in media]
        result.records.append(RawRecord(locator=locator, stem=item.content.stem, item=item, media=pictures))


def _embedded_media(body: Any, result: ReadResult) -> dict[str, bytes]:
    """Return the pictures that the file carries, by the digest of what they hold."""
    found: dict[str, bytes] = {}
    for name, text in body.items() if isinstance(body, dict) else ():
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            result.losses.append(Notice("file", "picture", N_("图片数据损坏，未导入"), str(name)[:80]))
            continue
        if len(data) <= LIMITS.picture_bytes:
            found[hashlib.sha256(data).hexdigest()] = data
    return found


def _read_lists(body: Any, result: ReadResult) -> None:
    number = 0
    for hint, one in _objects(body, ""):
        number += 1
        if number > LIMITS.rows:
            raise UnreadableFileError("too_many_rows", N_("文件超过 20000 题，请拆分后分批导入"))
        record = _record(one, f"item {number}", hint, result)
        if record:
            result.records.append(record)
    if not number:
        raise UnreadableFileError("no_items", N_("JSON 中没有找到题目：没有含题干的对象"))


def _objects(body: Any, hint: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every object of a list in which most objects name a stem, with the name under which the list stands."""
    if isinstance(body, list):
        objects = [one for one in body if isinstance(one, dict)]
        named = [one for one in objects if "stem" in _fields(one)]
        if named and len(named) * 2 >= len(body):
            yield from ((hint, one) for one in objects)
            return
        for one in objects:
            yield from _objects(one, hint)
    elif isinstance(body, dict):
        for name, child in body.items():
            if isinstance(child, list | dict):
                yield from _objects(child, name if type_of_hint(name) else hint)


def _fields(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the object by the field that their key means; the first key wins."""
    found: dict[str, Any] = {}
    for key, value in one.items():
        kind = BY_NAME.get(header_name(key))
        if kind and (kind not in found or found[kind] in (None, "")):
            found[kind] = value
    return found


def _record(one: Mapping[str, Any], locator: str, hint: str, result: ReadResult) -> RawRecord | None:
    fields = _fields(one)
    record = RawRecord(
        locator=locator,
        stem=_text(fields.get("stem")),
        type_hint=_type_hint(one, fields) or hint,
        answer=_text(fields.get("answer")) if "answer" in fields else None,
        points=_text(fields.get("points")),
    )
    for name in DESCRIBING:
        setattr(record, name, _text(fields.get(name)))
    record.metadata = {
        key: _text(value)
        for key, value in one.items()
        if not BY_NAME.get(header_name(key))
        and option_index(key) is None
        and isinstance(value, str | int | float)
        and _text(value)
    }
    options, certain = _options(one, fields)
    if not certain:
        message = N_("选项的分隔不明确，无法可靠地拆开，请在原文件中改正后再导入")
        result.skipped.append(Notice(locator, "ambiguous_options", message, record.stem[:80]))
        return None
    record.options = options
    return record


def _type_hint(one: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    named = _text(fields.get("type"))
    if named and type_of_hint(named):
        return named
    others = (_text(value) for key, value in one.items() if key.casefold() in TYPE_LIKE_KEYS)
    return next((text for text in others if len(text) <= 20 and type_of_hint(text)), named)


def _options(one: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[list[tuple[str, str]], bool]:
    value = fields.get("options")
    if isinstance(value, str):
        split = split_options(value)
        return split.options, split.certain
    if isinstance(value, dict):
        return _labelled([(str(label), _text(text)) for label, text in value.items()]), True
    if isinstance(value, list):
        return _labelled([_list_option(entry) for entry in value]), True
    apart = {
        option_index(key): _text(text) for key, text in one.items() if option_index(key) is not None and len(key) < 12
    }
    return _labelled(
        [(LETTERS[i], apart[i]) for i in sorted(k for k in apart if k is not None) if i < len(LETTERS)]
    ), True


def _list_option(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict):
        return "", _text(entry)
    folded = {str(key).casefold(): value for key, value in entry.items()}
    text = next((_text(folded[key]) for key in TEXT_KEYS if _text(folded.get(key))), "")
    labels = (_text(folded.get(key)) for key in LABEL_KEYS)
    return next(
        (label.upper() for label in labels if len(label) == 1 and label.isalpha() and label.isascii()), ""
    ), text


def _labelled(options: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give options without letters those of their order, and take the letters off the texts."""
    filled = [(label.strip(), text) for label, text in options if text.strip()]
    if not all(len(label) == 1 and label.isalpha() for label, _ in filled):
        filled = [(LETTERS[index], text) for index, (_, text) in enumerate(filled[: len(LETTERS)])]
    return [(label.upper(), strip_label(label, text)) for label, text in filled]


def _text(value: Any) -> str:
    """Return a JSON value as a cell would hold it; lists are joined with semicolons."""
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return "；".join(_text(one) for one in value if _text(one))
    return str(value).strip()
