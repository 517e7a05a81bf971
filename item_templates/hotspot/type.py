"""Hotspot: choose among regions outlined on a picture, or point at the right place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest

from item_templates import checks, forms
from item_templates.base import is_omitted, json_list
from item_templates.checks import as_decimal
from item_templates.choice import ChoiceType, delivered
from item_templates.contract import Choice, Finding, Interaction, ItemContent, Json, ResponseFormatError, Severity
from item_templates.findings import finding
from item_templates.hotspot.pages import mode_of, picks_of, regions_of
from item_templates.hotspot.shapes import SIDE, Point, coords_of_text, hits
from item_templates.keys import choice_keys, id_list, joined_ids
from item_templates.markup import media_ids
from item_templates.rounding import decimal_text
from kernel.i18n import N_

MODES = ("regions", "point")
_PAIR = re.compile(r"[(（]?\s*(\d{1,4}(?:\.\d{1,3})?)\s*[,，]\s*(\d{1,4}(?:\.\d{1,3})?)\s*[)）]?")


class Hotspot(ChoiceType):
    """`choices` name the regions, ``parameters["regions"]`` holds their shapes, the key their ids.

    Notes
    -----
    Mode ``regions`` delivers the shapes, and region ids are the response; mode ``point`` delivers neither shapes nor names,
    and points ``["512", "340"]`` in thousandths of width and height are the response.

    Scoring methods: ``exact`` (default) wants just the key regions; ``per_region`` gives the share of key regions that were
    chosen or hit, and nothing once a wrong region is chosen. A point outside every key region hits nothing; there are no
    more points than the item asks for. A point on a border counts as inside.
    """

    name = "hotspot"
    interaction = Interaction.HOTSPOT
    label = N_("图片热区题")
    aliases = (
        "图片热区题",
        "图片热区",
        "热区题",
        "热点题",
        "点图题",
        "看图定位题",
        "hotspot",
        "hot spot",
        "graphic hotspot",
    )
    position = 75
    scoring_methods = {  # noqa: RUF012 - declared ClassVar by BaseType
        "exact": N_("全对得分，多选、少选、错选不得分"),
        "per_region": N_("按找对的区域数给分，选错区域不得分"),
    }

    def check(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on picture, regions and key."""
        yield from _check_picture(content)
        yield from checks.check_choices(content.choices, least=1 if _is_pointing(content) else 2)
        yield from _check_parameters(content)
        yield from self.check_key(content)

    def check_key(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the ids of the key and on how many may be picked."""
        ids, key, picks = [choice.id for choice in content.choices], self.key_ids(content), picks_of(content.parameters)
        outside = [one for one in key if one not in ids]
        if not key:
            yield finding("no_key", N_("没有标准答案，请标出正确的区域"), field="key")
        elif outside:
            template = N_("标准答案 %(key)s 不在区域之中")
            yield finding("key_outside_choices", template, field="key", key="、".join(outside))
        elif len(set(key)) != len(key):
            yield finding("repeated_key", N_("标准答案里有重复的区域"), field="key")
        elif picks < len(key) or (_is_pointing(content) and picks != len(key)):
            template = N_("正确的区域有 %(keys)s 个，可以选的个数是 %(picks)s，请改成一致")
            yield finding("picks_and_key", template, field="parameters", keys=len(key), picks=picks)
        elif len(key) == len(ids) and not _is_pointing(content):
            template = N_("所有区域都是正确的，这道题分不出会与不会")
            yield finding("all_are_keys", template, field="key", severity=Severity.WARNING)

    def key_ids(self, content: ItemContent) -> list[str]:
        """Return the key as a list of ids."""
        key = [content.key] if isinstance(content.key, str) else content.key
        return [one for one in key if isinstance(one, str)] if isinstance(key, list | tuple) else []

    def most_picks(self, content: ItemContent) -> int:
        """Return how many regions or points a candidate may give."""
        return picks_of(content.parameters)

    def delivery_fields(self, content: ItemContent) -> dict[str, Json]:
        """Return the regions where they are to be seen; nothing of them where the place is asked for."""
        mode, picks = mode_of(content.parameters), self.most_picks(content)
        view: dict[str, Json] = {"max_choices": picks, "hotspot": {"mode": mode, "picks": picks}}
        if mode == "regions":
            shapes = regions_of(content.parameters)
            shown = {
                one.id: {"shape": shapes[one.id].shape, "coords": list(shapes[one.id].coords)}
                for one in content.choices
                if one.id in shapes
            }
            view["choices"] = delivered(content.choices)
            view["hotspot"]["regions"] = shown
        return view

    def may_shuffle(self, content: ItemContent) -> bool:
        """Say no: the letters stand on the picture."""
        del content
        return False

    def parse_response(self, content: ItemContent, raw: Json) -> list[Json]:
        """Return picked ids in the order of the regions, or points as pairs of decimal strings."""
        if not _is_pointing(content):
            return super().parse_response(content, raw)
        if is_omitted(raw) and isinstance(raw, list | tuple):
            return []
        points = [_point(one) for one in raw] if isinstance(raw, list | tuple) else [None]
        if None in points:
            raise ResponseFormatError(N_('作答应是图上的点，例如 [["512", "340"]]，坐标是宽和高的千分之几'))
        if len(points) > self.most_picks(content):
            raise ResponseFormatError(N_("作答的项数超过这道题允许的数目"))
        return [[decimal_text(one[0]), decimal_text(one[1])] for one in points if one]

    def parse_cell(self, content: ItemContent, text: str) -> list[Json]:
        """Return the ids or points in a cell: ``A;C``, ``(512,340)；(80,90)``."""
        if not _is_pointing(content):
            return super().parse_cell(content, text)
        listed = json_list(text)
        if listed is not None:
            return listed
        parts = [part for part in re.split(r"[;；]|(?<=[)）])\s*", text.strip()) if part.strip()]
        pairs = [_PAIR.fullmatch(part.strip()) for part in parts]
        return [[match[1], match[2]] if match else part for match, part in zip(pairs, parts, strict=True)]

    def fraction(self, content: ItemContent, response: Sequence[Json]) -> Decimal | None:
        """Return the share for picked regions or given points."""
        if not _is_pointing(content):
            return super().fraction(content, response)
        shapes = regions_of(content.parameters)
        wanted = [shapes[one] for one in dict.fromkeys(self.key_ids(content)) if one in shapes]
        if not wanted or len(wanted) != len(set(self.key_ids(content))):
            return None
        points = [_point(one) for one in response]
        usable = [one for one in points if one]
        if len(points) > max(self.most_picks(content), len(wanted)) or len(usable) != len(points):
            return Decimal(0)
        n_hit = hits(wanted, usable)
        if n_hit == len(wanted) == len(points):
            return Decimal(1)
        return Decimal(n_hit) / len(wanted) if self.method(content) == "per_region" else Decimal(0)

    def share(self, content: ItemContent, picked: set[str], key: set[str]) -> Decimal:
        """Return the share for a true part of the key."""
        if self.method(content) != "per_region" or not picked < key:
            return Decimal(0)
        return Decimal(len(picked)) / len(key)

    def key_text(self, content: ItemContent) -> str:
        """Return the letters of the key, joined; ids longer than a letter are separated."""
        return joined_ids(self.key_ids(content))

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the ids of the regions that a cell means."""
        return choice_keys(text, content.choices)

    def normalise_key(self, key: Json) -> Json:
        """Return a list of region ids, or None; a single id becomes a list of one."""
        return id_list(key, N_('图片热区题的答案必须是区域标号的列表，例如 ["A"]'))

    def fill_from_form(self, content: ItemContent, fields: forms.Fields) -> ItemContent:
        """Return the content with the regions of the form: a row counts when it has a name or coordinates."""
        rows = list(zip_longest(*(fields.get(name, ()) for name in ("choice", "shape", "coords")), fillvalue=""))
        while rows and not (rows[-1][0].strip() or rows[-1][2].strip()):
            rows.pop()
        ids = forms.row_ids(len(rows), fields.get("choice_id", ()))
        regions = {
            name: {"shape": shape.strip() or "rect", "coords": coords_of_text(coords)}
            for name, (_, shape, coords) in zip(ids, rows, strict=True)
            if coords.strip()
        }
        picks = forms.first(fields, "picks") or "1"
        parameters = {
            "mode": forms.first(fields, "mode") or MODES[0],
            "picks": int(picks) if picks.isascii() and picks.isdecimal() else picks,
            "regions": regions,
        }
        choices = tuple(
            Choice(name, forms.rich_text(text.strip())) for name, (text, _, _) in zip(ids, rows, strict=True)
        )
        key = [value.strip() for value in fields.get("key", ()) if value.strip()]
        return replace(content, choices=choices, key=key, parameters=parameters)

    def key_from_picks(self, picked: list[str]) -> Json:
        """Return the rows marked."""
        return picked


def _is_pointing(content: ItemContent) -> bool:
    return mode_of(content.parameters) == "point"


def _point(value: Json) -> Point | None:
    """Return a pair of thousandths, None for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(one, str) for one in value):
        return None
    x, y = (as_decimal(one) for one in value)
    if x is None or y is None or not (0 <= x <= SIDE and 0 <= y <= SIDE):
        return None
    return round(x, 3), round(y, 3)


def _check_picture(content: ItemContent) -> Iterable[Finding]:
    n_pictures = len(media_ids(content.stem))
    if n_pictures == 0:
        yield finding("no_picture", N_("题干里没有图片，请插入一张"))
    elif n_pictures > 1:
        yield finding("several_pictures", N_("题干里有 %(n)s 张图片，热区题只能有一张"), n=n_pictures)


def _check_parameters(content: ItemContent) -> Iterable[Finding]:
    parameters = content.parameters
    if parameters.get("mode", MODES[0]) not in MODES:
        yield finding("bad_mode", N_("作答方式只能是选择区域或点击位置"), field="parameters")
    if parameters.get("picks", 1) != picks_of(parameters):
        yield finding("bad_picks", N_("可以选的个数应是 1 到 26 的整数"), field="parameters")
    readable, given = regions_of(parameters), parameters.get("regions")
    known = given if isinstance(given, Mapping) else {}
    ids = [choice.id for choice in content.choices]
    for name in ids:
        if name not in known:
            template = N_("区域 %(id)s 没有画出，请在图上画出或填写坐标")
            yield finding("no_region", template, field="choices", id=name)
        elif name not in readable:
            template = N_(
                "区域 %(id)s 的坐标不对：矩形写左上角和右下角，椭圆写中心和两个半径，多边形写 3 到 40 个顶点；"
                "都是 0 到 1000 的整数，表示宽和高的千分之几"
            )
            yield finding("bad_region", template, field="choices", id=name)
    for name in sorted(set(known) - set(ids)):
        yield finding("region_without_choice", N_("图上的区域 %(id)s 没有名称"), field="choices", id=name)


TYPE = Hotspot()
