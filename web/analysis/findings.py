"""What the figures of an item or test mean: a code for programs, a sentence with advice for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kernel.i18n import N_

Weight = Literal["alarm", "caution", "note"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The weight of a flag and the sentence that explains it; `%(what)s` is what stands after the colon of the flag."""

    weight: Weight
    text: str


MEANINGS: Mapping[str, Meaning] = {
    "possible_wrong_key": Meaning(
        "alarm", N_("选“%(what)s”的考生总分比选标准答案的更高：请先核对答案是否标错，再检查题干是否有歧义。")
    ),
    "negative_discrimination": Meaning(
        "alarm", N_("总分越高的考生反而越容易答错：请核对答案与题干；确认有误前，这道题不宜计入成绩。")
    ),
    "low_discrimination": Meaning(
        "caution", N_("这道题几乎不能区分水平高低：检查题干是否含糊、是否太偏，或干扰项是否也说得通。")
    ),
    "very_easy": Meaning("note", N_("几乎人人得满分：若不是必考的安全要求，可换一道更难的题。")),
    "very_hard": Meaning("caution", N_("得分率接近或低于盲猜：请确认内容在大纲之内、答案无误、题干没有多余的弯绕。")),
    "attractive_distractor": Meaning(
        "caution", N_("选“%(what)s”的人比选标准答案的还多：可能是常见误解，也可能是答案有争议，请学科专家看一看。")
    ),
    "many_omitted": Meaning("caution", N_("没有作答的考生偏多：检查题目是否太长、太难，或界面是否容易漏看。")),
    "many_not_reached": Meaning("caution", N_("没有做到这道题的考生偏多：考试时间可能不够。")),
    "options_truncated": Meaning("note", N_("不同的答案太多，只列出最常见的几种。")),
    "maximum_observed": Meaning("note", N_("没有给出满分，按观察到的最高分计算得分率；请在答案文件的 score 列写明满分。")),
    "all_correct": Meaning("caution", N_("所有人都得满分：没有差别就算不出区分度，也无法标定。")),
    "all_wrong": Meaning("alarm", N_("没有人得分：请核对答案；没有差别就算不出区分度，也无法标定。")),
    "no_variance": Meaning("caution", N_("所有人得分相同：没有差别就算不出区分度，也无法标定。")),
    "nobody_reached": Meaning("caution", N_("没有人做到这道题，没有任何指标。")),
    "no_spread_in_totals": Meaning("caution", N_("总分（或其余题的总分）没有差别，无法计算相关与区分度。")),
    "too_few_candidates": Meaning("caution", N_("作答人数太少，算不出相关与区分度；请积累更多考生。")),
    "few_candidates": Meaning("note", N_("作答人数偏少，指标只供参考，请看区间而不要只看数值。")),
    "too_few_items": Meaning("caution", N_("题目太少，算不出信度。")),
    "redundant_items": Meaning("note", N_("有题目完全可由其余题目推出，或没有差别，因此不给出 λ6。")),
    "not_dichotomous": Meaning("note", N_("有部分得分或各题分值不同：不适用 KR-20；部分得分的题目也不进入 Rasch、2PL、3PL 标定。")),
    "own_forms": Meaning(
        "note",
        N_("每名考生的试题不同（一人一卷）：α、KR-20、λ 需要所有人做同样的题，不给出；信度把各人的题当作从同一分值的题中抽出来估计，是下限。"),
    ),
    "no_own_reliability": Meaning(
        "caution", N_("数据不足，不给出信度：成绩没有差别，或每人的试卷里没有两道同一分值的题。")
    ),
    "too_few_per_item": Meaning(
        "note", N_("每道题只有一部分考生做过，没有一道题两组都满 50 人作答，数据不足以比较；积累更多考生后再看。")
    ),
    "items_left_out": Meaning("note", N_("两组中任一方不足 50 人做过的题，数据不足，不作比较。")),
    "low_reliability": Meaning("caution", N_("信度偏低：以这份成绩判断个人是否合格，误判会较多；可增加题量或替换区分度低的题。")),
    "speeded": Meaning(
        "caution", N_("时间可能不够：不足八成的考生做到最后一题，或有人没有做到四分之三；请看“未做到”多的题，考虑加时或减题。")
    ),
    "too_few_for_model": Meaning("caution", N_("人数不足以标定这个模型，没有给出参数；请改用经典指标或更简单的模型。")),
    "few_for_model": Meaning("caution", N_("人数少于这个模型通常需要的数目，参数的标准误较大，请谨慎使用。")),
    "not_converged": Meaning("alarm", N_("标定没有收敛，参数不可使用。")),
    "not_calibrated": Meaning("caution", N_("这道题没有进入标定。")),
    "no_standard_error": Meaning("caution", N_("信息矩阵奇异，给不出标准误；参数可能不确定。")),
    "extreme_parameter": Meaning("caution", N_("参数落在可信范围之外，这道题与模型不合，请先看经典指标。")),
    "misfit": Meaning(
        "caution", N_("作答与模型不合（S-X²，已计入题目数目）：看选项曲线，找一找为什么水平高的人答错或水平低的人答对。")
    ),
    "dependent_on": Meaning(
        "caution", N_("与“%(what)s”在能力之外仍一同对错：两题可能互相提示、共用材料或内容重复，不宜同卷。")
    ),
    "group_unknown": Meaning("note", N_("报名信息里没有这一项，无法比较。")),
    "one_group": Meaning("note", N_("考生都属于同一组，没有可比较的。")),
    "too_few_items_for_groups": Meaning("note", N_("对错题不足 10 道，总分不足以说明两人水平相当，不作比较。")),
    "too_few_in_groups": Meaning("note", N_("没有两组都满 50 人，数据不足以比较；积累更多考生后再看。")),
    "few_in_group": Meaning("note", N_("较小的一组不足 200 人：只看得出很大的差异，没有发现不等于没有。")),
    "too_few_on_carrier": Meaning(
        "note", N_("用这种设备作答的人太少，数据不足，不单独给出指标；人数计入全部设备，各场次同一设备的人数会累积。")
    ),
    "too_few_calibrated": Meaning("caution", N_("能标定的题目不足三道，无法标定。")),
}  # fmt: skip
UNCERTAIN_WHEN_FEW = frozenset({"possible_wrong_key", "negative_discrimination"})
"""Alarms that chance gives easily below 30 candidates: there they ask for a look and stop nobody."""
LABELS: Mapping[Weight, str] = {"alarm": N_("须处理"), "caution": N_("请留意"), "note": N_("说明")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One flag in words."""

    code: str
    weight: Weight
    text: str

    @property
    def label(self) -> str:
        """The weight in Chinese."""
        return LABELS[self.weight]


def explain(flag: str) -> Finding:
    """Return what a flag means.

    Examples
    --------
    >>> explain("attractive_distractor:D").text[:12]
    '选“D”的人比选标准答案'
    """
    code, _, what = flag.partition(":")
    meaning = MEANINGS[code]
    return Finding(code, meaning.weight, meaning.text % {"what": what} if what else meaning.text)


def explain_item(flags: Sequence[str]) -> list[Finding]:
    """Return what an item's flags mean together: few candidates take the alarm out of what rests on correlations.

    Examples
    --------
    >>> [one.weight for one in explain_item(["negative_discrimination"])]
    ['alarm']
    >>> [one.weight for one in explain_item(["negative_discrimination", "few_candidates"])]
    ['caution', 'note']
    """
    found = [explain(flag) for flag in flags]
    if "few_candidates" not in flags:
        return found
    return [replace(one, weight="caution") if one.code in UNCERTAIN_WHEN_FEW else one for one in found]


def count_alarms(items: Sequence[Mapping[str, Any]]) -> int:
    """Return how many items of a report need a person before the scores are used."""
    return sum(any(one.weight == "alarm" for one in explain_item(item["flags"])) for item in items)
