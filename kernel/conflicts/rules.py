"""Laws of recusal, as data: which relation forbids which pair of roles, and when a declared relation holds. Pure."""

from __future__ import annotations

import enum
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare


class RelationKind(enum.StrEnum):
    """How two people are related."""

    SELF = "self"
    KIN = "kin"
    TEACHER = "teacher"
    TRAINER = "trainer"
    EMPLOYER = "employer"


class RelationStatus(enum.StrEnum):
    """Where a declared relation stands; it counts until it is rejected or withdrawn."""

    DECLARED = "declared"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CycleRole(enum.StrEnum):
    """What somebody does in the cycle from item to score."""

    AUTHOR = "author"
    REVIEWER = "reviewer"
    ASSEMBLER = "assembler"
    APPROVER = "approver"
    INVIGILATOR = "invigilator"
    MARKER = "marker"
    RATER = "rater"
    ASSESSOR = "assessor"
    CANDIDATE = "candidate"


class Severity(enum.StrEnum):
    """What a rule does; the values are the words that rule profiles show."""

    REFUSE = "拒绝"
    WARN = "提示"
    OFF = "不检查"


COUNTING = frozenset({RelationStatus.DECLARED, RelationStatus.CONFIRMED})
RELATION_LABELS = {
    RelationKind.SELF: N_("本人"),
    RelationKind.KIN: N_("亲属"),
    RelationKind.TEACHER: N_("师生"),
    RelationKind.TRAINER: N_("培训（授课）"),
    RelationKind.EMPLOYER: N_("同一单位"),
}
STATUS_LABELS = {
    RelationStatus.DECLARED: N_("已申报"),
    RelationStatus.CONFIRMED: N_("已确认"),
    RelationStatus.REJECTED: N_("不成立"),
    RelationStatus.WITHDRAWN: N_("已撤回"),
}
CYCLE_LABELS = {
    CycleRole.AUTHOR: N_("命题人"),
    CycleRole.REVIEWER: N_("审题人"),
    CycleRole.ASSEMBLER: N_("组卷员"),
    CycleRole.APPROVER: N_("审卷人"),
    CycleRole.INVIGILATOR: N_("监考员"),
    CycleRole.MARKER: N_("阅卷员"),
    CycleRole.RATER: N_("合格线评定专家"),
    CycleRole.ASSESSOR: N_("考评员"),
    CycleRole.CANDIDATE: N_("考生"),
}
SEVERITIES = (N_("拒绝"), N_("提示"), N_("不检查"))
COOLING_KEY = "conflicts.cooling_days"
PREFIX = "conflicts.rule."


@dataclass(frozen=True, slots=True)
class ConflictRule:
    """One law: people in these two roles may not be related so. `explanation` names the rule and the person."""

    rule_id: str
    first: CycleRole
    second: CycleRole
    kinds: frozenset[RelationKind]
    severity: Severity
    explanation: str

    @property
    def key(self) -> str:
        """The name of the rule-profile value that switches the rule."""
        return f"{PREFIX}{self.rule_id}"


R, K, S = CycleRole, RelationKind, Severity
SAME, KIN, WORK = frozenset({K.SELF}), frozenset({K.KIN}), frozenset({K.EMPLOYER})
TAUGHT = frozenset({K.TEACHER, K.TRAINER})
NEAR = KIN | TAUGHT
RULES: tuple[ConflictRule, ...] = (
    ConflictRule("COI-01", R.REVIEWER, R.AUTHOR, SAME, S.REFUSE, N_("回避规则 COI-01：%(person)s 不得审核自己命制的试题")),
    ConflictRule("COI-02", R.REVIEWER, R.AUTHOR, KIN, S.REFUSE, N_("回避规则 COI-02：%(person)s 与命题人是亲属，不得审核其试题")),
    ConflictRule("COI-03", R.REVIEWER, R.AUTHOR, frozenset({K.TEACHER}), S.REFUSE, N_("回避规则 COI-03：%(person)s 与命题人是师生，不得审核其试题")),
    ConflictRule("COI-04", R.APPROVER, R.AUTHOR, SAME, S.REFUSE, N_("回避规则 COI-04：%(person)s 是卷中试题的命题人，不得批准这份试卷")),
    ConflictRule("COI-05", R.APPROVER, R.AUTHOR, NEAR, S.WARN, N_("回避规则 COI-05：%(person)s 与卷中试题的命题人有亲属或师生关系")),
    ConflictRule("COI-06", R.APPROVER, R.ASSEMBLER, SAME, S.REFUSE, N_("回避规则 COI-06：%(person)s 组成了这份试卷，不得自己批准")),
    ConflictRule("COI-07", R.APPROVER, R.ASSEMBLER, KIN, S.REFUSE, N_("回避规则 COI-07：%(person)s 与组卷员是亲属，不得批准其试卷")),
    ConflictRule("COI-10", R.AUTHOR, R.CANDIDATE, SAME, S.REFUSE, N_("回避规则 COI-10：考生 %(person)s 命制过这份试卷的试题，不得用这份试卷应考")),
    ConflictRule("COI-11", R.REVIEWER, R.CANDIDATE, SAME, S.REFUSE, N_("回避规则 COI-11：考生 %(person)s 审核过这份试卷的试题，不得用这份试卷应考")),
    ConflictRule("COI-12", R.ASSEMBLER, R.CANDIDATE, SAME, S.REFUSE, N_("回避规则 COI-12：考生 %(person)s 组成过这份试卷，不得用这份试卷应考")),
    ConflictRule("COI-13", R.APPROVER, R.CANDIDATE, SAME, S.REFUSE, N_("回避规则 COI-13：考生 %(person)s 批准过这份试卷，不得用这份试卷应考")),
    ConflictRule("COI-20", R.AUTHOR, R.CANDIDATE, NEAR, S.WARN, N_("回避规则 COI-20：命题人 %(person)s 与考生有亲属、师生或培训关系")),
    ConflictRule("COI-21", R.REVIEWER, R.CANDIDATE, NEAR, S.WARN, N_("回避规则 COI-21：审题人 %(person)s 与考生有亲属、师生或培训关系")),
    ConflictRule("COI-22", R.ASSEMBLER, R.CANDIDATE, NEAR, S.REFUSE, N_("回避规则 COI-22：%(person)s 与使用这份试卷的考生有亲属、师生或培训关系，不得接触试卷内容")),
    ConflictRule("COI-23", R.APPROVER, R.CANDIDATE, NEAR, S.REFUSE, N_("回避规则 COI-23：%(person)s 与使用这份试卷的考生有亲属、师生或培训关系，不得接触试卷内容")),
    ConflictRule("COI-30", R.INVIGILATOR, R.CANDIDATE, SAME | KIN, S.REFUSE, N_("回避规则 COI-30：%(person)s 与本考场考生是亲属或同一人，不得监考")),
    ConflictRule("COI-31", R.INVIGILATOR, R.CANDIDATE, TAUGHT, S.REFUSE, N_("回避规则 COI-31：%(person)s 教过或培训过本考场考生，不得监考")),
    ConflictRule("COI-32", R.INVIGILATOR, R.CANDIDATE, WORK, S.WARN, N_("回避规则 COI-32：%(person)s 与本考场考生在同一单位")),
    ConflictRule("COI-40", R.MARKER, R.CANDIDATE, SAME | KIN, S.REFUSE, N_("回避规则 COI-40：%(person)s 与考生是亲属或同一人，不得评阅其答卷")),
    ConflictRule("COI-41", R.MARKER, R.CANDIDATE, TAUGHT, S.REFUSE, N_("回避规则 COI-41：%(person)s 教过或培训过考生，不得评阅其答卷")),
    ConflictRule("COI-42", R.MARKER, R.CANDIDATE, WORK, S.WARN, N_("回避规则 COI-42：%(person)s 与考生在同一单位")),
    ConflictRule("COI-50", R.RATER, R.AUTHOR, SAME, S.WARN, N_("回避规则 COI-50：%(person)s 命制过这份试卷的试题，评定其合格线时须知情")),
    ConflictRule("COI-51", R.RATER, R.CANDIDATE, SAME | NEAR, S.REFUSE, N_("回避规则 COI-51：%(person)s 是使用这份试卷的考生，或与其有亲属、师生或培训关系，不得评定其合格线")),
    ConflictRule("COI-60", R.ASSESSOR, R.CANDIDATE, SAME | KIN, S.REFUSE, N_("回避规则 COI-60：%(person)s 与考生是亲属或同一人，不得考评")),
    ConflictRule("COI-61", R.ASSESSOR, R.CANDIDATE, TAUGHT, S.REFUSE, N_("回避规则 COI-61：%(person)s 教过或培训过考生，不得考评")),
    ConflictRule("COI-62", R.ASSESSOR, R.CANDIDATE, WORK, S.WARN, N_("回避规则 COI-62：%(person)s 与考生在同一单位")),
)  # fmt: skip
RULE_LABELS = {
    "COI-01": N_("COI-01 审核自己的试题"),
    "COI-02": N_("COI-02 审核亲属的试题"),
    "COI-03": N_("COI-03 审核师生的试题"),
    "COI-04": N_("COI-04 命题人批准含其试题的试卷"),
    "COI-05": N_("COI-05 批准含亲属、师生试题的试卷"),
    "COI-06": N_("COI-06 批准自己组成的试卷"),
    "COI-07": N_("COI-07 批准亲属组成的试卷"),
    "COI-10": N_("COI-10 命题人用含其试题的试卷应考"),
    "COI-11": N_("COI-11 审题人用含其所审试题的试卷应考"),
    "COI-12": N_("COI-12 组卷员用其组成的试卷应考"),
    "COI-13": N_("COI-13 审卷人用其批准的试卷应考"),
    "COI-20": N_("COI-20 命题人与考生有亲属、师生或培训关系"),
    "COI-21": N_("COI-21 审题人与考生有亲属、师生或培训关系"),
    "COI-22": N_("COI-22 组卷员与考生有亲属、师生或培训关系"),
    "COI-23": N_("COI-23 审卷人与考生有亲属、师生或培训关系"),
    "COI-30": N_("COI-30 监考亲属或本人"),
    "COI-31": N_("COI-31 监考自己的学生或学员"),
    "COI-32": N_("COI-32 监考同一单位的考生"),
    "COI-40": N_("COI-40 评阅亲属或本人的答卷"),
    "COI-41": N_("COI-41 评阅自己的学生或学员的答卷"),
    "COI-42": N_("COI-42 评阅同一单位考生的答卷"),
    "COI-50": N_("COI-50 命题人评定含其试题的试卷的合格线"),
    "COI-51": N_("COI-51 与考生有亲属、师生或培训关系者评定合格线"),
    "COI-60": N_("COI-60 考评亲属或本人"),
    "COI-61": N_("COI-61 考评自己的学生或学员"),
    "COI-62": N_("COI-62 考评同一单位的考生"),
}
BASIS = N_("考试工作人员回避规定：亲属、师生、同一单位等可能影响公正的关系")

declare(
    *(
        RuleKey(rule.key, default=str(rule.severity), label=RULE_LABELS[rule.rule_id], basis=BASIS, choices=SEVERITIES)
        for rule in RULES
    ),
    RuleKey(
        COOLING_KEY,
        default=365,
        label=N_("师生和培训关系结束后仍须回避的天数"),
        basis=BASIS,
        minimum=0,
        maximum=3650,
    ),
)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in a role: a member of staff by id, a candidate by the keyed index of the number, name and employer."""

    role: CycleRole
    user_id: uuid.UUID | None = None
    name: str = ""
    number_index: str = ""
    employer: str = ""
    reference: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Relation:
    """A declared relation as the rules read it: a member of staff, and the other one by whatever is known."""

    kind: RelationKind
    person_id: uuid.UUID
    other_user_id: uuid.UUID | None = None
    other_index: str = ""
    other_name: str = ""
    other_employer: str = ""
    since: date | None = None
    until: date | None = None
    relation_id: uuid.UUID | None = None

    def holds(self, on: date, cooling_days: int) -> bool:
        """Say whether the relation counts on a day; who taught somebody stays bound for a while afterwards."""
        if self.since is not None and on < self.since:
            return False
        if self.until is None:
            return True
        extra = cooling_days if self.kind in TAUGHT else 0
        return on <= self.until + timedelta(days=extra)

    def names(self, party: Party) -> bool:
        """Say whether the other one of the relation is a party."""
        if self.other_user_id is not None:
            return self.other_user_id == party.user_id
        if self.other_index:
            return self.other_index == party.number_index
        employer = bool(self.other_employer) and folded(self.other_employer) == folded(party.employer)
        if self.other_name:
            return employer and folded(self.other_name) == folded(party.name)
        return employer


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two parties whom a rule keeps apart, with the relation that says so (None: they are one person)."""

    rule: ConflictRule
    severity: Severity
    first: Party
    second: Party
    relation: Relation | None

    @property
    def context(self) -> dict[str, str]:
        """What fills the placeholders of the rule's explanation: the one who must withdraw."""
        who = self.second if self.rule.kinds == SAME and self.second.role is R.CANDIDATE else self.first
        return {"person": who.name, "rule": self.rule.rule_id}

    @property
    def text(self) -> str:
        """The explanation in Chinese."""
        return self.rule.explanation % self.context


def folded(text: str) -> str:
    """Return a name or employer as it is compared: width, case and spaces do not count.

    Examples
    --------
    >>> folded(" 演示（集团） 公司 ")
    '演示(集团)公司'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def severity_of(rule: ConflictRule, values: Mapping[str, Any]) -> Severity:
    """Return what a rule does under a rule profile."""
    return Severity(values.get(rule.key, rule.severity))


def conflicts(
    firsts: Sequence[Party], seconds: Sequence[Party], relations: Iterable[Relation], values: Mapping[str, Any]
) -> Iterator[Conflict]:
    """Yield every conflict between two groups; `relations` are those that hold on the day in question.

    Parameters
    ----------
    firsts, seconds : sequence of Party
        Two groups; each pair of one and the other is looked at under every rule for their roles.
    relations : iterable of Relation
        Declared relations that hold.
    values : mapping
        Rule-profile values; a rule that is switched off yields nothing.
    """
    known = list(relations)
    for rule in RULES:
        severity = severity_of(rule, values)
        if severity is Severity.OFF:
            continue
        for first in (one for one in firsts if one.role is rule.first):
            about = [one for one in known if _concerns(one, first)]
            for second in (one for one in seconds if one.role is rule.second):
                found, relation = _related(rule, first, second, about)
                if found:
                    yield Conflict(rule, severity, first, second, relation)


def _concerns(relation: Relation, party: Party) -> bool:
    return relation.person_id == party.user_id or relation.names(party)


def _related(
    rule: ConflictRule, first: Party, second: Party, about: Sequence[Relation]
) -> tuple[bool, Relation | None]:
    if K.SELF in rule.kinds and first.user_id is not None and first.user_id == second.user_id:
        return True, None
    for relation in about:
        if relation.kind in rule.kinds and _joins(relation, first, second):
            return True, relation
    return False, None


def _joins(relation: Relation, first: Party, second: Party) -> bool:
    forth = relation.person_id == first.user_id and relation.names(second)
    back = relation.person_id == second.user_id and relation.names(first)
    return forth or back
