"""A restore drill: everything a restore does, in a place that is thrown away, and what it proves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import monotonic
from kernel.db import prepare_engine
from kernel.disk import require_room
from kernel.i18n import N_
from kernel.settings import Settings
from web.backup.archive import DATABASE, FILES, ROOT_KEY_FILE, WORKINGS, Manifest, key_check, unpack
from web.backup.databases import empty_database, load, look_into
from web.backup.restoring import read_secret, require_engine


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that the drill looked at; the text is a message and what fills it, so that a page can translate it."""

    name: str
    ok: bool
    template: str
    context: dict[str, Any]

    @property
    def text(self) -> str:
        """The Chinese text with its placeholders filled."""
        return self.template % self.context


def _proof(name: str, template: str, *, ok: bool = True, **context: Any) -> Proof:
    return Proof(name, ok, template, context)


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill found, and how long a restore would take."""

    source: str
    created_at: str
    program: str
    engine: str
    seconds: float
    proofs: tuple[Proof, ...]

    @property
    def ok(self) -> bool:
        """Whether the backup could take the installation's place."""
        return all(proof.ok for proof in self.proofs)

    def as_json(self) -> dict[str, Any]:
        """Return the report for ``--report`` and for the job's result."""
        proofs = [{**asdict(proof), "text": proof.text} for proof in self.proofs]
        return {**asdict(self), "ok": self.ok, "proofs": proofs}


def drill(settings: Settings, source: Path, *, keys: Path | None = None, passphrase: str = "") -> DrillReport:
    """Restore a backup into a temporary place beside the installation, prove it, and throw the place away.

    The installation itself is not touched and may run. Raises InvalidInputError when the file is no backup or is damaged.
    """
    started = monotonic()
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    require_room(2 * source.stat().st_size, settings.instance_dir)
    with tempfile.TemporaryDirectory(dir=settings.instance_dir, prefix=WORKINGS) as name:
        folder = Path(name)
        manifest = unpack(source, folder, passphrase=passphrase)
        require_engine(settings, manifest)
        secret = read_secret(keys) if keys else ""
        if not secret and manifest.has_key:
            secret = read_secret(folder / FILES / ROOT_KEY_FILE)
        proofs = [_prove_files(manifest), _prove_key(manifest, secret or settings.secret_key)]
        with empty_database(settings, folder) as place:
            load(place, folder / DATABASE[manifest.engine])
            proofs += _prove_database(place, manifest)
    seconds = round(monotonic() - started, 2)
    return DrillReport(source.name, manifest.created_at, manifest.program, manifest.engine, seconds, tuple(proofs))


FILES_NAME, KEY_NAME, DATABASE_NAME, ROWS_NAME, CHAIN_NAME = (
    N_("文件"),
    N_("主密钥"),
    N_("数据库"),
    N_("行数"),
    N_("审计链"),
)


def _prove_files(manifest: Manifest) -> Proof:
    return _proof(FILES_NAME, N_("%(n)s 个文件，摘要全部相符"), n=len(manifest.digests))


def _prove_key(manifest: Manifest, secret: str) -> Proof:
    if not manifest.key_check:
        text = N_("旧格式的备份，只能看出主密钥在不在备份中")
        return _proof(KEY_NAME, text, ok=manifest.has_key)
    if key_check(secret) != manifest.key_check:
        text = N_("手头的主密钥不是这份备份的，封存的试卷和证件号码将打不开；请用 --keys 指定当时的主密钥文件")
        return _proof(KEY_NAME, text, ok=False)
    return _proof(KEY_NAME, N_("备份中的主密钥可用") if manifest.has_key else N_("分开存放的主密钥与备份相符"))


def _prove_database(place: Settings, manifest: Manifest) -> list[Proof]:
    engine = create_engine(place.database_url)
    prepare_engine(engine)
    looks: tuple[Callable[[Engine, Manifest], Proof], ...] = (_prove_integrity, _prove_rows, _prove_audit)
    try:
        return [look(engine, manifest) for look in looks]
    finally:
        engine.dispose()


def _prove_integrity(engine: Engine, manifest: Manifest) -> Proof:
    revision = manifest.revision or "-"
    if engine.dialect.name != "sqlite":
        return _proof(DATABASE_NAME, N_("已整体恢复，约束全部成立，结构版本 %(revision)s"), revision=revision)
    with engine.connect() as connection:
        found = str(connection.scalar(text("PRAGMA integrity_check")))
        n_orphans = len(connection.execute(text("PRAGMA foreign_key_check")).all())
    return _proof(
        DATABASE_NAME, N_("完整性检查 %(found)s，失去所属的行 %(n)s，结构版本 %(revision)s"),
        ok=found == "ok" and not n_orphans, found=found, n=n_orphans, revision=revision,
    )  # fmt: skip


def _prove_rows(engine: Engine, manifest: Manifest) -> Proof:
    with engine.connect() as connection:
        found = look_into(connection).rows
    expected = manifest.rows or found  # the first format did not note them
    wrong = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    if wrong:
        return _proof(ROWS_NAME, N_("与备份时不同的表：%(names)s"), ok=False, names="、".join(wrong[:5]))
    return _proof(ROWS_NAME, N_("%(n_tables)s 张表、%(n)s 行"), n_tables=len(found), n=sum(found.values()))


def _prove_audit(engine: Engine, manifest: Manifest) -> Proof:
    with Session(engine) as session:
        result = audit.verify(session)
    if result.broken:
        return _proof(CHAIN_NAME, N_("在第 %(n)s 条断裂"), ok=False, n=result.broken.seq)
    if manifest.audit and manifest.audit["hash"] != result.head_hash:
        return _proof(CHAIN_NAME, N_("末端与备份时记下的不同"), ok=False)
    return _proof(CHAIN_NAME, N_("完整，%(n)s 条，末端 %(head)s"), n=result.n_events, head=result.head_hash[:12])
