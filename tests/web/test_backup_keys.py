"""Backups without the root secret, and encrypted ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask

from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.settings import Settings
from web.app import create_app
from web.backup import backup, restore
from web.backup.archive import check_archive
from web.backup.envelope import BLOCK, MAGIC, OpeningReader, SealingWriter, read_passphrase
from web.cli import cli

SECRET = "the root secret of a test, long enough"
OTHER = "another secret than the one of the backup"
PASSPHRASE = "correct horse battery"


@pytest.fixture
def scratch_database_url(embedded_database_url: str) -> str:
    """The embedded database: keys and encryption do not differ by engine."""
    return embedded_database_url


@pytest.fixture
def installation(tmp_path: Path, scratch_database_url: str):
    folder = tmp_path / "old"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "picture").write_bytes(b"a picture of the test")
    (folder / "secret_key").write_text(SECRET)
    app: Flask = create_app(Settings(instance_dir=folder, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def place(tmp_path: Path, secret: str) -> Settings:
    folder = tmp_path / "new"
    return Settings(instance_dir=folder, database_url=f"sqlite:///{folder / 'kaoku.sqlite3'}", secret_key=secret)


def test_keys_kept_apart_are_in_their_own_file_and_nowhere_in_the_backup(installation, tmp_path):
    out, keys = tmp_path / "backup.tar", tmp_path / "keys"
    manifest = backup(installation, out, keys=keys)
    assert keys.read_text() == SECRET
    assert keys.stat().st_mode & 0o077 == 0
    assert not manifest.has_key
    assert SECRET.encode() not in out.read_bytes()


def test_a_file_of_keys_is_never_overwritten(installation, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("the keys of another house")
    with pytest.raises(ConflictError):
        backup(installation, tmp_path / "backup.tar", keys=keys)
    assert not (tmp_path / "backup.tar").exists()


def test_an_encrypted_backup_shows_nothing_and_opens_with_its_passphrase_alone(installation, tmp_path):
    out = tmp_path / "backup.sealed"
    backup(installation, out, passphrase=PASSPHRASE)
    assert b"a picture of the test" not in out.read_bytes()
    assert check_archive(out, passphrase=PASSPHRASE).has_key
    with pytest.raises(InvalidInputError, match="口令不对"):
        check_archive(out, passphrase="another horse battery")
    with pytest.raises(InvalidInputError, match="--passphrase-file"):
        check_archive(out)


def test_a_changed_byte_of_a_plain_backup_is_found_by_verify(installation, tmp_path):
    out = tmp_path / "backup.tar"
    backup(installation, out)
    data = out.read_bytes()
    out.write_bytes(data.replace(b"a picture of the test", b"A picture of the test"))
    with pytest.raises(InvalidInputError, match="picture 已损坏"):
        check_archive(out)


def test_verify_says_the_moment_in_chinas_time(installation, tmp_path):
    out = tmp_path / "backup.tar"
    with time_machine.travel("2026-11-23T16:37:19Z", tick=False):
        backup(installation, out)
    done = CliRunner().invoke(cli, ["backup", "verify", str(out)])
    assert done.exit_code == 0, done.output
    assert "2026-11-24 00:37:19（北京时间）" in done.output


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_is_sealed_comes_back_whatever_its_length(size):
    target, data = io.BytesIO(), bytes(range(251)) * (size // 251 + 1)
    writer = SealingWriter(target, PASSPHRASE)
    writer.write(data[: size // 3])
    writer.write(data[size // 3 : size])
    writer.close()
    assert OpeningReader(io.BytesIO(target.getvalue()), PASSPHRASE).read() == data[:size]


def sealed_blocks() -> tuple[bytes, list[bytes]]:
    target = io.BytesIO()
    writer = SealingWriter(target, PASSPHRASE)
    writer.write(b"x" * (2 * BLOCK + 5))
    writer.close()
    raw, head, step = target.getvalue(), len(MAGIC) + 23, BLOCK + 16
    return raw[:head], [raw[head : head + step], raw[head + step : head + 2 * step], raw[head + 2 * step :]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0, 2), (0, 2), (0, 1, 2, 2), ()])
def test_blocks_that_were_cut_off_swapped_or_repeated_are_refused(order):
    head, blocks = sealed_blocks()
    changed = head + b"".join(blocks[n] for n in order)
    with pytest.raises(InvalidInputError):
        OpeningReader(io.BytesIO(changed), PASSPHRASE).read()


def test_a_short_passphrase_is_refused(tmp_path):
    file = tmp_path / "passphrase"
    file.write_text("short\n")
    with pytest.raises(InvalidInputError, match="至少需要 12"):
        read_passphrase(file)


def test_the_file_of_keys_completes_the_installation(installation, tmp_path):
    out, keys = tmp_path / "backup.tar", tmp_path / "keys"
    backup(installation, out, keys=keys)
    new = place(tmp_path, OTHER)
    new.instance_dir.mkdir()
    (new.instance_dir / "secret_key").write_text(OTHER)  # made by the first command in the new place
    restore(new, out, keys=keys)
    assert (new.instance_dir / "secret_key").read_text() == SECRET
    assert (new.instance_dir / "secret_key").stat().st_mode & 0o077 == 0


def test_the_key_of_the_environment_completes_it_too(installation, tmp_path):
    backup(installation, tmp_path / "backup.tar", keys=tmp_path / "keys")
    restore(place(tmp_path, SECRET), tmp_path / "backup.tar")
    assert (tmp_path / "new" / "media" / "picture").exists()


def test_without_the_key_nothing_is_restored_and_the_way_out_is_said(installation, tmp_path):
    backup(installation, tmp_path / "backup.tar", keys=tmp_path / "keys")
    with pytest.raises(InvalidInputError, match="--keys"):
        restore(place(tmp_path, OTHER), tmp_path / "backup.tar")
    assert not (tmp_path / "new" / "media").exists()


def test_the_keys_of_another_house_are_refused(installation, tmp_path):
    backup(installation, tmp_path / "backup.tar", keys=tmp_path / "keys")
    (tmp_path / "wrong").write_text(OTHER)
    with pytest.raises(InvalidInputError, match="--keys"):
        restore(place(tmp_path, SECRET), tmp_path / "backup.tar", keys=tmp_path / "wrong")
