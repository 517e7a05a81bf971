"""Item lists as people really type them in Word."""

from __future__ import annotations

import pytest

from qbank.interchange.docx_reader import read_docx
from qbank.interchange.interpret import interpret
from qbank.interchange.model import ConversionReport
from tests.qbank.interchange.word_files import WordFile, png


def read(word: WordFile) -> ConversionReport:
    return interpret(read_docx(word.data()))


def items(word: WordFile) -> list[tuple[str, list[str], object]]:
    return [
        (one.item.content.stem, [choice.content for choice in one.item.content.choices], one.item.content.key)
        for one in read(word).items
    ]


def test_items_numbered_by_word_with_the_key_in_the_stem_are_cut_apart():
    word = WordFile()
    for key, stem in (("C", "电流的单位是（C）。"), ("A", "电压的单位是（ A ）。")):
        word.listed("decimal", f"\t{stem}").lines("（A）V", "（B）W", "（C）A", "（D）J。")
        assert key
    assert items(word) == [
        ("电流的单位是（　）。", ["V", "W", "A", "J。"], "C"),
        ("电压的单位是（　）。", ["V", "W", "A", "J。"], "A"),
    ]


def test_an_option_that_word_letters_itself_is_read_with_its_letter():
    word = WordFile().listed("decimal", "燃料热值的单位是（B）。").listed("letters", "m/s  （B）J/kg\t（C）N  （D）K")
    assert items(word) == [("燃料热值的单位是（　）。", ["m/s", "J/kg", "N", "K"], "B")]


def test_two_options_that_share_an_automatically_lettered_paragraph_keep_their_places():
    word = WordFile().listed("decimal", "烷塔联运可以使装置（B）")
    word.listed("comma_letters", "出产品  B、升温").listed("comma_letters", "建立水相   D、平衡物料")
    report = read(word)
    assert [choice.content for choice in report.items[0].item.content.choices] == [
        "出产品",
        "升温",
        "建立水相",
        "平衡物料",
    ]
    assert "options_relabelled" in {notice.code for notice in report.warnings}


@pytest.mark.parametrize(
    "line",
    [
        "A.降低 B.升高 C.不变 D.倍增",
        "A、降低   B、升高\tC、不变  D、倍增",
        "A降低B升高C不变D倍增",
        "（A）降低（B）升高（C）不变（D）倍增",
        "A，降低  B，升高  C，不变  D。倍增",
        "a.降低  b.升高  c.不变  d.倍增",
        "Ａ．降低　Ｂ．升高　Ｃ．不变　Ｄ．倍增",
        "（A）降低  B 、升高C 、不变（D）倍增",
    ],
)
def test_options_on_one_line_are_split_whatever_stands_between_them(line):
    word = WordFile().lines("1、真空下沸点（ B ）。", line)
    assert items(word) == [("真空下沸点（　）。", ["降低", "升高", "不变", "倍增"], "B")]


def test_letters_inside_an_option_are_not_taken_for_options():
    word = WordFile().lines("1. 选用（A）。", "A. 使用B型泵", "B. 使用C型泵", "C. 符合 D 类要求")
    assert items(word) == [("选用（　）。", ["使用B型泵", "使用C型泵", "符合 D 类要求"], "A")]


@pytest.mark.parametrize("label", ["参考答案：B", "【答案】B", "正确答案：B", "答案 B", "答：B", "标准答案:（B）"])
def test_answer_lines_in_their_many_wordings_give_the_key(label):
    word = WordFile().lines("第1题 电流的单位是（    ）[2分]", "A.V", "B.A", label, "解析：安培。")
    one = read(word).items[0].item.content
    assert (one.key, one.explanation, one.score) == ("B", "安培。", 2)


def test_headings_give_type_and_score_and_are_not_items():
    word = WordFile().lines(
        "某某题库",
        "一、多项选择题（每题2分，共20分）",
        "1. 导体有（ ）",
        "A. 铁",
        "B. 铜",
        "答案：AB",
        "二、判断题（难度：易）",
    )
    word.lines("1. 铁是金属。（√）")
    report = read(word)
    assert [(one.item.content.type, one.item.content.score, one.item.difficulty) for one in report.items] == [
        ("multiple_choice", 2, None),
        ("true_false", 1, 1),
    ]
    assert report.found == 2


def test_a_judged_sentence_with_its_correction_keeps_the_mark_as_key():
    word = (
        WordFile()
        .listed("chinese", "判断题")
        .listed("decimal", "（×）1吨等于100kg。")
        .lines("\t 正确答案：1吨等于1000kg。")
    )
    one = read(word).items[0].item.content
    assert (one.type, one.key, one.explanation) == ("true_false", False, "1吨等于1000kg。")


def test_answers_collected_at_the_end_return_to_their_items_by_section_and_number():
    word = WordFile().lines(
        "一、单项选择题", "1. 甲（ ）", "A. 1", "B. 2", "2. 乙（ ）", "A. 3", "B. 4", "二、判断题", "1. 丙。", "2. 丁。"
    )
    word.lines("参考答案", "一、单项选择题", "1-2 BA", "二、判断题", "1.√ 2.×")
    assert [one[2] for one in items(word)] == ["B", "A", True, False]


def test_a_table_of_numbers_and_keys_at_the_end_is_an_answer_list():
    word = (
        WordFile()
        .lines("1. 甲（ ）", "A. 1", "B. 2", "2. 乙（ ）", "A. 3", "B. 4")
        .table(["题号", "1", "2"], ["答案", "B", "A"])
    )
    assert [one[2] for one in items(word)] == ["B", "A"]


def test_answers_that_do_not_fit_by_number_leave_the_items_without_key():
    word = WordFile().lines("1. 甲（ ）", "A. 1", "B. 2", "2. 乙（ ）", "A. 3", "B. 4", "参考答案：", "1-3 AB")
    report = read(word)
    assert not report.items
    assert [notice.code for notice in report.skipped] == ["no_key", "no_key"]


def test_a_key_that_contradicts_the_answer_list_is_refused_not_chosen():
    word = WordFile().lines("1. 甲（ ）", "A. 1", "B. 2", "答案：A", "参考答案", "1.B")
    report = read(word)
    assert [notice.code for notice in report.skipped] == ["conflicting_keys"]


def test_the_same_number_in_two_unnamed_sections_gets_no_key_from_the_list():
    word = WordFile().lines(
        "一、选择题", "1. 甲（ ）", "A. 1", "B. 2", "二、选择题", "1. 乙（ ）", "A. 3", "B. 4", "参考答案", "1.A 2.B"
    )
    report = read(word)
    assert {notice.code for notice in report.skipped} == {"no_key"}
    assert "unmatched_answer" in {notice.code for notice in report.warnings}


def test_short_answers_keep_the_points_of_their_answer_together():
    word = WordFile().lines(
        "三、简答题",
        "1、停电步骤？",
        "答：1、停电；",
        "2、验电；",
        "3、接地。",
        "2、什么是安全电压？",
        "不高于42V的电压，长期接触对人没有危险。",
    )
    report = read(word)
    assert [one.item.content.stem for one in report.items] == ["停电步骤？", "什么是安全电压？"]
    assert report.items[0].item.content.rubric[0]["text"] == "1、停电；\n2、验电；\n3、接地。"


def test_underlined_words_without_other_key_become_blanks_with_answers():
    word = WordFile().runs(
        ("1、水的分子式", ""),
        ("H", "underline"),
        ("2", "underline"),
        ("，沸点", ""),
        (" 100℃ ", "underline"),
        ("。", ""),
    )
    report = read(word)
    assert (report.items[0].item.content.stem, report.items[0].item.content.key) == (
        "水的分子式{{1}}，沸点{{2}}。",
        [["H2"], ["100℃"]],
    )
    assert [notice.code for notice in report.warnings] == ["underlined_as_blanks"]


def test_underlined_white_space_is_a_blank_to_fill_in():
    word = (
        WordFile()
        .lines("一、填空题")
        .runs(("1、铁的符号是", ""), ("      ", "underline"), ("。", ""))
        .lines("答案：Fe")
    )
    assert items(word) == [("铁的符号是{{1}}。", [], [["Fe"]])]


def test_subscripts_stay_and_emphasis_of_a_word_stays():
    word = (
        WordFile()
        .runs(("1. 下列", ""), ("不", "bold"), ("是 H", ""), ("2", "sub"), ("O 的是（B）", ""))
        .lines("A. 水", "B. 铁")
    )
    assert items(word)[0][0] == "下列<strong>不</strong>是 H<sub>2</sub>O 的是（　）"


def test_pictures_in_stem_and_options_travel_with_the_item():
    word = WordFile().picture("1. 图中仪表是（A）", png()).picture("A. ", png("blue")).lines("B. 电压表")
    one = read(word).items[0]
    assert len(one.media) == 2
    assert one.item.content.choices[0].content.startswith('<img src="media:')
    assert one.media[one.item.content.media[0]["id"]] == png()


def test_a_table_inside_an_item_stays_in_its_stem():
    word = WordFile().lines("1. 按表选择（A）").table(["电流", "截面"], ["10A", "2.5mm²"]).lines("A. 甲", "B. 乙")
    assert "<td>2.5mm²</td>" in items(word)[0][0]


def test_options_laid_out_in_a_table_are_options():
    word = WordFile().lines("1. 选（D）").table(["A. 甲", "B. 乙"], ["C. 丙", "D. 丁"])
    assert items(word) == [("选（　）", ["甲", "乙", "丙", "丁"], "D")]


def test_a_table_with_item_columns_gives_one_item_a_row():
    word = WordFile().table(["序号", "题干", "A", "B", "答案", "题型"], ["1", "铁是", "金属", "气体", "A", "单选题"])
    assert items(word) == [("铁是", ["金属", "气体"], "A")]


def test_practical_scoring_tables_and_their_titles_are_named_and_are_no_items():
    word = WordFile().lines("1. 铁是金属。（√）", "技能操作试题初级", "试题一 巡检操作")
    word.table(["序号", "考核内容", "考核要点", "配分", "评分标准"], ["1", "准备", "穿戴", "5", "缺一件扣1分"])
    report = read(word)
    assert report.found == 1
    assert [notice.code for notice in report.warnings] == ["scoring_table"]


def test_lines_broken_by_a_copy_are_joined_and_page_numbers_dropped():
    word = WordFile().lines(
        "1. 在停电的低压动力和照明回路上工作", "可不填写（ A ）。", "- 12 -", "A. 工作票", "B. 记录"
    )
    assert items(word)[0][0] == "在停电的低压动力和照明回路上工作可不填写（　）。"


def test_instructions_before_the_first_section_are_not_items():
    word = WordFile().lines("注意事项", "1、考试时间：90分钟。", "2、请写姓名。", "一、判断题", "1、铁是金属。（√）")
    assert len(items(word)) == 1


def test_worked_calculations_are_items_that_a_person_marks():
    word = WordFile().lines("四、计算题", "1、求功率。", "解：P=UI", "=220×2=440W", "答：功率为440W。")
    report = read(word)
    assert report.items[0].item.content.type == "calculation"
    assert "=220×2=440W" in report.items[0].item.content.rubric[0]["text"]


def test_the_locator_names_the_paragraph():
    report = read(WordFile().lines("题库", "", "1. 铁是金属。（√）"))
    assert report.items[0].locator == "paragraph 3"


@pytest.mark.parametrize("renumbered", [False, True])
def test_answers_at_the_end_that_name_their_section_in_front_reach_their_items(renumbered):
    word = WordFile().lines("一、单项选择题（每题1分）", "1. 电流的单位是（  ）。", "A. V  B. A  C. W  D. J")
    word.lines("2. 电压的单位是（  ）。", "A. V  B. A  C. W  D. J", "二、判断题")
    third, fourth = (1, 2) if renumbered else (3, 4)
    word.lines(f"{third}、熔断器可以作过载保护。（  ）", "三、简答题", f"{fourth}. 简述星三角启动的原理。", "参考答案")
    word.lines("一、1.B 2.A", f"二、{third}.×", f"三、{fourth}.答：启动时接成星形。")
    report = read(word)
    assert not report.skipped
    assert [one.item.content.key for one in report.items][:3] == ["B", "A", False]
    assert "启动时接成星形" in str(report.items[3].item.content)


@pytest.mark.parametrize("line", ["单选题：1.B 2.A", "单选题1-2 BA", "（一）单项选择题 1.B 2.A", "一、1-2：BA"])
def test_a_line_of_answers_may_name_its_section_in_words(line):
    word = WordFile().lines("一、单项选择题", "1. 电流的单位是（  ）。", "A. V  B. A  C. W  D. J")
    word.lines("2. 电压的单位是（  ）。", "A. V  B. A  C. W  D. J", "参考答案", line)
    assert [key for _, _, key in items(word)] == ["B", "A"]
