"""Types are found by folder and by the words of files; their examples in the docs hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

from item_templates import registry
from item_templates.contract import Interaction
from tests.item_templates.item_contents import TYPE_NAMES

MODULES = sorted(
    ".".join(("item_templates", *path.relative_to(registry.FOLDER).with_suffix("").parts))
    for path in registry.FOLDER.rglob("*.py")
    if path.name != "__init__.py"
)

WORDS = [
    ("单选", "single_choice"),
    ("单选题", "single_choice"),
    ("一、单项选择题（共 80 题，每题 1 分）", "single_choice"),
    ("选择题", "single_choice"),
    ("Single-Choice", "single_choice"),
    ("single", "single_choice"),
    ("多选", "multiple_choice"),
    ("二、多项选择题", "multiple_choice"),
    ("不定项选择题", "multiple_choice"),
    ("multiple", "multiple_choice"),
    ("判断", "true_false"),
    ("是非题", "true_false"),
    ("三、判断题（对的打√，错的打×）", "true_false"),
    ("true_false", "true_false"),
    ("True/False", "true_false"),
    ("填空题", "fill_in"),
    ("简答", "short_answer"),
    ("问答题", "short_answer"),
    ("数值题", "numeric"),
    ("四、计算题（共 2 题）", "calculation"),
    ("计算", "calculation"),
    ("论述题", "essay"),
    ("连线题", "matching"),
    ("排序题", "ordering"),
]


@pytest.mark.parametrize(("text", "name"), WORDS)
def test_a_heading_names_its_type(text, name):
    assert registry.find_by_alias(text).name == name


@pytest.mark.parametrize("text", ["", "前言", "单选、多选与判断", "orders", "第一章 电工基础"])
def test_a_text_that_names_no_single_type_is_left_alone(text):
    assert registry.find_by_alias(text) is None


def test_the_types_named_in_the_interface_are_there():
    wanted = "single_choice multiple_choice true_false fill_in numeric short_answer essay matching ordering calculation".split()  # noqa: SIM905 - reads as the interface writes it
    assert set(wanted) <= set(TYPE_NAMES)


def test_an_unknown_name_is_refused():
    with pytest.raises(registry.UnknownItemTypeError):
        registry.get("no_such_type")


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_a_folder_has_all_that_a_type_needs(name):
    folder = registry.FOLDER / name
    for file in ("item.html", "review.html", "edit.html", "example.json", "guide.md"):
        assert (folder / file).is_file()
    one = registry.get(name)
    assert isinstance(one.interaction, Interaction)
    assert one.label in one.aliases or one.label.removesuffix("题") in one.aliases
    guide = registry.guide_text(one)
    for heading in ("## 怎么写", "## 好例子", "## 坏例子", "## 评分"):
        assert heading in guide


def test_no_two_types_share_an_alias():
    seen: dict[str, str] = {}
    for one in registry.all_types():
        for alias in one.aliases:
            assert seen.setdefault(alias.casefold(), one.name) == one.name


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
