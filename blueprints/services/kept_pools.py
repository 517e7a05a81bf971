"""Pools kept with the draws that were made from them: one for each digest, encrypted, so that any draw can be replayed.

A pool holds what a draw reads of each item and no wording; where a rule balances the keys it holds those, which is why it
is encrypted and never leaves by a page.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from blueprints import repository_pools as stored
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult
from blueprints.models import AssemblyPool
from blueprints.rules.kept_pools import POOL_DAYS, check_digest, pack_pool, pool_file, unpack_pool
from kernel import audit, crypto, profiles
from kernel.clock import now
from kernel.db import new_id
from kernel.identity.actor import Actor, system_actor
from kernel.uow import UnitOfWork, unit_of_work

PURPOSE = "assembly-pools"


def pack_new(session: Session, actor: Actor, result: AssemblyResult) -> bytes | None:
    """Return the pool that a draw was made from, ready to be kept; None where an earlier draw keeps the same one."""
    return None if stored.is_kept(session, result.pool_digest, actor=actor) else pack_pool(result.pool)


def keep_pool(uow: UnitOfWork, result: AssemblyResult, packed: bytes | None) -> None:
    """Keep the pool of a draw once for its digest; `packed` is what `pack_new` gave before the transaction began."""
    if stored.is_kept(uow.session, result.pool_digest, actor=uow.actor):
        return
    plain, owner = packed or pack_pool(result.pool), uow.actor.organisation
    values = {
        "assembly_pool_id": new_id(), "organisation_id": owner, "digest": result.pool_digest,
        "n_items": len(result.pool), "kept_at": now(),
        "ciphertext": crypto.encrypt(crypto.purpose_key(PURPOSE), plain, bound_to=_place(owner, result.pool_digest)),
    }  # fmt: skip
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    uow.session.execute(dialect.insert(AssemblyPool).values(**values).on_conflict_do_nothing())


def is_kept(session: Session, actor: Actor, digest: str) -> bool:
    """Say whether the pool with a digest is kept."""
    return stored.is_kept(session, digest, actor=actor)


def read_kept(session: Session, actor: Actor, digest: str) -> tuple[PoolItem, ...] | None:
    """Return the items of the kept pool with a digest; None where none is kept.

    Raises
    ------
    SealBrokenError
        If the stored bytes were changed.
    ConflictError
        If the pool is another than its digest says.
    """
    packed = _packed(session, actor, digest)
    if packed is None:
        return None
    pool = unpack_pool(packed)
    check_digest(pool, digest)
    return pool


def kept_file(session: Session, actor: Actor, digest: str) -> bytes | None:
    """Return the kept pool with a digest as a pool file; None where none is kept."""
    packed = _packed(session, actor, digest)
    return None if packed is None else pool_file(packed)


def purge_pools(session: Session) -> int:
    """Delete the pools of draws whose forms nobody took, once the days of the organisation's rule are over."""
    moment, due = now(), dict[uuid.UUID, Sequence[uuid.UUID]]()
    for owner in stored.owners_of_pools(session):
        days = int(profiles.value(session, owner, POOL_DAYS.name))
        due[owner] = stored.find_unneeded(session, owner, before=moment - timedelta(days=days))
    for owner, keys in due.items():
        if keys:
            with unit_of_work(system_actor(owner, name="blueprints.purge")) as uow:
                stored.delete_pools(uow.session, keys)
                audit.record(uow, "assembly.purge_pools", "organisation", owner, after={"n_pools": len(keys)})
    return sum(map(len, due.values()))


def _packed(session: Session, actor: Actor, digest: str) -> bytes | None:
    row = stored.find_pool(session, digest, actor=actor)
    if row is None:
        return None
    place = _place(row.organisation_id, digest)
    return crypto.decrypt(crypto.purpose_key(PURPOSE), row.ciphertext, bound_to=place)


def _place(organisation_id: uuid.UUID, digest: str) -> str:
    return f"assembly_pools|ciphertext|{organisation_id}|{digest}"
