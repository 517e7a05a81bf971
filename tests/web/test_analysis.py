"""``kaoku analyse``: response sheets in, figures and reasons out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kernel.errors import DomainError
from psychometrics.classification import livingston_lewis
from tests.psychometrics import lsat
from web.analysis.command import analyse
from web.analysis.findings import MEANINGS, explain


@pytest.fixture
def run(tmp_path: Path):
    """Analyse a sheet and return the report."""

    def analyse_text(responses: str | bytes, key: str | None = None, *options: str) -> dict:
        data = responses if isinstance(responses, bytes) else responses.encode()
        (tmp_path / "responses.csv").write_bytes(data)
        arguments = [str(tmp_path / "responses.csv"), "--out", str(tmp_path / "report.json"), *options]
        if key is not None:
            (tmp_path / "key.csv").write_text(key, encoding="utf-8")
            arguments += ["--key", str(tmp_path / "key.csv")]
        result = CliRunner().invoke(analyse, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads((tmp_path / "report.json").read_text("utf-8"))

    return analyse_text


def lsat_sheet(table: str) -> str:
    rows = [",".join([f"c{number}", *(f"{mark:.0f}" for mark in row)]) for number, row in enumerate(lsat.scores(table))]
    return "\n".join(["candidate,i1,i2,i3,i4,i5", *rows]) + "\n"


def test_the_lsat_table_gives_the_published_classical_figures(run):
    report = run(lsat_sheet(lsat.LSAT6))
    assert report["n_candidates"] == 1000
    assert report["n_items"] == 5
    assert report["test"]["alpha"] == pytest.approx(0.295, abs=1e-5)
    assert report["test"]["kr20"] == report["test"]["alpha"]
    assert report["test"]["mean"] == pytest.approx(3.819)
    assert report["test"]["sd"] ** 2 == pytest.approx(1.07131, abs=1e-5)
    assert [item["facility"] for item in report["items"]] == [0.924, 0.709, 0.553, 0.763, 0.870]
    rest = [item["item_rest_correlation"] for item in report["items"]]
    assert rest == pytest.approx([0.1128, 0.1532, 0.1728, 0.1444, 0.1216], abs=5e-5)


def test_calibration_puts_parameters_errors_and_convergence_into_the_report(run):
    report = run(lsat_sheet(lsat.LSAT7), None, "--model", "2pl")
    a = [item["a"] for item in report["items"]]
    b = [item["b"] for item in report["items"]]
    assert a == pytest.approx([0.98755, 1.08084, 1.70748, 0.76499, 0.73567], abs=1e-3)
    assert b == pytest.approx([-1.87926, -0.74754, -1.05724, -0.63530, -2.52076], abs=1e-3)
    assert report["items"][0]["se"]["a"] == pytest.approx(0.177, abs=5e-4)
    assert report["model"]["converged"] is True
    assert report["model"]["log_likelihood"] == pytest.approx(-2658.805, abs=1e-3)
    assert report["model"]["n_parameters"] == 10


@pytest.mark.parametrize(("model", "has_guessing"), [("rasch", False), ("3pl", True)])
def test_other_models_report_what_they_have(run, model, has_guessing):
    items = run(lsat_sheet(lsat.LSAT6), None, "--model", model)["items"]
    assert (items[0]["c"] is not None) is has_guessing
    assert (len({item["a"] for item in items}) == 1) is not has_guessing


SHEET = """考生,Q1,Q2,Q3,Q4
1001,B,A;C,铁,2
1002,b,CA,Fe,2.0
1003,A,A,,NR
1004,C,C;A,铜,3
1005,B,,铁,NR
1006,B,A;C,fe,２
"""
KEY = "item,key,score\nQ1,B,1\nQ2,A;C,2\nQ3,铁|Fe,1\nQ4,2,1.5\n"


def test_fit_figures_stand_beside_the_parameters(run):
    report = run(lsat_sheet(lsat.LSAT7), None, "--model", "2pl")
    assert [item["fit"]["s_x2"] for item in report["items"]] == pytest.approx(
        [4.751, 14.453, 1.273, 5.236, 0.941], abs=2e-3
    )
    assert [item["item"] for item in report["items"] if "misfit" in item["flags"]] == ["i2"]
    assert all(0.4 < item["fit"]["outfit"] < 1.3 for item in report["items"])
    assert report["model"]["dependent_pairs"] == []


def test_items_that_share_more_than_ability_are_named_as_a_pair(run):
    rng = np.random.default_rng(2)
    ability = rng.normal(size=(600, 1))
    scores = (rng.random((600, 16)) < 1 / (1 + np.exp(-ability - np.linspace(-1, 1, 16)))).astype(int)
    scores[:, 1] = np.where(rng.random(600) < 0.6, scores[:, 0], scores[:, 1])
    sheet = "\n".join(
        [",".join(["candidate", *(f"i{n}" for n in range(16))])]
        + [",".join([str(n), *map(str, row)]) for n, row in enumerate(scores)]
    )
    report = run(sheet, None, "--model", "rasch")
    assert report["model"]["dependent_pairs"][0]["items"] == ["i0", "i1"]
    assert "dependent_on:i1" in report["items"][0]["flags"]


def test_weights_say_what_was_meant_to_count_and_what_did(run):
    report = run("candidate,a,b\nx,1,0\ny,0,3\nz,1,3\nw,0,0\n", "item,key,score\na,,1\nb,,3\n")
    assert [item["intended_weight"] for item in report["items"]] == [25, 75]
    assert sum(item["effective_weight"] for item in report["items"]) == pytest.approx(100)


def test_omitted_counts_as_wrong_and_not_reached_does_not_count(run):
    found = {item["item"]: item for item in run(SHEET, KEY)["items"]}
    assert [found[name]["n"] for name in ("Q1", "Q2", "Q3", "Q4")] == [6, 6, 6, 4]
    assert [found[name]["n_omitted"] for name in ("Q2", "Q3", "Q4")] == [1, 1, 0]
    assert found["Q4"]["n_not_reached"] == 2
    assert found["Q1"]["facility"] == pytest.approx(4 / 6, abs=1e-6)
    assert found["Q2"]["facility"] == pytest.approx(4 / 6, abs=1e-6)
    assert found["Q3"]["facility"] == pytest.approx(4 / 6, abs=1e-6)
    assert found["Q4"]["facility"] == pytest.approx(3 / 4)
    assert found["Q2"]["max_score"] == 2


def test_each_option_of_a_multiple_choice_is_counted(run):
    found = {item["item"]: item for item in run(SHEET, KEY)["items"]}
    assert {name: one["n"] for name, one in found["Q1"]["options"].items()} == {"A": 1, "B": 4, "C": 1}
    assert {name: one["n"] for name, one in found["Q2"]["options"].items()} == {"A": 5, "C": 4}
    assert found["Q2"]["options"]["A"]["share"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["Q1"]["options"]["B"]["key"] is True


def test_option_correlations_are_against_the_total(run):
    report = run(SHEET, KEY)
    totals = np.array([1 + 2 + 1 + 1.5, 1 + 2 + 1 + 1.5, 0, 2, 1 + 1, 1 + 2 + 1 + 1.5])
    chosen = np.array([1, 1, 0, 0, 1, 1])
    expected = np.corrcoef(chosen, totals)[0, 1]
    assert report["items"][0]["options"]["B"]["point_biserial"] == pytest.approx(expected, abs=1e-6)
    assert report["items"][0]["item_total_correlation"] == pytest.approx(expected, abs=1e-6)


def test_a_distractor_that_beats_the_key_is_flagged_by_name(run):
    rng = np.random.default_rng(1)
    ability = rng.normal(size=200)
    rows = ["candidate," + ",".join(f"q{j}" for j in range(10))]
    for person in range(200):
        knows = rng.random(10) < 1 / (1 + np.exp(-1.5 * ability[person]))
        rows.append(f"{person}," + ",".join("B" if know else str(rng.choice(list("ACD"))) for know in knows))
    key = "item,key\n" + "\n".join(f"q{j},{'A' if j == 3 else 'B'}" for j in range(10))
    items = run("\n".join(rows), key)["items"]
    assert "possible_wrong_key:B" in items[3]["flags"]
    assert "negative_discrimination" in items[3]["flags"]
    assert not any("possible_wrong_key" in flag for item in items if item["item"] != "q3" for flag in item["flags"])


def test_without_a_key_the_cells_are_scores_and_part_marks_count(run):
    report = run("c,a,b,e\n1,2,1,0.5\n2,1,0,0\n3,0,1,0.5\n4,2,,1\n")
    assert report["items"][0]["facility"] == pytest.approx(5 / 8)
    assert report["items"][0]["max_score"] == 2
    assert "maximum_observed" in report["items"][0]["flags"]
    assert report["items"][1]["n_omitted"] == 1
    assert report["test"]["kr20"] is None
    assert "not_dichotomous" in report["test"]["flags"]


@pytest.mark.parametrize(
    ("sheet", "flag"),
    [
        ("c,a,b,e\n1,1,0,1\n2,1,1,0\n3,1,0,0\n4,1,1,1\n", "all_correct"),
        ("c,a,b,e\n1,0,0,1\n2,0,1,0\n3,0,0,0\n4,0,1,1\n", "all_wrong"),
        ("c,a,b,e\n1,NR,0,1\n2,NR,1,0\n3,NR,0,0\n4,NR,1,1\n", "nobody_reached"),
        ("c,a,b,e\n1,1,0,1\n2,0,1,1\n", "too_few_candidates"),
        ("c,a,b\n1,1,0\n2,0,1\n3,1,0\n4,0,1\n", "no_spread_in_totals"),
    ],
)
def test_what_the_data_cannot_carry_is_null_with_a_reason(run, sheet, flag):
    item = run(sheet)["items"][0]
    assert flag in item["flags"]
    assert item["item_rest_correlation"] is None or flag == "no_spread_in_totals"
    assert None in (item["item_rest_correlation"], item["discrimination_27"])


def test_a_single_candidate_costs_no_traceback_and_no_invented_figure(run):
    report = run("c,a,b\n1,1,0\n", None, "--model", "2pl")
    assert report["test"]["alpha"] is report["test"]["sd"] is report["test"]["sem"] is None
    assert "too_few_candidates" in report["test"]["flags"]
    assert "too_few_for_model" in report["model"]["flags"]
    assert report["model"]["converged"] is False
    assert report["items"][0]["a"] is None
    assert "not_calibrated" in report["items"][0]["flags"]


def test_items_that_cannot_be_calibrated_are_left_out_and_said_so(run):
    rows = [f"{n},{','.join(f'{mark:.0f}' for mark in row)},1" for n, row in enumerate(lsat.scores(lsat.LSAT7))]
    report = run("\n".join(["c,1,2,3,4,5,6", *rows]), None, "--model", "rasch")
    assert report["items"][5]["a"] is None
    assert {"all_correct", "not_calibrated"} <= set(report["items"][5]["flags"])
    assert report["model"]["n_items"] == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_sheets_come_in_the_encodings_that_offices_write(run, encoding):
    assert run(SHEET.encode(encoding), KEY)["items"][0]["item"] == "Q1"


BAD = [
    ("c,a\n1,x\n", None, "“a”列是“x”"),
    ("c,a\n1,-1\n", None, "“a”列是“-1”"),
    ("c,a,b\n1,1\n", None, "第 2 行：有 2 格，表头有 3 格"),
    ("c,a,a\n1,1,1\n", None, "第 3 列"),
    ("c,a\n7,1\n7,0\n", None, "第 3 行第 1 列：考生“7”"),
    ("c\n1\n", None, "表头"),
    ("c,a\n", None, "没有考生"),
    ("", None, "表头"),
    ("c,a\n1,1\n", "item,key\nb,A\n", "缺少“a”列的答案"),
    ("c,a\n1,A\n", "item,key\na,A\na,B\n", "第 3 行：题号“a”"),
    ("c,a\n1,A\n", "item,key,score\na,A,零\n", "第 2 行第 3 列：分值“零”"),
    ('c,a\n1,"A\n', None, "CSV"),
    ("c,a\n1,5\n", "item,key,score\na,,4\n", "“a”列是“5”"),
    (b"\x00\x01\x02PK", None, "responses.csv"),
]


@pytest.mark.parametrize(("sheet", "key", "said"), BAD)
def test_bad_input_is_refused_with_file_row_and_column(run, sheet, key, said):
    with pytest.raises(DomainError) as refusal:
        run(sheet, key)
    assert said in str(refusal.value)
    assert ".csv" in str(refusal.value)


def test_a_key_without_a_head_and_with_more_items_is_understood(run):
    report = run("c,a,b\n1,A,B\n2,A,C\n3,D,B\n", "a,A\nb,B\nz,C\n")
    assert [item["facility"] for item in report["items"]] == pytest.approx([2 / 3, 2 / 3], abs=1e-6)


def test_free_text_lists_the_commonest_answers_alone(run):
    rows = "".join(f"{n},答案{n if n > 5 else 1}\n" for n in range(40))
    item = run("c,a\n" + rows, "a,答案1\n")["items"][0]
    assert len(item["options"]) == 12
    assert item["options"]["答案1"] == item["options"]["答案1"] | {"n": 6, "key": True}
    assert "options_truncated" in item["flags"]


def test_the_html_report_stands_alone_and_speaks_plainly(run, tmp_path):
    hostile = SHEET.replace("铜", "<script>x</script>").replace("Q1", "Q1<b>")
    run(hostile, KEY.replace("Q1", "Q1<b>"), "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "Q1<b>" not in page
    assert "Q1&lt;b&gt;" in page
    assert not re.search(r"""(src|href|@import|url\()""", page)
    assert page.count("<svg") >= 3
    assert "信度" in page
    assert "区分度" in page


@pytest.mark.parametrize("model", ["rasch", "2pl", "3pl"])
def test_the_html_report_shows_a_calibration(run, tmp_path, model):
    run(lsat_sheet(lsat.LSAT7), None, "--model", model, "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "对数似然" in page
    assert "测验信息函数" in page


def test_the_html_report_of_almost_nothing_is_still_a_page(run, tmp_path):
    run("c,a\n1,1\n", None, "--model", "2pl", "--html", str(tmp_path / "report.html"))
    assert "算不出信度" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("code", MEANINGS)
def test_every_flag_has_a_sentence_that_ends(code):
    found = explain(f"{code}:B" if "%(what)s" in MEANINGS[code].text else code)
    assert found.text.endswith("。")
    assert "%(" not in found.text
    assert found.label


def test_a_missing_file_is_wrong_usage(tmp_path):
    assert CliRunner().invoke(analyse, [str(tmp_path / "no.csv"), "--out", "x"]).exit_code == 2


def test_the_page_can_be_written_in_english_with_every_finding_and_chart(run, tmp_path):
    run(SHEET, KEY, "--html", str(tmp_path / "en.html"), "--lang", "en", "--model", "rasch")
    page = (tmp_path / "en.html").read_text("utf-8")
    assert 'lang="en"' in page
    assert "Item and test analysis" in page
    ours = re.sub(r"[\u3000-\u303f\uff00-\uffef]|铁|铜|考生", "", page)
    assert re.findall(r"[\u4e00-\u9fff]+", ours) == []


def test_the_report_says_how_sure_pass_and_fail_are_and_whether_time_was_enough(run, tmp_path):
    rng = np.random.default_rng(3)
    right = (rng.random((200, 40)) < 1 / (1 + np.exp(np.linspace(-1, 1, 40) - rng.normal(0.4, 1, (200, 1))))).astype(
        int
    )
    head = ",".join(["candidate", *(f"Q{j}" for j in range(40))])
    rows = [",".join([f"c{row}", *map(str, marks)]) for row, marks in enumerate(right)]
    calm = run("\n".join([head, *rows]) + "\n", None, "--html", str(tmp_path / "o.html"))["test"]
    totals = right.sum(axis=1)
    wanted = livingston_lewis(totals, 24, calm["alpha"], min_score=0, max_score=40)
    decision = calm["decision"]
    assert (decision["cut"], decision["consistency"]) == (24, pytest.approx(wanted.consistency, abs=1e-4))
    assert decision["accuracy"] == pytest.approx(1 - decision["false_positive"] - decision["false_negative"], abs=1e-4)
    assert decision["conditional_sem"] == pytest.approx(np.sqrt(24 * 16 / 39), abs=1e-4)
    assert (calm["speededness"]["finished"], "speeded" in calm["flags"]) == (1, False)
    assert "合格判定一致性" in (tmp_path / "o.html").read_text("utf-8")
    hurried = [row.rsplit(",", 12)[0] + ",NR" * 12 if number % 3 else row for number, row in enumerate(rows)]
    found = run("\n".join([head, *hurried]) + "\n")["test"]
    assert found["speededness"]["finished"] == pytest.approx(67 / 200)
    assert "speeded" in found["flags"]
    few = run("\n".join([head, *rows[:20]]) + "\n")["test"]
    assert few["decision"] is None, "twenty persons carry no such figure"
