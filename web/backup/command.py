"""What ``kaoku backup`` and ``kaoku restore --drill`` do beyond the work itself: note it, and say what was found."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import monotonic
from kernel.settings import Settings
from web.backup.archive import Manifest
from web.backup.drill import drill
from web.backup.schedule import note_backup
from web.backup.writing import backup


def write(app: Flask, out: Path, *, keys: Path | None, passphrase: str) -> Manifest:
    """Write a backup and note it in the audit chain; a database that takes no more rows keeps nobody from a backup."""
    started = monotonic()
    manifest = backup(app, out, keys=keys, passphrase=passphrase)
    with app.app_context():
        try:
            note_backup(out, monotonic() - started)
        except SQLAlchemyError as exc:
            click.echo(f"备份已完成，但没能记入审计：{type(exc).__name__}", err=True)
    return manifest


def rehearse(settings: Settings, source: Path, *, keys: Path | None, passphrase: str, report: Path | None) -> bool:
    """Run a restore drill, print what it proved, and return whether the backup could be restored."""
    found = drill(settings, source, keys=keys, passphrase=passphrase)
    for proof in found.proofs:
        click.echo(f"{'ok  ' if proof.ok else 'FAIL'} {proof.name}: {proof.text}")
    click.echo(f"{'可以恢复' if found.ok else '不能恢复'}，用时 {found.seconds} 秒", err=True)
    if report:
        report.write_text(json.dumps(found.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    return found.ok
