"""How the pictures of the ledger's guides are reached: results from outside, what the centre reads, proofs of a certificate."""

from __future__ import annotations

from picture_seat import JOB_MS, Seat, here
from playwright.sync_api import FilePayload

from kernel.spreadsheets import read_table

N_ROWS = 6
CSV = "text/csv"


def take_results_in(seat: Seat) -> None:
    """The officer opens a batch before theory, and takes in a file: first one with mistakes, then the mended one."""
    page = seat.sign_in("certification-officer").open("/certification/early-batches/")
    seat.shoot("early-batches")
    page.locator("summary", has_text="建立认定批次").first.click()
    page.get_by_role("alertdialog").get_by_role("button", name="建立认定批次").click()
    page.get_by_text("批次已建立").wait_for()
    seat.follow(r"/certification/inbound/batches/ID$")
    with page.expect_download() as taken:
        page.get_by_role("link", name="下载模板").click()
    rows = read_table(taken.value.path().read_bytes())[0].rows[2 : 2 + N_ROWS]
    people = [(row[0], row[1]) for row in rows]
    upload(seat, sheet(people, ["82", "101", "缺考", "良好", "76.5", "90"]))
    page.get_by_text("没有接收").first.wait_for()
    seat.shoot("inbound-problems")
    upload(seat, sheet(people, ["82", "71", "缺考", "68", "76.5", "90"]))
    page.get_by_text("待确认的成绩").first.wait_for(state="attached")
    seat.shoot("inbound-preview", top=".panel:has(h2:text('待确认'))")


def sheet(people: list[tuple[str, str]], scores: list[str]) -> bytes:
    """Return a filled-in sheet; one of the scores a candidate."""
    lines = [f"{number},{name},{score}" for (number, name), score in zip(people, scores, strict=True)]
    return "\n".join(["准考证号,姓名,理论知识成绩", *lines]).encode("utf-8-sig")


def upload(seat: Seat, data: bytes) -> None:
    """Fill in the form and send a file."""
    page = seat.page
    page.get_by_label("成绩来源").fill("省技能考场（演示）")
    file: FilePayload = {"name": "省技能考场成绩.csv", "mimeType": CSV, "buffer": data}
    page.get_by_label("填好的表").set_input_files(file)
    page.get_by_role("button", name="上传并核对").click()


def watch_the_bodies(seat: Seat) -> None:
    """The supervisor looks at batches with their deadlines, the return rates and the rules."""
    seat.sign_in("supervisor").open("/certification/batches/")
    seat.shoot("centre-batches")
    seat.open("/certification/return-rates/")
    seat.shoot("return-rates")
    seat.open("/certification/compliance-rules/")
    seat.shoot("compliance-rules")


def prove_a_certificate(seat: Seat) -> None:
    """The administrator's key, the officer's e-certificate and packs, and what the public sees of the signature."""
    page = seat.sign_in("organisation-admin").open("/certification/signing-keys/")
    seat.shoot("signing-keys")
    page.goto(f"{seat.url}/certification/webhooks/")
    page.get_by_label("名称").fill("省证书查询平台")
    page.get_by_label("推送地址").fill("https://partner.invalid/webhooks/kaoku")
    page.get_by_label("证书签发").check()
    page.get_by_label("证书暂停、恢复、换发、撤销").check()
    page.get_by_role("button", name="添加", exact=True).click()
    page.get_by_text("签名密钥只显示这一次").wait_for()
    page.goto(f"{seat.url}/certification/webhooks/")
    page.get_by_role("button", name="测试").first.click()
    page.get_by_text("已排队").wait_for()
    seat.shoot("webhooks")
    page.context.clear_cookies()
    page = seat.sign_in("certification-officer").open("/certification/certificates/")
    seat.follow(r"/certification/certificates/ID$")
    with page.expect_download() as taken:
        page.get_by_role("button", name="下载电子证书").click()
    certificate = here(page)
    packs = here(seat.follow(r"/evidence\?record=ID$"))
    page.get_by_role("button", name="制作证据包").click()
    for _second in range(JOB_MS // 1000):
        page.wait_for_timeout(1000)
        seat.open(packs)
        if page.get_by_role("button", name="下载").count():
            break
    seat.shoot("evidence-packs")
    page.goto(f"{seat.url}{certificate}")
    page.context.clear_cookies()
    page.goto(f"{seat.url}/certificates/statement")
    page.get_by_label("或上传电子证书 PDF").set_input_files(taken.value.path())
    page.get_by_role("button", name="验证").click()
    page.get_by_text("签名有效").wait_for()
    seat.shoot("e-certificate-check")
