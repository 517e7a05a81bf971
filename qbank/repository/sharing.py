"""Finding agreements on shared banks, the items they cover, and what a receiver may read of them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.clock import today
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from qbank.models.corrections import ItemQuarantine
from qbank.models.curation import ItemStatistics
from qbank.models.items import Item, ItemPoint, ItemVersion, Media
from qbank.models.sharing import BankShare, SharedItem
from qbank.models.standards import AssessmentPoint, OccupationalStandard, StandardEdition, StandardLevel
from qbank.repository.items import chunks, version_in_use
from qbank.rules.outline import Importance
from qbank.rules.sharing import ShareState
from qbank.rules.standards import OutlineStatus
from qbank.rules.statistics import Carrier

MOST_SHARES = 500
MOST_ROWS = 100_000
EVER_ACCEPTED = (ShareState.ACTIVE, ShareState.ENDED)


@dataclass(frozen=True, slots=True)
class ShareRow:
    """An agreement with the names of both sides and the owner's level."""

    share: BankShare
    owner_name: str
    receiver_name: str
    level: StandardLevel

    @property
    def title(self) -> str:
        """Occupation, level and edition."""
        edition = self.level.edition
        return f"{edition.standard.occupation_name} {self.level.name}（{edition.label}）"


def _mine(actor: Actor) -> ColumnElement[bool]:
    return or_(BankShare.organisation_id == actor.organisation, BankShare.receiver_id == actor.organisation)


def _rows() -> Select[BankShare, str, str, StandardLevel]:
    owner, receiver = aliased(Organisation), aliased(Organisation)
    return (
        select(BankShare, owner.name, receiver.name, StandardLevel)
        .join(owner, owner.organisation_id == BankShare.organisation_id)
        .join(receiver, receiver.organisation_id == BankShare.receiver_id)
        .join(StandardLevel, StandardLevel.standard_level_id == BankShare.standard_level_id)
    )


def list_shares(session: Session, *, actor: Actor) -> list[ShareRow]:
    """Return the agreements of the actor's organisation, on either side, the newest first."""
    query = _rows().where(_mine(actor)).order_by(BankShare.offered_at.desc(), BankShare.bank_share_id)
    return [ShareRow(*row) for row in session.execute(query.limit(MOST_SHARES))]


def get_share(session: Session, bank_share_id: uuid.UUID, *, actor: Actor) -> ShareRow:
    """Return an agreement of which the actor's organisation is a side; raises NotFoundError."""
    row = session.execute(_rows().where(BankShare.bank_share_id == bank_share_id, _mine(actor))).first()
    if row is None:
        raise NotFoundError(N_("共享协议不存在"))
    return ShareRow(*row)


def lock_share(session: Session, bank_share_id: uuid.UUID, *, actor: Actor) -> BankShare:
    """Return an agreement after locking its row; raises NotFoundError for those of others."""
    query = select(BankShare).where(BankShare.bank_share_id == bank_share_id, _mine(actor))
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("共享协议不存在"))
    return found


def find_live(session: Session, standard_level_id: uuid.UUID, receiver_id: uuid.UUID) -> BankShare | None:
    """Return the agreement on a level with a receiver that is offered or active, if any."""
    query = select(BankShare).where(
        BankShare.standard_level_id == standard_level_id, BankShare.receiver_id == receiver_id,
        BankShare.state.in_([ShareState.OFFERED, ShareState.ACTIVE]),
    )  # fmt: skip
    return session.scalar(query.with_for_update())


def count_offered(session: Session, *, actor: Actor) -> int:
    """Return how many offers wait for the actor's organisation."""
    query = select(func.count()).select_from(BankShare)
    mine = BankShare.receiver_id == actor.organisation
    return session.scalar(query.where(mine, BankShare.state == ShareState.OFFERED, BankShare.ends_on >= today())) or 0


def _in_force(receiver_id: uuid.UUID) -> list[ColumnElement[bool]]:
    day = today()
    return [
        BankShare.receiver_id == receiver_id, BankShare.state == ShareState.ACTIVE, BankShare.starts_on <= day,
        BankShare.ends_on >= day,
    ]  # fmt: skip


def list_in_force(
    session: Session, receiver_id: uuid.UUID, receiver_level_id: uuid.UUID, share_ids: Collection[uuid.UUID] | None
) -> Sequence[BankShare]:
    """Return the agreements under which forms of a receiver's level may take items today: all, or those among some."""
    query = select(BankShare).where(*_in_force(receiver_id), BankShare.receiver_level_id == receiver_level_id)
    if share_ids is not None:
        query = query.where(BankShare.bank_share_id.in_(share_ids))
    return session.scalars(query.order_by(BankShare.offered_at, BankShare.bank_share_id).limit(MOST_SHARES)).all()


def list_of_level(session: Session, organisation_id: uuid.UUID, standard_level_id: uuid.UUID) -> Sequence[BankShare]:
    """Return every agreement that was ever accepted and touches a level of an organisation, on either side."""
    as_owner = and_(BankShare.organisation_id == organisation_id, BankShare.standard_level_id == standard_level_id)
    as_receiver = and_(BankShare.receiver_id == organisation_id, BankShare.receiver_level_id == standard_level_id)
    query = select(BankShare).where(or_(as_owner, as_receiver), BankShare.state.in_(EVER_ACCEPTED))
    return session.scalars(query.limit(MOST_SHARES)).all()


def list_of_owner_level(session: Session, standard_level_id: uuid.UUID) -> Sequence[BankShare]:
    """Return every agreement on an owner's level that was ever accepted; the caller is a side of one of them."""
    query = select(BankShare).where(
        BankShare.standard_level_id == standard_level_id, BankShare.state.in_(EVER_ACCEPTED)
    )
    return session.scalars(query.limit(MOST_SHARES)).all()


def receivers_of(session: Session, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the organisations that ever accepted a bank of an owner."""
    query = select(BankShare.receiver_id).where(
        BankShare.organisation_id == owner_id, BankShare.state.in_(EVER_ACCEPTED)
    )
    return list(session.scalars(query.distinct().order_by(BankShare.receiver_id).limit(MOST_SHARES)))


def used_since(
    session: Session, receiver_id: uuid.UUID, receiver_level_id: uuid.UUID, since: Mapping[uuid.UUID, date]
) -> set[uuid.UUID]:
    """Return the items that a level may take under agreements and that were used after their owner's day."""
    found: set[uuid.UUID] = set()
    for share in list_in_force(session, receiver_id, receiver_level_id, None):
        if share.organisation_id in since:
            query = select(Item.item_id).where(
                Item.organisation_id == share.organisation_id, Item.standard_level_id == share.standard_level_id,
                Item.last_used_on > since[share.organisation_id],
            )  # fmt: skip
            found |= set(session.scalars(query))
    return found


def organisation_names(session: Session, organisation_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of organisations that share a bank."""
    query = select(Organisation.organisation_id, Organisation.name)
    return {row[0]: row[1] for row in session.execute(query.where(Organisation.organisation_id.in_(organisation_ids)))}


# --- levels and points -----------------------------------------------------------------------------------------------


def like_levels(session: Session, level: StandardLevel, *, organisation_id: uuid.UUID) -> Sequence[StandardLevel]:
    """Return an organisation's published levels of the same occupation, edition and level as another's."""
    edition, standard = level.edition, level.edition.standard
    query = (
        select(StandardLevel)
        .join(StandardEdition, StandardEdition.standard_edition_id == StandardLevel.standard_edition_id)
        .join(
            OccupationalStandard,
            OccupationalStandard.occupational_standard_id == StandardEdition.occupational_standard_id,
        )
        .where(
            StandardLevel.organisation_id == organisation_id, StandardLevel.level_code == level.level_code,
            StandardLevel.status == OutlineStatus.PUBLISHED, StandardEdition.label == edition.label,
            OccupationalStandard.occupation_name == standard.occupation_name,
        )
        .order_by(OccupationalStandard.code)
    )  # fmt: skip
    return session.scalars(query.limit(50)).all()


def common_points(session: Session, one_level: uuid.UUID, other_level: uuid.UUID) -> dict[str, Importance]:
    """Return the points that two outlines have under the same code and name, with the other's importance."""
    own, their = aliased(AssessmentPoint), aliased(AssessmentPoint)
    query = (
        select(own.full_code, their.importance)
        .join(their, and_(their.full_code == own.full_code, their.name == own.name))
        .where(own.standard_level_id == one_level, their.standard_level_id == other_level)
    )
    return {row[0]: row[1] for row in session.execute(query)}


# --- what a receiver may read ----------------------------------------------------------------------------------------


def _covered(receiver_id: uuid.UUID) -> ColumnElement[bool]:
    """Return whether a version has a point of a level under an agreement in force, or stands in a sealed form."""
    sealed = exists().where(SharedItem.receiver_id == receiver_id, SharedItem.item_id == ItemVersion.item_id)
    shared = (
        exists()
        .where(
            ItemPoint.item_version_id == ItemVersion.item_version_id,
            AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id,
            BankShare.standard_level_id == AssessmentPoint.standard_level_id,
            BankShare.organisation_id == ItemVersion.organisation_id,
            or_(BankShare.includes_trials, ~Item.is_trial),
            *_in_force(receiver_id),
        )
        .correlate(ItemVersion, Item)
    )
    return or_(sealed, and_(shared, ItemVersion.number <= _approved_number()))


def _approved_number() -> ScalarSelect[int]:
    """Return the number of an item's approved version: what came after it is still being written."""
    approved = aliased(ItemVersion)
    return (
        select(approved.number)
        .where(approved.item_version_id == Item.approved_version_id)
        .correlate(Item)
        .scalar_subquery()
    )


def shared_versions(
    session: Session, version_ids: Sequence[uuid.UUID], *, receiver_id: uuid.UUID
) -> list[tuple[ItemVersion, Item]]:
    """Return those versions of other organisations that a receiver may read, with their items."""
    found: list[tuple[ItemVersion, Item]] = []
    for chunk in chunks(version_ids):
        query = (
            select(ItemVersion, Item)
            .join(Item, Item.item_id == ItemVersion.item_id)
            .where(ItemVersion.item_version_id.in_(chunk), _covered(receiver_id))
        )
        found += [(row[0], row[1]) for row in session.execute(query)]
    return found


def _owners_ever(receiver_id: uuid.UUID) -> Select[uuid.UUID]:
    """Return the organisations that ever shared a bank with a receiver."""
    return select(BankShare.organisation_id).where(
        BankShare.receiver_id == receiver_id, BankShare.state.in_(EVER_ACCEPTED)
    )


def was_shared(session: Session, version_ids: Sequence[uuid.UUID], *, receiver_id: uuid.UUID) -> bool:
    """Say whether all of some versions belong to organisations that ever shared a bank with the receiver."""
    counted = select(func.count()).select_from(ItemVersion)
    ours = ItemVersion.organisation_id.in_(_owners_ever(receiver_id))
    return all(
        session.scalar(counted.where(ItemVersion.item_version_id.in_(chunk), ours)) == len(chunk)
        for chunk in chunks(version_ids)
    )


def shared_once(session: Session, item_ids: Collection[uuid.UUID], *, receiver_id: uuid.UUID) -> list[uuid.UUID]:
    """Return those of some items that belong to others who ever shared a bank with the receiver."""
    found: list[uuid.UUID] = []
    for chunk in chunks(sorted(set(item_ids))):
        ours = Item.organisation_id.in_(_owners_ever(receiver_id))
        found += session.scalars(select(Item.item_id).where(Item.item_id.in_(chunk), ours))
    return found


def find_shared_media(session: Session, digest: str, *, receiver_id: uuid.UUID) -> Media | None:
    """Return a picture of an organisation whose items the receiver may read, if it has one of that name."""
    in_force = select(BankShare.organisation_id).where(*_in_force(receiver_id))
    sealed = (
        select(BankShare.organisation_id)
        .join(SharedItem, SharedItem.bank_share_id == BankShare.bank_share_id)
        .where(SharedItem.receiver_id == receiver_id)
    )
    owners = or_(Media.organisation_id.in_(in_force), Media.organisation_id.in_(sealed))
    return session.scalar(select(Media).where(Media.digest == digest, owners).limit(1))


def owners_of(session: Session, item_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return which organisation owns some items."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    for chunk in chunks(list(item_ids)):
        query = select(Item.item_id, Item.organisation_id).where(Item.item_id.in_(chunk))
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


def shares_of_items(
    session: Session, item_ids: Sequence[uuid.UUID], *, receiver_id: uuid.UUID
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the agreement in force under which a receiver may take each of some items."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    for chunk in chunks(item_ids):
        query = (
            select(Item.item_id, BankShare.bank_share_id)
            .join(ItemPoint, ItemPoint.item_id == Item.item_id)
            .join(AssessmentPoint, AssessmentPoint.assessment_point_id == ItemPoint.assessment_point_id)
            .join(
                BankShare,
                and_(
                    BankShare.standard_level_id == AssessmentPoint.standard_level_id,
                    BankShare.organisation_id == Item.organisation_id,
                ),
            )
            .where(Item.item_id.in_(chunk), ItemPoint.item_version_id == version_in_use(), *_in_force(receiver_id))
        )
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


def sealed_before(session: Session, item_ids: Sequence[uuid.UUID], *, receiver_id: uuid.UUID) -> set[uuid.UUID]:
    """Return those of some items that stand in a sealed form of the receiver already."""
    found: set[uuid.UUID] = set()
    for chunk in chunks(item_ids):
        query = select(SharedItem.item_id).where(SharedItem.receiver_id == receiver_id, SharedItem.item_id.in_(chunk))
        found |= set(session.scalars(query))
    return found


def sealed_versions(
    session: Session, version_ids: Sequence[uuid.UUID], *, receiver_id: uuid.UUID
) -> dict[uuid.UUID, uuid.UUID]:
    """Return those of some versions whose item stands in a sealed form of the receiver, with the item."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    for chunk in chunks(version_ids):
        query = (
            select(ItemVersion.item_version_id, ItemVersion.item_id)
            .join(SharedItem, SharedItem.item_id == ItemVersion.item_id)
            .where(SharedItem.receiver_id == receiver_id, ItemVersion.item_version_id.in_(chunk))
        )
        found.update((row[0], row[1]) for row in session.execute(query))
    return found


# --- what the owner learns -------------------------------------------------------------------------------------------


def held_by_owners(session: Session, *, receiver_id: uuid.UUID) -> list[tuple[ItemQuarantine, str]]:
    """Return the items in quarantine of all organisations that ever shared a bank with a receiver, with their codes."""
    query = (
        select(ItemQuarantine, Item.code)
        .join(Item, Item.item_id == ItemQuarantine.item_id)
        .where(ItemQuarantine.organisation_id.in_(_owners_ever(receiver_id)))
        .order_by(Item.code)
    )
    return [(row[0], row[1]) for row in session.execute(query.limit(MOST_ROWS))]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """Answers to one version in one organisation."""

    item_id: uuid.UUID
    code: str
    item_version_id: uuid.UUID
    number: int
    organisation_id: uuid.UUID
    n: int
    right: float


def answers_by_organisation(session: Session, standard_level_id: uuid.UUID, *, owner_id: uuid.UUID) -> list[AnswerRow]:
    """Return the answers to an owner's versions of a level, organisation by organisation, where others have any."""
    version = ItemStatistics.item_version_id
    shared = exists().where(SharedItem.item_id == ItemStatistics.item_id)
    query = (
        select(
            Item.item_id, Item.code, version, ItemVersion.number, ItemStatistics.organisation_id,
            func.sum(ItemStatistics.n), func.sum(ItemStatistics.n * ItemStatistics.proportion_correct),
        )
        .join(Item, Item.item_id == ItemStatistics.item_id)
        .join(ItemVersion, ItemVersion.item_version_id == version)
        .where(
            Item.organisation_id == owner_id, Item.standard_level_id == standard_level_id, shared,
            ItemStatistics.proportion_correct.is_not(None), ItemStatistics.n > 0,
            ItemStatistics.carrier == Carrier.ALL,
        )
        .group_by(Item.item_id, Item.code, version, ItemVersion.number, ItemStatistics.organisation_id)
        .order_by(Item.code, ItemVersion.number)
        .limit(MOST_ROWS)
    )  # fmt: skip
    return [AnswerRow(*row) for row in session.execute(query)]
