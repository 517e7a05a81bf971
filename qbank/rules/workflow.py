"""Laws of an organisation's own workflow: stages with their settings, the table of transitions, and what makes it sound."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.i18n import N_
from kernel.identity.permissions import Role
from qbank.rules.review import DEFAULT_STAGES, MAX_STAGES, Decision, PastDecision

NEXT = "next"
APPROVED = "approved"
DRAFT = "draft"
RETIRED = "retired"
STAGE = "stage:"
MAX_NAME = 40
MAX_DAYS = 90
DECIDING_ROLES = (Role.REVIEWER, Role.EDITOR)


class VoteRule(enum.StrEnum):
    """How the votes of a stage become its decision."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"


class RequiredField(enum.StrEnum):
    """What must be filled before a stage may approve."""

    EXPLANATION = "explanation"
    SOURCE = "source"
    DIFFICULTY = "difficulty"
    ALT_TEXT = "alt_text"
    COMMENT = "comment"


VOTE_LABELS = {
    VoteRule.UNANIMOUS: N_("全票通过（一票退回即退回）"),
    VoteRule.MAJORITY: N_("多数通过"),
}
REQUIRED_LABELS = {
    RequiredField.EXPLANATION: N_("解析"),
    RequiredField.SOURCE: N_("来源或依据"),
    RequiredField.DIFFICULTY: N_("难度"),
    RequiredField.ALT_TEXT: N_("图片说明"),
    RequiredField.COMMENT: N_("审核意见"),
}
TARGET_LABELS = {NEXT: N_("下一环节"), APPROVED: N_("入库"), DRAFT: N_("退给命题人"), RETIRED: N_("停用")}
USUAL_TARGETS = {Decision.APPROVE: NEXT, Decision.RETURN: DRAFT, Decision.REJECT: RETIRED}


@dataclass(frozen=True, slots=True)
class StageOptions:
    """The settings of a stage beyond name, role and number of votes."""

    vote: VoteRule = VoteRule.UNANIMOUS
    required: tuple[RequiredField, ...] = ()
    days: int | None = None
    escalate_to: Role | None = None
    hides_author: bool = False
    hides_votes: bool = False
    is_required: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a row keeps them."""
        return {
            "vote": self.vote.value, "required": [one.value for one in self.required], "days": self.days,
            "escalate_to": self.escalate_to.value if self.escalate_to else None, "hides_author": self.hides_author,
            "hides_votes": self.hides_votes, "is_required": self.is_required,
        }  # fmt: skip


def options_from_json(body: Mapping[str, Any] | None) -> StageOptions:
    """Return the settings that a row keeps; a row without any has the usual ones."""
    if not body:
        return StageOptions()
    return StageOptions(
        vote=VoteRule(body["vote"]), required=tuple(RequiredField(one) for one in body["required"]), days=body["days"],
        escalate_to=Role(body["escalate_to"]) if body["escalate_to"] else None, hides_author=body["hides_author"],
        hides_votes=body["hides_votes"], is_required=body["is_required"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StageRule:
    """One stage as an administrator writes it; targets name stages as ``stage:<name>``."""

    name: str
    role: Role = Role.REVIEWER
    quorum: int = 1
    options: StageOptions = StageOptions()
    targets: Mapping[Decision, str] = field(default_factory=lambda: dict(USUAL_TARGETS))


Problem = tuple[str, dict[str, Any]]
"""A marked message with what fills it."""


def default_stages() -> list[StageRule]:
    """Return the usual way: 初审, 复审, 终审, 入库."""
    return [StageRule(name) for name in DEFAULT_STAGES]


def target_of(stages: Sequence[StageRule], place: int, decision: Decision) -> str:
    """Return where a decision in a stage leads, ``next`` resolved."""
    target = stages[place].targets.get(decision, USUAL_TARGETS[decision])
    if target != NEXT:
        return target
    return f"{STAGE}{stages[place + 1].name}" if place + 1 < len(stages) else APPROVED


def renamed(stages: Sequence[StageRule], old: str, new: str) -> list[StageRule]:
    """Return the stages with every reference to a stage's old name replaced."""
    return [
        replace(one, targets={d: STAGE + new if t == STAGE + old else t for d, t in one.targets.items()})
        for one in stages
    ]


def without_references(stages: Sequence[StageRule], name: str) -> list[StageRule]:
    """Return the stages with every reference to a stage that goes replaced by the usual target."""
    return [
        replace(one, targets={d: USUAL_TARGETS[d] if t == STAGE + name else t for d, t in one.targets.items()})
        for one in stages
    ]


def problems(stages: Sequence[StageRule]) -> list[Problem]:
    """Return what makes a workflow unsound; an empty list for a sound one."""
    found = list(_shape(stages))
    return found or [*_targets(stages), *_ways(stages)]


def _shape(stages: Sequence[StageRule]) -> Iterator[Problem]:
    if not stages:
        yield N_("至少保留一个审核环节"), {}
    if len(stages) > MAX_STAGES:
        yield N_("审核环节最多 %(n)s 个"), {"n": MAX_STAGES}
    names = [one.name for one in stages]
    if len(set(names)) < len(names):
        yield N_("已有同名的审核环节"), {}
    for one in stages:
        yield from _settings(one)


def _settings(one: StageRule) -> Iterator[Problem]:
    named, options = {"name": one.name}, one.options
    checks = (
        (bool(one.name.strip()) and len(one.name) <= MAX_NAME, N_("请填写环节名称，最多 40 个字")),
        (1 <= one.quorum <= 9, N_("通过人数应为 1 到 9")),
        (
            one.role in DECIDING_ROLES and options.escalate_to in {None, *DECIDING_ROLES},
            N_("“%(name)s”由没有审核权限的角色审核"),
        ),
        (options.days is None or 1 <= options.days <= MAX_DAYS, N_("“%(name)s”的期限应为 1 到 90 天")),
        (not options.escalate_to or options.days is not None, N_("“%(name)s”设了逾期升级，请同时填写期限")),
    )
    yield from ((message, named) for is_right, message in checks if not is_right)


def _targets(stages: Sequence[StageRule]) -> Iterator[Problem]:
    places = {STAGE + one.name: place for place, one in enumerate(stages)}
    for place, one in enumerate(stages):
        for decision in Decision:
            target = target_of(stages, place, decision)
            there = places.get(target)
            allowed = {
                Decision.APPROVE: target == APPROVED or (there is not None and there > place),
                Decision.RETURN: target == DRAFT or (there is not None and there < place),
                Decision.REJECT: target in {RETIRED, DRAFT},
            }
            if not allowed[decision]:
                yield _WRONG_TARGET[decision], {"name": one.name}


_WRONG_TARGET = {
    Decision.APPROVE: N_("“%(name)s”通过后只能到后面的环节或入库"),
    Decision.RETURN: N_("“%(name)s”退回只能到前面的环节或退给命题人，不能直接入库"),
    Decision.REJECT: N_("“%(name)s”不采用只能停用或退给命题人，不能直接入库"),
}


def _ways(stages: Sequence[StageRule]) -> Iterator[Problem]:
    """Yield stages that nobody reaches, states from which no way leads into the bank, and stages that can be passed by."""
    onward = {place: _onward(stages, place) for place in range(len(stages))}
    reached = _reach({0}, onward)
    for place, one in enumerate(stages):
        if place not in reached:
            yield N_("没有通往“%(name)s”的路径，试题永远到不了这一环节"), {"name": one.name}
        if APPROVED not in _reach({place}, onward):
            yield N_("“%(name)s”的试题无法到达入库"), {"name": one.name}
        if one.options.is_required and APPROVED in _reach({0} - {place}, _without(onward, place)):
            yield N_("可以绕过必经环节“%(name)s”直接入库"), {"name": one.name}


def _onward(stages: Sequence[StageRule], place: int) -> set[int | str]:
    target = target_of(stages, place, Decision.APPROVE)
    names = {STAGE + one.name: there for there, one in enumerate(stages)}
    return {names.get(target, target)}


def _without(onward: Mapping[int, set[int | str]], place: int) -> dict[int, set[int | str]]:
    return {key: targets - {place} for key, targets in onward.items() if key != place}


def _reach(start: set[int], onward: Mapping[int, set[int | str]]) -> set[int | str]:
    found: set[int | str] = set()
    waiting: list[int | str] = list(start)
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += onward.get(here, set()) if isinstance(here, int) else ()
    return found


def outcome(
    past: Sequence[PastDecision], *, stage_id: Any, review_round: int, quorum: int, vote: VoteRule
) -> Decision | None:
    """Return what the votes of a stage in this round decide, None while more votes are needed.

    Unanimous: the first vote against decides, all `quorum` votes for are needed. Majority of `quorum` voters: more than
    half for, or at least half against; among those against, more rejections than returns reject.
    """
    votes: dict[Any, Decision] = {
        one.reviewer_id: one.decision for one in past if (one.stage_id, one.review_round) == (stage_id, review_round)
    }
    counts = {decision: sum(vote is decision for vote in votes.values()) for decision in Decision}
    n_for = counts[Decision.APPROVE]
    n_against = len(votes) - n_for
    needed, veto = (quorum, 1) if vote is VoteRule.UNANIMOUS else (quorum // 2 + 1, (quorum + 1) // 2)
    if n_for >= needed:
        return Decision.APPROVE
    if n_against >= veto:
        return Decision.REJECT if counts[Decision.REJECT] > counts[Decision.RETURN] else Decision.RETURN
    return None
