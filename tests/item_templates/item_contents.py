"""Contents that the tests of item types share: the shipped examples, and any content hypothesis can think of."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import strategies as st

from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.contract import Choice, ItemContent
from item_templates.hotspot.pages import regions_of
from item_templates.markup import sanitise

TYPE_NAMES = [one.name for one in registry.all_types()]


def example(name: str) -> ItemContent:
    return item_from_json(json.loads(registry.example_text(registry.get(name)))).content


def choices(*texts: str) -> tuple[Choice, ...]:
    return tuple(Choice("ABCDEFGH"[row], text) for row, text in enumerate(texts))


def targets(*texts: str) -> tuple[Choice, ...]:
    return tuple(Choice(str(row), text) for row, text in enumerate(texts, start=1))


words = (
    st.text("铁铜铝锌Fe2 ａ±°≤'\"（）", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)
)
texts = st.text("电压电流abAB12①°℃ΩⅡ Ａ１—·，。；、|=（）\"'&<>", min_size=1, max_size=12).map(sanitise).filter(bool)
scores = st.integers(1, 99_999).map(lambda thousandths: Decimal(thousandths) / 1000)


@st.composite
def option_lists(draw: st.DrawFn, least: int = 2) -> tuple[Choice, ...]:
    return choices(*draw(st.lists(texts, min_size=least, max_size=8, unique=True)))


@st.composite
def single(draw: st.DrawFn) -> ItemContent:
    options = draw(option_lists())
    key = draw(st.sampled_from([one.id for one in options]))
    return ItemContent("single_choice", draw(texts), options, key, score=draw(scores))


@st.composite
def multiple(draw: st.DrawFn) -> ItemContent:
    options = draw(option_lists())
    ids = [one.id for one in options]
    key = draw(st.lists(st.sampled_from(ids), min_size=2, unique=True).map(sorted))
    scoring = draw(
        st.sampled_from([{}, {"method": "exact"}, {"method": "per_option"}, {"method": "partial", "fraction": "0.3"}])
        | st.fixed_dictionaries({"weights": st.dictionaries(st.sampled_from(ids), st.floats(-1, 1))})
    )
    return ItemContent("multiple_choice", draw(texts), options, key, score=draw(scores), scoring=scoring)


@st.composite
def fill_in(draw: st.DrawFn) -> ItemContent:
    key = draw(st.lists(st.lists(words, min_size=1, max_size=3, unique=True), min_size=1, max_size=5))
    stem = draw(texts) + "，".join(f"{{{{{number}}}}}" for number in range(1, len(key) + 1))
    flags = {"method": st.sampled_from(["exact", "per_blank"]), "numeric": st.booleans()}
    return ItemContent("fill_in", stem, key=key, score=draw(scores), scoring=draw(st.fixed_dictionaries(flags)))


@st.composite
def numeric(draw: st.DrawFn) -> ItemContent:
    number = st.integers(-99_999, 99_999).map(lambda thousandths: thousandths / 1000)
    unit = draw(st.sampled_from(["", "mm", "A", "℃", "km/h", "Ω"]))
    key = {"value": draw(number), "tolerance": abs(draw(number)), "unit": unit}
    return ItemContent("numeric", draw(texts), key=registry.get("numeric").normalise_key(key), score=draw(scores))


@st.composite
def short_answer(draw: st.DrawFn) -> ItemContent:
    key = draw(st.none() | st.lists(words, min_size=1, max_size=3, unique=True))
    rubric = draw(st.sampled_from([(), ({"text": "要点", "score": "1"},)]))
    return ItemContent("short_answer", draw(texts), key=key, rubric=rubric, score=draw(scores))


@st.composite
def essay(draw: st.DrawFn) -> ItemContent:
    return ItemContent("essay", draw(texts), rubric=({"text": draw(texts), "score": "1"},), score=draw(scores))


@st.composite
def calculation(draw: st.DrawFn) -> ItemContent:
    quantities = st.lists(numeric().map(lambda content: content.key), min_size=1, max_size=3)
    key = draw(st.none() | quantities)
    method = draw(st.sampled_from(["steps", "final_answer"] if key else ["steps"]))
    steps = ({"text": draw(texts), "score": "1"},)
    return ItemContent(
        "calculation", draw(texts), key=key, rubric=steps, score=draw(scores), scoring={"method": method}
    )  # fmt: skip


@st.composite
def ordering(draw: st.DrawFn) -> ItemContent:
    options = draw(option_lists())
    key = list(draw(st.permutations([one.id for one in options])))
    scoring = draw(st.sampled_from([{}, {"method": "per_position"}]))
    return ItemContent("ordering", draw(texts), options, key, score=draw(scores), scoring=scoring)


@st.composite
def matching(draw: st.DrawFn) -> ItemContent:
    left, right = draw(option_lists()), draw(st.lists(texts, min_size=2, max_size=6, unique=True))
    second = targets(*right)
    every = [[one.id, two.id] for one in left for two in second]
    pairs = draw(st.lists(st.sampled_from(every), min_size=1, max_size=6, unique_by=tuple).map(sorted))
    scoring = draw(st.sampled_from([{}, {"method": "exact"}]))
    return ItemContent(
        "matching", draw(texts), left, {"pairs": pairs}, targets=second, score=draw(scores), scoring=scoring
    )


@st.composite
def true_false(draw: st.DrawFn) -> ItemContent:
    return ItemContent("true_false", draw(texts), key=draw(st.booleans()), score=draw(scores))


@st.composite
def hotspot(draw: st.DrawFn) -> ItemContent:
    options = draw(option_lists())
    ids = [one.id for one in options]
    key = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True).map(sorted))
    mode = draw(st.sampled_from(["regions", "point"]))
    regions = {name: _apart(draw, place) for place, name in enumerate(ids)}
    parameters = {"mode": mode, "picks": len(key), "regions": regions}
    stem = draw(texts) + '<img src="media:m1" alt="图">'
    scoring = draw(st.sampled_from([{}, {"method": "exact"}, {"method": "per_region"}]))
    media = ({"id": "m1", "digest": "0" * 64, "mime": "image/png", "alt": "图"},)
    return ItemContent(
        "hotspot", stem, options, key, score=draw(scores), scoring=scoring, media=media, parameters=parameters
    )


def _apart(draw: st.DrawFn, place: int) -> dict[str, object]:
    """Return a region in a column of its own, so that regions never overlap."""
    left, top = place * 120, draw(st.integers(0, 800))
    corners = [left, top, left + 90, top, left + 90, top + 150, left, top + 150]
    shapes = {"rect": [left, top, left + 90, top + 150], "ellipse": [left + 50, top + 60, 40, 60], "polygon": corners}
    shape = draw(st.sampled_from(sorted(shapes)))
    return {"shape": shape, "coords": shapes[shape]}


@st.composite
def parametric(draw: st.DrawFn) -> ItemContent:
    low, step, n = draw(st.integers(-20, 20)), draw(st.integers(1, 5)), draw(st.integers(10, 40))
    shape = draw(st.sampled_from(["numeric", "single_choice", "fill_in"]))
    answer = {"shape": shape, "expressions": ["2*a+b"], "decimals": draw(st.integers(0, 3)), "unit": "mm"}
    if shape == "single_choice":
        answer["distractors"] = ["2*a+b+1", "2*a+b-1", "2*(a+b)+100"]
    variables = [
        {"name": "a", "minimum": str(low), "maximum": str(low + n * step), "step": str(step)},
        {"name": "b", "values": ["1", "2.5", "4"], "decimals": 1},
    ]
    parameters = {"variables": variables, "constraints": ["a != 3 and b > 0"], "answer": answer}
    stem = f"[[a]] mm，[[b]] mm，{draw(words)}" + ("{{1}}" if shape == "fill_in" else "")
    return ItemContent("parametric", stem, score=draw(scores), parameters=parameters)


@st.composite
def testlet(draw: st.DrawFn) -> ItemContent:
    kinds = st.one_of(single(), true_false(), numeric(), short_answer(), essay())
    children = tuple(draw(st.lists(kinds, min_size=1, max_size=4)))
    return ItemContent("testlet", draw(texts), items=children, score=sum((one.score for one in children), Decimal(0)))


STRATEGIES = {
    "single_choice": single(), "multiple_choice": multiple(), "true_false": true_false(), "fill_in": fill_in(),
    "numeric": numeric(), "short_answer": short_answer(), "essay": essay(), "matching": matching(),
    "ordering": ordering(), "parametric": parametric(), "hotspot": hotspot(), "calculation": calculation(),
    "testlet": testlet(),
}  # fmt: skip
any_content = st.one_of(*STRATEGIES.values())


def _places(content: ItemContent) -> list[object]:
    """Return the regions of the key, or a point within each."""
    if content.parameters["mode"] == "regions":
        return list(content.key)
    regions = regions_of(content.parameters)
    return [[str(part) for part in regions[name].centre] for name in content.key]


def is_marked(content: ItemContent) -> bool:
    """Say whether a person marks every response to an item that is not omitted."""
    if content.items:
        return any(is_marked(child) for child in content.items)
    if content.type == "parametric":
        return False
    by_steps = content.type == "calculation" and content.scoring.get("method") != "final_answer"
    return content.key is None or by_steps


def _solution(key: list[dict[str, object]] | None) -> str:
    return "答：" + "，".join(f"结果 {Decimal(str(one['value']))} {one['unit']}" for one in key or [])


def key_as_response(content: ItemContent) -> list[object]:
    """Return the response that a candidate who knows everything gives."""
    if content.type == "parametric":
        return key_as_response(registry.get("parametric").freeze(content, 0)[0])
    key = content.key
    by_type = {
        "single_choice": lambda: [key],
        "multiple_choice": lambda: list(key),
        "true_false": lambda: ["true" if key else "false"],
        "fill_in": lambda: [accepted[-1] for accepted in key],
        "numeric": lambda: [str(Decimal(str(key["value"])))],
        "short_answer": lambda: [key[-1]] if key else ["答"],
        "essay": lambda: ["答"],
        "testlet": lambda: [key_as_response(child) for child in content.items],
        "calculation": lambda: [_solution(key)],
        "matching": lambda: [list(pair) for pair in reversed(key["pairs"])],
        "ordering": lambda: list(key),
        "hotspot": lambda: _places(content),
    }
    return by_type[content.type]()
