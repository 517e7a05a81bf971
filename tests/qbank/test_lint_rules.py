"""Each rule of good items, on what it must name and what it must leave alone."""

from __future__ import annotations

import pytest

from item_templates.contract import Choice, ItemContent
from qbank.rules.lint import key_balance
from qbank.rules.lint.model import LintContext
from qbank.rules.lint.registry import BY_ID, RULES, count_by_rule, lint


def chosen(stem: str, *options: str, key: object = "A") -> ItemContent:
    choices = tuple(Choice(letter, text) for letter, text in zip("ABCDE", options, strict=False))
    kind = "multiple_choice" if isinstance(key, list) else "single_choice"
    return ItemContent(kind, stem, choices, key)


def judged(stem: str) -> ItemContent:
    return ItemContent("true_false", stem, key=True)


NAMED = {
    "absolute_words": [
        judged("所有电动机都必须接地。"),
        judged("触电者一定会死亡。"),
        chosen("电阻串联后，较大的电阻发热（　）。", "较大", "较小", "完全相同"),
    ],
    "unmarked_negative": [
        chosen("下列做法中，不正确的是（　）。", "断电", "验电", "带电"),
        chosen("环己酮装置的废气来源不包括（　）。", "甲", "乙", "丙"),
        chosen("以下说法错误的有哪些", "甲", "乙", "丙", key=["A", "B"]),
    ],
    "all_or_none": [chosen("检修前应（　）。", "断电", "验电", "以上都是"), chosen("选（　）。", "甲", "乙", "A和B")],
    "longest_key": [chosen("锅炉房应（　）。", "定期检查安全阀、压力表和水位计并记录", "关门", "通风")],
    "clue_words": [chosen("有机热载体炉应选用（　）安全阀。", "波纹弹簧安全阀", "杠杆", "静重")],
    "similar_options": [
        chosen("电压为（　）。", "220V", "220 V", "380V", key="C"),
        chosen("接地电阻应（　）。", "不大于4Ω", "不大于10Ω", "大于100Ω"),
        chosen("转速取（　）。", "5~10", "6~8", "20~30"),
    ],
    "inconsistent_options": [
        chosen("间距为（　）。", "5", "10mm", "15mm"),
        chosen("应（　）。", "立即切断总电源。", "使用干粉灭火器", "拨打报警电话"),
    ],
    "missing_blank": [chosen("设置明显的", "安全标语", "警示标志", "安全牌")],
    "judgement_form": [judged("验电前要不要戴绝缘手套？"), judged("额定电压为（　）V，应接地。")],
    "two_propositions": [
        judged("熔断器用作短路保护，但热继电器不能用作过载保护。"),
        judged("甲阀门应当常开；乙阀门应当常闭。"),
    ],
    "missing_basis": [chosen("按照有关规定，接地电阻每年测量（　）次。", "1", "2", "3")],
    "reading_load": [judged("运行人员应检查设备" * 10 + "。")],
    "abbreviations": [chosen("AGV 的导航方式是（　）。", "磁条", "激光", "视觉")],
    "typing_slips": [judged("变压器的的铁芯应接地。"), judged("变压器的铁芯应（可靠接地。")],
}
SPARED = {
    "absolute_words": [judged("应留有一定的间隙。"), judged("燃烧不完全会产生一氧化碳。"), judged("测量绝对压力。")],
    "unmarked_negative": [
        chosen("下列做法中，<b>不正确</b>的是（　）。", "断电", "验电", "带电"),
        chosen("不带电的金属外壳应（　）。", "接地", "涂漆", "悬空"),
        chosen("不合格的产品应（　）。", "隔离", "出厂", "降价"),
    ],
    "all_or_none": [chosen("应接地的是（　）。", "以上电压等级的设备须接地", "乙", "丙")],
    "longest_key": [chosen("应（　）。", "接地线", "断开", "合上")],
    "clue_words": [chosen("下列保护装置中起过载作用的是（　）。", "热继电器", "熔断器", "接触器")],
    "similar_options": [chosen("取（　）。", "5~10", "10~15", "15~20"), chosen("取（　）。", "1A", "1B", "1C")],
    "inconsistent_options": [chosen("间距为（　）。", "0", "10mm", "15mm"), chosen("取（　）。", "1", "2", "3")],
    "missing_blank": [chosen("下列属于安全色的是：", "红", "紫", "橙"), chosen("由谁监护？", "甲", "乙", "丙")],
    "judgement_form": [judged("（　）高压验电时应戴绝缘手套。"), judged("高压验电时应戴绝缘手套。（　）")],
    "two_propositions": [judged("热继电器可用作电动机的过载保护。"), judged("感应电压虽然不高，但会造成伤害。")],
    "missing_basis": [chosen("按照《电力设备预防性试验规程》规定，每（　）年测量一次。", "1", "2", "3"), judged("不按规定操作是违章。")],
    "reading_load": [judged("母线涂漆以便识别相序。")],
    "abbreviations": [
        judged("自动导引车（AGV）由蓄电池供电。"), judged("采用 PLC 控制。"), judged("DZ 型断路器有热脱扣器。"), judged("H2SO4 是强酸。"),
    ],
    "typing_slips": [judged("非教学目的的实习工厂执行一般电价。"), judged("目标是（一）安全；（二）优质。")],
}  # fmt: skip


def rules_of(content: ItemContent) -> set[str]:
    return {one.rule.id for one in lint(content)}


@pytest.mark.parametrize(("rule", "content"), [(rule, one) for rule, many in NAMED.items() for one in many])
def test_a_rule_names_what_it_is_about(rule, content):
    assert rule in rules_of(content)


@pytest.mark.parametrize(("rule", "content"), [(rule, one) for rule, many in SPARED.items() for one in many])
def test_a_rule_leaves_good_items_alone(rule, content):
    assert rule not in rules_of(content)


def test_every_rule_is_tried_here_and_explained():
    assert set(NAMED) | {"sensitive_words"} == set(BY_ID)
    for rule in RULES:
        assert all((rule.title, rule.explanation, rule.bad, rule.good))


def test_every_message_can_be_filled_in():
    for many in NAMED.values():
        for content in many:
            for one in lint(content):
                assert one.hit.template % one.hit.params if one.hit.params else one.hit.template


def test_the_organisation_s_words_are_named_with_their_advice():
    context = LintContext({"残废": "改为“残疾”"}, frozenset({"AGV"}))
    found = lint(judged("残废人员不得操作 AGV。"), context)
    assert [(one.rule.id, one.hit.params["advice"]) for one in found] == [("sensitive_words", "改为“残疾”")]


def test_the_items_of_a_set_are_looked_at_one_by_one():
    content = ItemContent("testlet", "<p>材料</p>", items=(judged("母线涂漆。"), judged("所有母线必须涂漆。")))
    assert [one.hit.place for one in lint(content)] == ["items-1-stem"]


def test_the_places_of_keys_are_weighed():
    uneven = [chosen("取（　）。", "甲", "乙", "丙", "丁", key="A") for _ in range(30)]
    even = [chosen("取（　）。", "甲", "乙", "丙", "丁", key="ABCD"[n % 4]) for n in range(40)]
    assert len(key_balance.findings(uneven)) == 2
    assert key_balance.findings(even) == []
    assert key_balance.findings(uneven[:10]) == []
    both = key_balance.spreads([*even, judged("甲。")])
    assert [(one.shape, one.n) for one in both] == [("choice_4", 40), ("true_false", 1)]


def test_items_are_counted_once_a_rule():
    twice = lint(chosen("取（　）。", "以上都是", "以上都不是", "甲"))
    assert count_by_rule([twice, []])["all_or_none"] == 1
