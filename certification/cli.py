"""Commands of certification: packs of evidence."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Protocol

import click
from flask import Flask


class LazyApp(Protocol):
    """What the command line hands over: the application, built when it is first asked for."""

    def get(self) -> Flask:
        """Return the application."""


@click.group("evidence")
def evidence_group() -> None:
    """证据包：制作、验证。"""


@evidence_group.command("make")
@click.option("--batch", "batch_code", required=True, help="认定批次代码。")
@click.option("--candidate", "admission_number", default=None, help="准考证号；不写则为整批。")
@click.option("--personal", "is_personal", is_flag=True, help="含姓名、证件号码（记入审计）。")
@click.option("--content", "has_content", is_flag=True, help="含试题、答案和考生所见试卷（记入审计）。")
@click.option("--organisation", "organisation_code", default=None, help="机构代码，默认为唯一的机构。")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
@click.pass_obj
def make(
    lazy: LazyApp, batch_code: str, admission_number: str | None, organisation_code: str | None, out: Path, *,
    is_personal: bool, has_content: bool,
) -> None:  # fmt: skip
    """制作证据包并写入文件；缺少的环节逐条列出。"""
    from certification.services.evidence import make_now
    from certification.services.evidence_entries import PackScope
    from kernel.identity.actor import system_actor
    from kernel.uow import unit_of_work

    scope = PackScope(is_personal=is_personal, has_content=has_content)
    with lazy.get().app_context():
        actor = system_actor(_organisation_id(organisation_code), name="kaoku evidence")
        with unit_of_work(actor) as uow:
            made = make_now(uow, batch_code, admission_number, scope)
    out.write_bytes(made.content)
    for text in made.missing:
        click.echo(f"缺少：{text}", err=True)
    click.echo(f"已写入 {out}：{made.n_entries} 条，密钥 {made.kid}", err=True)
    sys.exit(1 if made.missing else 0)


def _organisation_id(code: str | None) -> uuid.UUID:
    """Return the organisation named, or the only one."""
    from kernel.db import db
    from kernel.errors import InvalidInputError
    from kernel.i18n import N_
    from kernel.identity.repository import list_organisations

    known = [row for row in list_organisations(db.session()) if code in (None, row.code)]
    if len(known) != 1:
        raise InvalidInputError(N_("请用 --organisation 指明机构代码"))
    return known[0].organisation_id


@evidence_group.command("verify")
@click.argument("pack", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="发证机构公布的公钥文件。")
@click.option("--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="把结果写成 JSON。")
def verify(pack: Path, keys: Path | None, report: Path | None) -> None:
    """离线验证证据包；指出每一处改动。"""
    from certification.verifier import kaoku_verify

    options = [str(pack)]
    options += ["--keys", str(keys)] if keys else []
    options += ["--report", str(report)] if report else []
    sys.exit(kaoku_verify.main(options))


@evidence_group.command("verifier")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
def verifier(out: Path) -> None:
    """写出独立的验证程序，只需要 Python。"""
    from certification.verifier import kaoku_verify

    out.write_bytes(Path(kaoku_verify.__file__).read_bytes())
    click.echo(f"已写入 {out}", err=True)


commands = (evidence_group,)
