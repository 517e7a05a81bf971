"""One candidate's order of items and choices, and the form exactly as this candidate gets it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from exam_delivery.rules.leaving import UNRULED, Conduct
from item_templates import registry

SLOT_FIELDS = ("slot", "section", "type", "interaction", "multiple", "n_blanks", "score", "unit", "hotspot", "stimulus")
"""What of a delivered slot reaches a candidate as it stands; stem, choices and targets follow with their pictures inside."""
MEDIUM = re.compile(r'src="media:([^"]*)"')


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the form says about its session, the same for everybody."""

    organisation: str
    session_name: str
    rules: tuple[str, ...]
    pledge: str
    per_page: str
    conduct: Conduct = UNRULED
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """What the form says about its candidate."""

    name: str
    admission_number: str
    seat: str
    room: str
    duration_seconds: int
    font_size: str = ""


def make_layout(
    delivery: Mapping[str, Any], *, seed: int, shuffle_items: bool, shuffle_choices: bool
) -> dict[str, Any]:
    """Return ``{"sections": [[slot, …]], "choices": {slot: [ids]}, "targets": {slot: [ids]}}``, replayable from the seed.

    Items stay in their section, slots that share a stimulus stay together and in their order; options are reordered only
    where the item type says that they may be.
    """
    lot = random.Random(seed)  # noqa: S311 - must be replayable; the order is no secret of the key
    shared = {slot["slot"]: slot["stimulus"] for slot in delivery["slots"] if "stimulus" in slot}
    groups = [_together(section["slots"], shared) for section in delivery["sections"]]
    sections = [[slot for group in _shuffled(one, lot, really=shuffle_items) for slot in group] for one in groups]
    choices: dict[str, list[str]] = {}
    targets: dict[str, list[str]] = {}
    for slot in delivery["slots"]:
        really = shuffle_choices and bool(slot.get("may_shuffle"))
        for name, into in (("choices", choices), ("targets", targets)):
            if slot.get(name):
                into[str(slot["slot"])] = _shuffled([one["id"] for one in slot[name]], lot, really=really)
    return {"sections": sections, "choices": choices, "targets": targets}


def _together(slots: Sequence[int], shared: Mapping[int, int]) -> list[list[int]]:
    """Return the slots in groups that must not be torn apart.

    Examples
    --------
    >>> _together([1, 2, 3, 4], {2: 0, 3: 0})
    [[1], [2, 3], [4]]
    """
    runs = groupby(slots, key=lambda slot: (shared.get(slot, -1), slot if slot not in shared else 0))
    return [list(run) for _, run in runs]


def _shuffled(values: Sequence[Any], lot: random.Random, *, really: bool) -> list[Any]:
    order = list(values)
    if really:
        lot.shuffle(order)
    return order


class FormRenderer:
    """Renders one sealed form for many candidates: pictures are put inside once, the order for each.

    A text that several slots share stands once in ``stimuli``; those slots follow each other and name it by ``stimulus``,
    its index.
    """

    def __init__(self, delivery: Mapping[str, Any], facts: SessionFacts) -> None:
        with_pictures = _addresses(delivery.get("media") or {})
        self._slots = {slot["slot"]: _delivered_slot(slot, with_pictures) for slot in delivery["slots"]}
        self._stimuli = [with_pictures(html) for html in delivery.get("stimuli", ())]
        self._sections = delivery["sections"]
        self._facts = facts
        self._head = {name: delivery[name] for name in ("form_id", "title", "occupation", "level", "total_score")}

    def render(self, layout: Mapping[str, Any], candidate: CandidateFacts) -> dict[str, Any]:
        """Return the document that the player opens; slots keep their identity, `number` is the place this candidate sees."""
        order = [slot for section in layout["sections"] for slot in section]
        sections = [
            {"title": section["title"], "instructions": section.get("instructions", ""), "slots": slots}
            for section, slots in zip(self._sections, layout["sections"], strict=True)
        ]
        facts = self._facts
        return {
            **self._head,
            **({"stimuli": self._stimuli} if self._stimuli else {}),
            "organisation": facts.organisation,
            "session_name": facts.session_name,
            "duration_seconds": candidate.duration_seconds,
            "rules": list(facts.rules),
            "pledge": facts.pledge,
            "display": {"per_page": facts.per_page} | ({"size": candidate.font_size} if candidate.font_size else {}),
            "conduct": facts.conduct.document(),
            "tools": list(facts.tools),
            "sections": sections,
            "slots": [self._placed(slot, number, layout) for number, slot in enumerate(order, 1)],
            "candidate": {
                "name": candidate.name,
                "admission_number": candidate.admission_number,
                "seat": candidate.seat,
                "room": candidate.room,
            },
        }

    def _placed(self, slot: int, number: int, layout: Mapping[str, Any]) -> dict[str, Any]:
        view = {**self._slots[slot], "number": number}
        for name in ("choices", "targets"):
            if name in view:
                by_id = {one["id"]: one for one in view[name]}
                view[name] = [by_id[one] for one in layout[name][str(slot)]]
        return view


def _addresses(media: Mapping[str, Any]) -> Callable[[str], str]:
    """Return what puts pictures inside: no request for one is made while the clock runs."""
    known = {name: f"data:{one['mime']};base64,{one['data']}" for name, one in media.items()}
    return lambda html: MEDIUM.sub(lambda found: f'src="{known.get(found[1], "")}"', html)


def _delivered_slot(slot: Mapping[str, Any], with_pictures: Callable[[str], str]) -> dict[str, Any]:
    view = {name: slot[name] for name in SLOT_FIELDS if name in slot}
    view["stem"] = with_pictures(slot["stem"])
    view["type_label"] = registry.get(slot["type"]).label
    for name in ("choices", "targets"):
        if slot.get(name):
            view[name] = [{"id": one["id"], "content": with_pictures(one["content"])} for one in slot[name]]
    return view
