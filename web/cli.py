"""The command line: ``kaoku``. Exit status 0 done, 1 refused or incomplete, 2 wrong usage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask

from kernel.errors import DomainError
from kernel.settings import Settings, SettingsError

COMMAND_SOURCES = ("qbank.cli", "blueprints.cli", "web.analysis.command")


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
            return command(*args, **kwargs)

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


@cli.command("backup")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(lazy: LazyApp, out: Path) -> None:
    """备份整个安装（可在运行中进行）。"""
    from web.backup import backup as run

    run(lazy.get(), out)
    click.echo(f"已备份到 {out}", err=True)


@cli.command("restore")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """恢复到一个空的安装。"""
    from web.backup import restore as run

    run(Settings.from_env(), source)
    click.echo("已恢复", err=True)


@cli.command("doctor")
@click.pass_obj
def doctor(lazy: LazyApp) -> None:
    """检查设置、数据库、迁移、时钟、字体、磁盘与任务进程。"""
    from web.doctor import run_checks

    checks = run_checks(lazy.get())
    for check in checks:
        click.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.text}")
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
