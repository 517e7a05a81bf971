"""The canonical item file: JSON objects to items and back, and the digest that freezes a content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from item_templates import registry
from item_templates.checks import as_decimal
from item_templates.contract import CanonicalItem, Choice, ItemContent, Json
from item_templates.findings import KeyTextError, TranslatableValueError
from item_templates.markup import sanitise
from item_templates.rounding import decimal_text, plain_decimal
from kernel.canonical import digest
from kernel.i18n import N_

_ITEM_FIELDS = frozenset(
    {"id", "type", "stem", "choices", "key", "explanation", "rubric", "points", "difficulty"}
    | {"score", "scoring", "targets", "media", "items", "parameters", "stimulus", "source", "metadata"}
)
_T = TypeVar("_T")


class InvalidItemError(TranslatableValueError):
    """A JSON object is no canonical item; `path` says where, such as ``$.choices[1].content``."""

    def __init__(self, path: str, template: str, **params: Any) -> None:
        super().__init__(template, **params)
        self.path = path
        self.reason = self.args[0]
        self.args = (f"{path}：{self.reason}",)


def item_from_json(obj: Json) -> CanonicalItem:
    """Return the item that a JSON object of an item file describes.

    HTML is sanitised on the way in. A field that the format does not know is kept in ``metadata`` under its own name.

    Parameters
    ----------
    obj : Json
        One element of ``items``.

    Returns
    -------
    CanonicalItem
        Well formed; whether it is a good item is what its type's `validate` says.

    Raises
    ------
    InvalidItemError
        With the JSON path of the first field that has a wrong shape.

    Examples
    --------
    >>> item_from_json({"id": "1", "type": "true_false", "stem": "铁是金属。", "key": True}).content.key
    True
    """
    source = _mapping(obj, "$")
    metadata = dict(_mapping(source.get("metadata") or {}, "$.metadata"))
    for name in source.keys() - _ITEM_FIELDS:
        metadata.setdefault(name, source[name])
    return CanonicalItem(
        id=_identifier(source.get("id"), "$.id"),
        content=content_from_json({name: source[name] for name in _ITEM_FIELDS & source.keys()}),
        points=tuple(_list(source.get("points"), "$.points", _string)),
        difficulty=_difficulty(source.get("difficulty")),
        source=_string(source.get("source") or "", "$.source"),
        metadata=metadata,
    )


def item_to_json(item: CanonicalItem) -> dict[str, Json]:
    """Return an item as item files carry it, in the order in which people like to read it; `score` is a number.

    Examples
    --------
    >>> item_to_json(CanonicalItem("1", ItemContent("true_false", "铁是金属。", key=True)))["score"]
    1
    """
    body = content_to_json(item.content)
    body["score"] = _number(item.content.score)
    return {
        "id": item.id,
        **body,
        "points": list(item.points),
        "difficulty": item.difficulty,
        "source": item.source,
        "metadata": _plain(item.metadata),
    }


def content_to_json(content: ItemContent) -> dict[str, Json]:
    """Return the frozen part of an item as JSON; the score is a decimal string, so nothing is lost.

    Lists that are empty by nature (choices of a fill-in, rubric of a choice item) are left out.
    """
    body: dict[str, Json] = {"type": content.type, "stem": content.stem}
    body |= _choices_to_json("choices", content.choices) | _choices_to_json("targets", content.targets)
    body |= {"key": _plain(content.key), "explanation": content.explanation}
    if content.rubric:
        body["rubric"] = _plain(content.rubric)
    body |= {
        "score": decimal_text(content.score),
        "scoring": _plain(content.scoring),
        "media": _plain(content.media),
    }
    if content.items:
        body["items"] = [content_to_json(child) for child in content.items]
    if content.parameters:
        body["parameters"] = _plain(content.parameters)
    if content.stimulus:
        body["stimulus"] = content.stimulus
    return body


def content_from_json(obj: Json, path: str = "$") -> ItemContent:
    """Return the content that `content_to_json` or an item file describes.

    Parameters
    ----------
    obj : Json
        The object; unknown fields are ignored.
    path : str
        Where it stands, for messages.

    Returns
    -------
    ItemContent

    Raises
    ------
    InvalidItemError
        With the path of the first field that has a wrong shape.
    """
    source = _mapping(obj, path)
    name = _string(source.get("type"), f"{path}.type")
    if name not in {one.name for one in registry.all_types()}:
        raise InvalidItemError(f"{path}.type", N_("没有题型“%(name)s”"), name=name)
    children = tuple(_list(source.get("items"), f"{path}.items", content_from_json))
    worth = sum((child.score for child in children), Decimal(0)) or 1
    return ItemContent(
        type=name,
        stem=_html(source.get("stem"), f"{path}.stem"),
        choices=_choices(source.get("choices"), f"{path}.choices"),
        key=_key(name, source.get("key"), f"{path}.key"),
        explanation=_html(source.get("explanation") or "", f"{path}.explanation"),
        rubric=tuple(_list(source.get("rubric"), f"{path}.rubric", _rubric_point)),
        score=_score(source.get("score", worth), f"{path}.score"),
        scoring=_plain(_mapping(source.get("scoring") or {}, f"{path}.scoring")),
        targets=_choices(source.get("targets"), f"{path}.targets"),
        media=tuple(_list(source.get("media"), f"{path}.media", _medium)),
        items=children,
        parameters=_plain(_mapping(source.get("parameters") or {}, f"{path}.parameters")),
        stimulus=_html(source.get("stimulus") or "", f"{path}.stimulus"),
    )


def content_digest(content: ItemContent) -> str:
    """Return the SHA-256 of the content's canonical JSON: equal contents, equal digests, on every machine."""
    return digest(content_to_json(content))


def _key(type_name: str, key: Json, path: str) -> Json:
    try:
        return registry.get(type_name).normalise_key(key)
    except KeyTextError as exc:
        raise InvalidItemError(path, exc.template, **exc.params) from exc


def _choices(value: Json, path: str) -> tuple[Choice, ...]:
    return tuple(_list(value, path, _choice))


def _choice(value: Json, path: str) -> Choice:
    source = _mapping(value, path)
    return Choice(_identifier(source.get("id"), f"{path}.id"), _html(source.get("content"), f"{path}.content"))


def _choices_to_json(name: str, choices: Sequence[Choice]) -> dict[str, Json]:
    return {name: [{"id": one.id, "content": one.content} for one in choices]} if choices else {}


def _rubric_point(value: Json, path: str) -> Mapping[str, Json]:
    source = _mapping(value, path)
    score = as_decimal(source.get("score"))
    if score is None:
        raise InvalidItemError(f"{path}.score", N_("应是数字"))
    text = _string(source.get("text"), f"{path}.text")
    return {**_plain(source), "text": text, "score": decimal_text(score)}


def _medium(value: Json, path: str) -> Mapping[str, Json]:
    source = _mapping(value, path)
    _identifier(source.get("id"), f"{path}.id")
    return dict(_plain(source))


def _mapping(value: Json, path: str) -> Mapping[str, Json]:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return value
    raise InvalidItemError(path, N_("应是一个 JSON 对象"))


def _list(value: Json, path: str, read: Callable[[Json, str], _T]) -> list[_T]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidItemError(path, N_("应是一个列表"))
    return [read(one, f"{path}[{index}]") for index, one in enumerate(value)]


def _string(value: Json, path: str) -> str:
    if isinstance(value, str):
        return value
    raise InvalidItemError(path, N_("缺失") if value is None else N_("应是字符串"))


def _html(value: Json, path: str) -> str:
    return sanitise(_string(value, path))


def _identifier(value: Json, path: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = _string(value, path).strip()
    if not text:
        raise InvalidItemError(path, N_("不能为空"))
    return text


def _difficulty(value: Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5:
        return value
    raise InvalidItemError("$.difficulty", N_("难度应是 1 到 5 的整数，或 null"))


def _score(value: Json, path: str) -> Decimal:
    score = as_decimal(value)
    if score is None:
        raise InvalidItemError(path, N_("应是数字"))
    return plain_decimal(score)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _plain(value: Json) -> Json:
    """Return JSON made of dict and list alone: what mappings, tuples and decimals become in a file."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _number(value) if isinstance(value, Decimal) else value
