"""Early warnings over time: what no single record shows. Leads for a person to look into, never a reason to refuse by themselves.

Each is a small function with an id, a severity and an example, as the checks of data compliance are. Pure.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from certification.rules.compliance import Complaint, ComplianceCheck, ComplianceFinding, ComplianceSeverity
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

RATE_POINTS = "certification.warn_rate_points"
BURST_TIMES = "certification.warn_burst_times"
SAME_CONTACT = "certification.warn_same_contact"
GAP_MINUTES = "certification.warn_gap_minutes"
FEWEST_SAT = 20
FEWEST_OF_A_BURST = 50
RECENT_DAYS = 30
FORMER_PERIODS = 12
Z_LIMIT = 2.58
"""A difference of pass rates beyond this many standard errors is met by chance in 1 of 100 batches."""

declare(
    RuleKey(RATE_POINTS, 20, N_("合格率比以往高出多少个百分点时预警（0 为不预警）"), "15–30", minimum=0, maximum=100),
    RuleKey(BURST_TIMES, 3, N_("近 30 天评价人数达到以往月均几倍时预警（0 为不预警）"), "2–5", minimum=0, maximum=100),
    RuleKey(SAME_CONTACT, 3, N_("几人使用同一电话或邮箱时预警（0 为不预警）"), "3–5", minimum=0, maximum=100),
    RuleKey(GAP_MINUTES, 30, N_("同一人在不同考点两场考试至少相隔的分钟数"), "30–120", minimum=0, maximum=1440),
)


@dataclass(frozen=True, slots=True)
class Sitting:
    """Somebody's sitting; `person` is the same for the same person in every batch, `is_here` says that it is of this batch."""

    record_id: str
    person: str
    address: str
    site: str
    started_at: dt.datetime
    ended_at: dt.datetime
    is_here: bool = True


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The overall share of a closed survey as people read it, and whether it reaches the target in per cent."""

    share: str
    is_met: bool
    target: int


@dataclass(frozen=True, slots=True)
class History:
    """What a batch is held against: its own counts, those of earlier batches, contacts by use, and sittings."""

    limits: Mapping[str, object]
    n_passed: int = 0
    n_sat: int = 0
    n_passed_before: int = 0
    n_sat_before: int = 0
    n_recent: int = 0
    n_year_before: int = 0
    contacts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sittings: Sequence[Sitting] = ()
    satisfaction: Satisfaction | None = None
    lacks_survey: bool = False

    def limit(self, key: str) -> int:
        """Return a limit of the rule profile."""
        return int(str(self.limits[key]))


WarningFunction = Callable[[History], Iterator[tuple[str, Complaint]]]
EARLY_CHECKS: dict[ComplianceCheck, WarningFunction] = {}


def find_warnings(history: History) -> list[ComplianceFinding]:
    """Return every early warning of a batch."""
    return [
        ComplianceFinding(check.check_id, check.severity, name, message, record_id, values)
        for check, run in EARLY_CHECKS.items()
        for record_id, (name, message, values) in run(history)
    ]


def _early(check_id: str, title: str, example: str) -> Callable[[WarningFunction], WarningFunction]:
    def register(function: WarningFunction) -> WarningFunction:
        EARLY_CHECKS[ComplianceCheck(check_id, ComplianceSeverity.WARNING, title, example)] = function
        return function

    return register


@_early("W01", N_("合格率突然升高"), N_("以往合格率 55%，本批 90%"))
def warn_sudden_pass_rate(history: History) -> Iterator[tuple[str, Complaint]]:
    """Compare the pass rate with earlier batches of the same body, occupation and level; small numbers say nothing."""
    points = history.limit(RATE_POINTS)
    if not points or min(history.n_sat, history.n_sat_before) < FEWEST_SAT:
        return
    rate, before = history.n_passed / history.n_sat, history.n_passed_before / history.n_sat_before
    pooled = (history.n_passed + history.n_passed_before) / (history.n_sat + history.n_sat_before)
    error = math.sqrt(pooled * (1 - pooled) * (1 / history.n_sat + 1 / history.n_sat_before))
    if 100 * (rate - before) >= points and rate - before > Z_LIMIT * error:
        message = N_("本批合格率 %(rate)s%%，以往为 %(before)s%%，请核查")
        yield "", ("outcome", message, {"rate": round(100 * rate), "before": round(100 * before)})


@_early("W02", N_("评价人数突增"), N_("以往每月约 100 人，近 30 天 450 人"))
def warn_burst(history: History) -> Iterator[tuple[str, Complaint]]:
    """Compare the people of the last thirty days with the mean of a year before."""
    times, mean = history.limit(BURST_TIMES), history.n_year_before / FORMER_PERIODS
    if times and mean and history.n_recent >= max(FEWEST_OF_A_BURST, times * mean):
        message = N_("近 30 天评价 %(n)s 人，以往月均 %(mean)s 人，请核查承载能力和组织情况")
        yield "", ("n_registered", message, {"n": history.n_recent, "mean": round(mean)})


@_early("W03", N_("多人同一联系方式"), N_("5 名考生登记了同一个手机号"))
def warn_same_contact(history: History) -> Iterator[tuple[str, Complaint]]:
    """Find telephone numbers and addresses that several people gave; the text does not repeat them."""
    least = history.limit(SAME_CONTACT)
    for contact in sorted(history.contacts):
        people = history.contacts[contact]
        if least and len(people) >= least:
            message = N_("本批有 %(n)s 人登记了与该考生相同的电话或邮箱，请核对")
            yield people[0], ("phone", message, {"n": len(people)})


@_early("W04", N_("同一网络地址出现在不同考点"), N_("甲考点和乙考点的考生用同一个地址作答"))
def warn_same_address(history: History) -> Iterator[tuple[str, Complaint]]:
    """Find network addresses that were used at more than one site; within a site one address is ordinary."""
    places: dict[str, set[str]] = defaultdict(set)
    for one in history.sittings:
        if one.is_here and one.address and one.site:
            places[one.address].add(one.site)
    for address, sites in sorted(places.items()):
        if len(sites) > 1:
            message = N_("网络地址 %(address)s 同时出现在考点：%(sites)s，请核查考试是否在规定考点进行")
            yield "", ("address", message, {"address": address, "sites": "、".join(sorted(sites))})


@_early("W05", N_("时间安排不可能"), N_("同一人上午 9:00 在甲考点、9:30 在乙考点考试"))
def warn_impossible_schedule(history: History) -> Iterator[tuple[str, Complaint]]:
    """Find people whose sittings overlap, or follow one another at different sites sooner than anybody can travel."""
    gap = dt.timedelta(minutes=history.limit(GAP_MINUTES))
    by_person: dict[str, list[Sitting]] = defaultdict(list)
    for one in history.sittings:
        by_person[one.person].append(one)
    for sittings in by_person.values():
        for first, second in pairwise(sorted(sittings, key=lambda one: one.started_at)):
            needed = gap if first.site != second.site else dt.timedelta(0)
            if (first.is_here or second.is_here) and second.started_at < first.ended_at + needed:
                here = first if first.is_here else second
                message = N_("该考生的两场考试时间重叠，或在不同考点相隔不足 %(minutes)s 分钟")
                yield here.record_id, ("schedule", message, {"minutes": history.limit(GAP_MINUTES)})


@_early("W06", N_("满意度低于目标"), N_("总体满意率 84.0%，目标 90%"))
def warn_low_satisfaction(history: History) -> Iterator[tuple[str, Complaint]]:
    """Hold the overall share of a closed survey against the target that it was opened with."""
    found = history.satisfaction
    if found and not found.is_met:
        message = N_("满意度调查的总体满意率为 %(share)s，低于目标 %(target)s%%，请分析原因并改进")
        yield "", ("satisfaction", message, {"share": found.share, "target": found.target})


@_early("W07", N_("归档的批次没有满意度调查"), N_("批次已归档，没有开展过满意度调查"))
def warn_no_survey(history: History) -> Iterator[tuple[str, Complaint]]:
    """Point out an archived batch whose candidates nobody asked, where the rule profile sets a target."""
    if history.lacks_survey:
        yield "", ("satisfaction", N_("批次已归档，还没有开展满意度调查；归档以后也可以开展"), {})
