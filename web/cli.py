"""The command line: ``kaoku``. Exit status 0 done, 1 refused or incomplete, 2 wrong usage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError, ProgrammingError

from kernel.clock import OFFICIAL_ZONE
from kernel.errors import DomainError
from kernel.settings import Settings, SettingsError

COMMAND_SOURCES = ("qbank.cli", "blueprints.cli", "certification.cli", "web.analysis.command")


class LazyApp:
    """The application, built when the first command needs it: commands without a database start at once."""

    def __init__(self) -> None:
        self._app: Flask | None = None

    def get(self) -> Flask:
        """Return the application of the environment's settings."""
        if self._app is None:
            from web.app import create_app

            self._app = create_app()
        return self._app


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kaoku", prog_name="kaoku")
@click.pass_context
def cli(context: click.Context) -> None:
    """考库：题库、组卷、在线考试与证书管理。"""
    context.obj = LazyApp()


def in_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside the application's context."""

    @wraps(command)
    @click.pass_obj
    def run(lazy: LazyApp, *args: Any, **kwargs: Any) -> Any:
        with lazy.get().app_context():
            try:
                return command(*args, **kwargs)
            except (OperationalError, ProgrammingError) as exc:
                from web import database as schema

                if schema.is_current():
                    raise
                raise SettingsError("数据库还没有建立，或者还是旧版结构。请先运行 kaoku db upgrade") from exc

    return run


@cli.group("db")
def database() -> None:
    """管理数据库结构。"""


@database.command("upgrade")
@in_app
def db_upgrade() -> None:
    """把数据库升级到最新结构（可重复执行）。"""
    from web import database as schema

    schema.upgrade()
    schema.load_reference_data()
    present, newest = schema.revisions()
    click.echo(f"数据库已是最新版本：{present or newest}", err=True)


@cli.command("serve")
@click.option("--bind", default=None, help="HOST:PORT，默认取自 KAOKU_BIND。")
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="网页进程数。")
def serve(bind: str | None, workers: int | None) -> None:
    """启动网站与后台任务进程。"""
    from web.serve import serve as run

    sys.exit(run(Settings.from_env(), bind=bind, workers=workers))


@cli.command("worker")
@click.pass_obj
def worker(lazy: LazyApp) -> None:
    """只启动后台任务进程（kaoku serve 已自带）。"""
    from kernel.jobs.worker import main as run

    run(lazy.get())


@cli.command("demo")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def demo(port: int) -> None:
    """装入演示数据并启动网站，打印地址与演示账号。"""
    from web.demo.load import run

    sys.exit(run(port))


@cli.command("simulate")
@click.option("--candidates", "n_candidates", type=click.IntRange(1, 20_000), required=True, help="考生人数。")
@click.option("--items", "n_items", type=click.IntRange(1, 1000), default=100, show_default=True, help="试题数。")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
@click.option("--organisation", "organisation_code", default=None, help="机构代码，默认为唯一的机构。")
@in_app
def simulate(n_candidates: int, n_items: int, out: Path, organisation_code: str | None) -> None:
    """建立一个正在进行的模拟场次，把准考证号和证件号码写入 CSV。"""
    from web.simulation import simulate as run

    def say(text: str) -> None:
        click.echo(text, err=True)

    made = run(n_candidates, n_items, out, organisation_code=organisation_code, say=say)
    say(f"完成：机构 {made.organisation_code}，标准 {made.standard_code}，用时 {made.seconds:.1f} 秒，名单 {out}")


@cli.group("user")
def user() -> None:
    """管理用户。"""


@user.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="角色，如 editor、reviewer；可写多次。")
@click.option("--organisation", "organisation_code", default=None, help="机构代码。")
@in_app
def user_add(name: str, roles: tuple[str, ...], organisation_code: str | None) -> None:
    """新建用户，打印一次性密码。"""
    from web.accounts import add_user

    click.echo(add_user(name, roles, organisation_code))


@cli.group("audit")
def audit_group() -> None:
    """审计记录。"""


@audit_group.command("verify")
@in_app
def audit_verify() -> None:
    """核对审计链；指出第一处断裂。"""
    from kernel import audit
    from kernel.db import db

    result = audit.verify(db.session())
    if result.broken:
        click.echo(f"审计链在第 {result.broken.seq} 条断裂：{result.broken.reason}", err=True)
        sys.exit(1)
    click.echo(f"审计链完整：{result.n_events} 条，末端 {result.head_hash}", err=True)


class DefaultGroup(click.Group):
    """A group whose first word may also be the argument of its command ``write``: `kaoku backup OUT`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of what names none."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["write", *args]
        return super().parse_args(ctx, args)


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
passphrase_option = click.option("--passphrase-file", type=FILE, default=None, help="写有口令的文件。")


def passphrase_in(file: Path | None) -> str:
    """Return the passphrase of a file, or nothing."""
    from web.backup.envelope import read_passphrase

    return read_passphrase(file) if file else ""


@cli.group("backup", cls=DefaultGroup, subcommand_metavar="OUT | verify FILE")
def backup_group() -> None:
    """备份整个安装（kaoku backup OUT），或核对备份（kaoku backup verify FILE）。"""


@backup_group.command("write")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="主密钥另存到此文件，备份中不含主密钥。",
)
@passphrase_option
@click.pass_obj
def backup_write(lazy: LazyApp, out: Path, keys: Path | None, passphrase_file: Path | None) -> None:
    """备份整个安装到一个新文件（可在运行中进行）。"""
    from web.backup.command import write

    manifest = write(lazy.get(), out, keys=keys, passphrase=passphrase_in(passphrase_file))
    click.echo(f"已备份到 {out}（{len(manifest.digests)} 个文件，{sum(manifest.rows.values())} 行）", err=True)
    if keys:
        click.echo(f"主密钥在 {keys}：请与备份分开保管，两者齐全才能恢复", err=True)
    elif not passphrase_file:
        click.echo("备份中含有主密钥，得到它的人能打开封存试卷；分开存放用 --keys，加密用 --passphrase-file", err=True)


@backup_group.command("verify")
@click.argument("source", type=FILE)
@passphrase_option
def backup_verify(source: Path, passphrase_file: Path | None) -> None:
    """读一遍备份，核对每个文件的摘要；不写任何内容。"""
    from web.backup.archive import check_archive

    manifest = check_archive(source, passphrase=passphrase_in(passphrase_file))
    made_at = datetime.fromisoformat(manifest.created_at).astimezone(OFFICIAL_ZONE)
    key = "含主密钥" if manifest.has_key else "不含主密钥"
    click.echo(
        f"备份完整：{made_at:%Y-%m-%d %H:%M:%S}（北京时间）备份，{manifest.engine}，结构版本 {manifest.revision or '未记录'}，"
        f"{len(manifest.digests)} 个文件，{sum(manifest.rows.values())} 行，{key}",
        err=True,
    )


@cli.command("restore")
@click.argument("source", type=FILE)
@click.option("--keys", type=FILE, default=None, help="分开存放的主密钥文件。")
@passphrase_option
@click.option("--drill", "is_drill", is_flag=True, help="只演练：恢复到临时位置，核对后丢弃；可在运行中进行。")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), default=None, help="演练报告（JSON）。")
def restore(
    source: Path, keys: Path | None, passphrase_file: Path | None, *, is_drill: bool, report: Path | None
) -> None:
    """恢复到一个空的安装；--drill 只演练。"""
    from web.backup.command import rehearse
    from web.backup.restoring import restore as run

    settings, passphrase = Settings.from_env(), passphrase_in(passphrase_file)
    if is_drill:
        sys.exit(0 if rehearse(settings, source, keys=keys, passphrase=passphrase, report=report) else 1)
    if report:
        raise click.UsageError("--report 与 --drill 一起使用")
    manifest = run(settings, source, keys=keys, passphrase=passphrase)
    click.echo(f"已恢复 {manifest.created_at} 的备份。请运行 kaoku db upgrade 和 kaoku doctor", err=True)


@cli.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="在标准输出打印 JSON。")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), default=None, help="同样的 JSON 写入文件。")
@click.pass_obj
def doctor(lazy: LazyApp, *, as_json: bool, report: Path | None) -> None:
    """检查安装是否可用：每项一行，附处理办法；有 FAIL 时退出码为 1。"""
    import json

    from web import doctor as checking

    checks = checking.run_checks(lazy.get())
    text = json.dumps(checking.as_json(checks), ensure_ascii=False, indent=1)
    if report:
        report.write_text(text, encoding="utf-8")
    for line in [text] if as_json else map(checking.line, checks):
        click.echo(line)
    sys.exit(0 if all(check.ok for check in checks) else 1)


def _add_component_commands() -> None:
    """Mount the commands of the components; those marked `needs_app` run inside the application's context."""
    from web.app import part

    for source in COMMAND_SOURCES:
        module = part(source)
        for command in getattr(module, "commands", ()):
            cli.add_command(_inside_app(command) if command.name in getattr(module, "NEEDS_APP", ()) else command)


def _inside_app(command: click.Command) -> click.Command:
    """Wrap a command, or every command of a group, so that it runs inside the application's context."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _inside_app(child)
    elif command.callback is not None:
        command.callback = in_app(command.callback)
    return command


def main() -> None:
    """Run the command line; a refusal is one line on standard error, never a traceback."""
    _add_component_commands()
    try:
        cli.main(prog_name="kaoku")
    except (DomainError, SettingsError) as exc:
        click.echo(f"错误：{exc}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
