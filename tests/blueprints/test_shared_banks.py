"""Banks that organisations share: the agreement, drawing from it, the walls that stay, the ledger, and items out of use."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import AssemblyRun, ExamForm
from blueprints.pages.outcome import load_stems
from blueprints.rules.sources import with_banks
from blueprints.rules.states import FormStatus
from blueprints.services import (
    blueprints,
    forms,
    ledger,
    prints,
    quarantine,
    quarantine_elsewhere,
    runs,
    sealing,
    sittings,
    versions,
)
from blueprints.services.bank import load_pool, own_items, slot_contents
from blueprints.services.held import find_held
from blueprints.services.ledger import LedgerFilter, item_uses, read_ledger
from blueprints.services.sittings import FormSitting
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import UnitOfWork, unit_of_work
from qbank import public as qbank
from qbank.models.corrections import ItemQuarantine
from qbank.models.curation import ItemStatistics
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.sharing import BankShare, SharedItem
from qbank.public_supply import list_supply
from qbank.repository import items as items_repository
from qbank.repository import sharing as sharing_days
from qbank.rules.corrections import ReportSource
from qbank.rules.items import ChangeKind
from qbank.rules.sharing import ShareState
from qbank.services import exports, sharing
from qbank.services.corrections import Report, report_error
from qbank.services.items import record_use
from tests.blueprints.bank_cases import Bank, fill_bank, small_spec


@dataclass(frozen=True)
class Two:
    """Two organisations with the same outline: the owner's bank is full, the receiver's holds one item a point and type."""

    owner: Bank
    receiver: Bank
    owner_editor: Actor
    owner_assembler: Actor
    editor: Actor
    assembler: Actor
    approver: Actor


@pytest.fixture
def two(organisation: Organisation, other_organisation: Organisation, make_actor: Callable[..., Actor]) -> Two:
    there = other_organisation.organisation_id
    return Two(
        fill_bank(organisation.organisation_id), fill_bank(there, copies=1), make_actor(Role.EDITOR),
        make_actor(Role.ASSEMBLER), make_actor(Role.EDITOR, organisation_id=there),
        make_actor(Role.ASSEMBLER, organisation_id=there), make_actor(Role.FORM_APPROVER, organisation_id=there),
    )  # fmt: skip


def offer(two: Two, **changes: object) -> uuid.UUID:
    day = sharing_days.today()
    values: dict[str, object] = {
        "standard_level_id": two.owner.standard_level_id, "receiver_code": "OTHER", "purpose": "联合认定",
        "starts_on": day - timedelta(days=1), "ends_on": day + timedelta(days=60),
    }  # fmt: skip
    with unit_of_work(two.owner_editor) as uow:
        return sharing.offer_share(uow, sharing.Offer(**values | changes)).bank_share_id  # type: ignore[arg-type]


def accept(two: Two, share_id: uuid.UUID) -> uuid.UUID:
    with unit_of_work(two.editor) as uow:
        sharing.accept_share(uow, share_id, receiver_level_id=two.receiver.standard_level_id, version=1)
    return share_id


def end(two: Two, share_id: uuid.UUID, session: Session, by: Actor | None = None) -> None:
    version = session.get_one(BankShare, share_id, populate_existing=True).version
    with unit_of_work(by or two.owner_editor) as uow:
        sharing.end_share(uow, share_id, version=version, reason="批次结束")


@pytest.fixture
def share(two: Two) -> uuid.UUID:
    return accept(two, offer(two))


def drawn(two: Two, session: Session, share_id: uuid.UUID | None, *, n_forms: int = 2) -> AssemblyRun:
    """Publish a blueprint of the receiver that draws on the shared bank, and run it as the worker would."""
    spec = with_banks(small_spec(), [share_id] if share_id else [])
    with unit_of_work(two.assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=two.receiver.standard_level_id, spec=spec)
        blueprints.publish_blueprint(uow, row.exam_blueprint_id)
    with unit_of_work(two.approver) as uow:
        versions.approve_blueprint(uow, row.exam_blueprint_id)
    with unit_of_work(two.assembler) as uow:
        run = runs.start_run(uow, row.exam_blueprint_id, n_forms=n_forms, seed=5)
    assert run.job_id is not None
    run_job(run.job_id)
    session.expire_all()
    return session.get_one(AssemblyRun, run.assembly_run_id)


def taken_over(two: Two, session: Session, share_id: uuid.UUID, *, n_forms: int = 2) -> list[ExamForm]:
    run = drawn(two, session, share_id, n_forms=n_forms)
    with unit_of_work(two.assembler) as uow:
        return runs.accept_run(uow, run.assembly_run_id)


def seal(two: Two, form_id: uuid.UUID) -> None:
    with unit_of_work(two.assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(two.approver) as uow:
        forms.approve_form(uow, form_id)
        forms.seal_form(uow, form_id)


def form_of(session: Session, form_id: uuid.UUID, actor: Actor) -> ExamForm:
    session.expire_all()
    return repository.get_form(session, form_id, actor=actor, with_slots=True)


def shared_ids(session: Session, form: ExamForm, owner: Bank) -> set[uuid.UUID]:
    ids = [slot.item_id for slot in form.slots]
    return set(
        session.scalars(select(Item.item_id).where(Item.item_id.in_(ids), Item.organisation_id == owner.organisation_id))
    )  # fmt: skip


# --- the agreement ---------------------------------------------------------------------------------------------------


def test_one_side_offers_the_other_accepts_and_each_step_is_on_record(two: Two, session: Session) -> None:
    share_id = offer(two)
    with pytest.raises(NotFoundError), unit_of_work(two.owner_editor) as uow:
        sharing.accept_share(uow, share_id, receiver_level_id=two.receiver.standard_level_id, version=1)
    with pytest.raises(ForbiddenError), unit_of_work(two.assembler) as uow:
        sharing.accept_share(uow, share_id, receiver_level_id=two.receiver.standard_level_id, version=1)
    with pytest.raises(InvalidInputError), unit_of_work(two.editor) as uow:
        sharing.accept_share(uow, share_id, receiver_level_id=two.owner.standard_level_id, version=1)
    with pytest.raises(ConflictError):
        offer(two)
    accept(two, share_id)
    end(two, share_id, session, by=two.editor)
    accept(two, offer(two))  # the ended one makes room for a new one
    acts = session.scalars(select(AuditEvent.act).where(AuditEvent.act.like("bank_share.%"))).all()
    assert sorted(acts) == ["bank_share.accept"] * 2 + ["bank_share.end"] + ["bank_share.offer"] * 2


def test_a_malformed_offer_says_what_to_mend(two: Two) -> None:
    with pytest.raises(InvalidInputError) as caught:
        offer(two, receiver_code="NOBODY", purpose="", starts_on=None, ends_on=sharing_days.today() - timedelta(days=1))
    assert set(caught.value.fields or {}) == {"receiver_code", "purpose", "starts_on", "ends_on"}
    with pytest.raises(InvalidInputError):
        offer(two, receiver_code="DEMO")


# --- drawing ---------------------------------------------------------------------------------------------------------


def test_forms_take_shared_items_only_where_the_blueprint_says_so_and_only_in_their_time(
    two: Two, share: uuid.UUID, session: Session
) -> None:
    level = two.receiver.standard_level_id
    own = load_pool(session, two.assembler, level, small_spec())
    both = load_pool(session, two.assembler, level, with_banks(small_spec(), [share]))
    assert (len(own.items), len(both.items), len(both.owners)) == (36, 36 + 144, 144)
    assert sum(row.n_items for row in list_supply(session, two.assembler, level, named=(), shares=[share])) == 180
    assert drawn(two, session, None).status.value == "infeasible"
    run = drawn(two, session, share)
    assert run.n_pool == 180
    found = (run.result or {})["forms"]
    chosen = {uuid.UUID(item["id"]) for form in found for item in form["items"]}
    stems = load_stems(session, two.assembler, found)
    assert set(map(uuid.UUID, stems)) == own_items(session, two.assembler, chosen) < chosen
    for starts, ends in ((timedelta(days=1), timedelta(days=9)), (-timedelta(days=9), -timedelta(days=1))):
        with unit_of_work(system_actor()) as uow:
            row = uow.session.get_one(BankShare, share)
            row.starts_on, row.ends_on = sharing_days.today() + starts, sharing_days.today() + ends
        assert len(load_pool(session, two.assembler, level, with_banks(small_spec(), [share])).items) == 36


def test_a_sealed_form_stays_whole_after_the_end_and_a_draft_can_no_longer_be_sealed(
    two: Two, share: uuid.UUID, session: Session, sign_in: Callable[..., FlaskClient]
) -> None:
    first, second = (form.exam_form_id for form in taken_over(two, session, share))
    form = form_of(session, first, two.assembler)
    shared = shared_ids(session, form, two.owner)
    assert shared
    seal(two, first)
    assert {item.n_used for item in session.scalars(select(Item).where(Item.item_id.in_(shared)))} == {1}
    assert set(session.scalars(select(SharedItem.item_id))) == shared
    with pytest.raises(ForbiddenError, match="不能导出"), unit_of_work(two.approver) as uow:
        prints.request_print(uow, prints.Wanted(first, "package", "json"))
    client = sign_in(Role.ASSEMBLER, organisation_id=two.receiver.organisation_id)
    looked = client.post(f"/forms/{second}/work").headers["Location"]
    ticket = looked.partition("ticket=")[2].partition("&")[0]
    page = client.get(f"/forms/{second}/swap/1?ticket={ticket}").get_data(as_text=True)
    assert "共享试题，换入试卷后显示题面" in page
    end(two, share, session)
    form = form_of(session, first, two.assembler)
    contents = slot_contents(session, two.approver, form)
    sealing.check_unchanged(session, two.approver, form, contents)
    assert len(contents) == 20
    with pytest.raises(ConflictError, match="已经终止"):
        slot_contents(session, two.assembler, form_of(session, second, two.assembler))
    with pytest.raises(ConflictError):
        seal(two, second)
    with pytest.raises(ConflictError), unit_of_work(two.assembler) as uow:
        record_use(uow, list(shared_ids(session, form_of(session, second, two.assembler), two.owner)), used_at=now())
    assert drawn(two, session, share).status.value == "infeasible"
    item_id = min(shared_ids(session, form_of(session, second, two.assembler), two.owner))
    quarantined(two, item_id)
    with unit_of_work(two.assembler) as uow:
        done = quarantine.sweep(uow, item_id)
    assert {one.form.exam_form_id: one.outcome for one in done}[second] is quarantine.Outcome.NOT_SHARED


def test_the_walls_stay(
    two: Two, share: uuid.UUID, session: Session, sign_in: Callable[..., FlaskClient],
    other_organisation: Organisation,
) -> None:  # fmt: skip
    item = session.scalars(select(Item).where(Item.organisation_id == two.owner.organisation_id)).first()
    assert item is not None
    client = sign_in(Role.EDITOR, Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    for path in (
        f"/items/{item.item_id}",
        f"/items/{item.item_id}/edit",
        f"/standards/levels/{two.owner.standard_level_id}",
    ):
        assert client.get(path).status_code == 404
    assert items_repository.list_items(session, actor=two.editor, wanted=items_repository.ItemFilter())[1] == 36
    with pytest.raises(NotFoundError):
        items_repository.lock_item(session, item.item_id, actor=two.editor)
    assert item.item_id not in qbank.load_statistics(session, two.editor, [item.item_id])
    assert qbank.load_pool(session, two.assembler, two.owner.standard_level_id) == []
    third = replace(two.assembler, organisation_id=_third().organisation_id)
    with pytest.raises(NotFoundError):
        qbank.load_contents(session, third, [item.current_version_id])
    with unit_of_work(two.editor) as uow:
        taken = exports.export_items(uow, items_repository.ItemFilter(), fmt="json")
    assert len(json.loads(taken.data)["items"]) == 36
    draft = _newer_draft(session, item)
    with pytest.raises(ConflictError):
        qbank.load_contents(session, two.assembler, [draft])
    assert qbank.load_contents(session, two.assembler, [item.current_version_id])


def _third() -> Organisation:
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="THIRD", name="第三家机构", kind=OrganisationKind.SOCIAL, certificate_prefix=None, is_active=True,
            created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row


def _newer_draft(session: Session, item: Item) -> uuid.UUID:
    """Add a version that is still being written."""
    old, key = session.get_one(ItemVersion, item.current_version_id), new_id()
    point = session.scalars(select(ItemPoint).where(ItemPoint.item_version_id == item.current_version_id)).one()
    with unit_of_work(system_actor(item.organisation_id)) as uow:
        uow.add(
            ItemVersion(
                item_version_id=key, organisation_id=item.organisation_id, item_id=item.item_id, number=2, type=old.type,
                content=old.content, content_digest=old.content_digest, difficulty=3, change_kind=ChangeKind.SUBSTANCE,
                created_at=now(),
            )
        )  # fmt: skip
        uow.flush()
        uow.add(ItemPoint(item_version_id=key, assessment_point_id=point.assessment_point_id, item_id=item.item_id))
    return key


# --- the ledger ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sat() -> Iterator[list[FormSitting]]:
    """Sittings that tests add to; each is told to the organisation whose form it is only."""
    before, rows = dict(sittings._SOURCES), list[FormSitting]()
    sittings._SOURCES.clear()
    sittings.register_uses("test", lambda _s, _o, form_ids: [row for row in rows if row.form_id in form_ids])
    yield rows
    sittings._SOURCES.clear()
    sittings._SOURCES.update(before)


def sitting(form_id: uuid.UUID, site: str, n: int, days: int) -> FormSitting:
    return FormSitting(form_id, uuid.uuid4(), f"{site}场次", site, now() - timedelta(days=days), n, n, n > 0)


def publish(organisation_id: uuid.UUID, **values: int | str) -> None:
    with unit_of_work(system_actor(organisation_id)) as uow:
        named = {f"blueprints.{name}": value for name, value in values.items()}
        profiles.publish(uow, named, effective_on=today())


def test_the_owner_sees_every_use_and_the_caps_of_either_side_count_the_uses_of_all(
    two: Two, share: uuid.UUID, session: Session, sat: list[FormSitting]
) -> None:
    first = taken_over(two, session, share)[0].exam_form_id
    seal(two, first)
    shared = shared_ids(session, form_of(session, first, two.assembler), two.owner)
    sat += [sitting(first, "东江考点", 30, 40), sitting(first, "西山考点", 12, 5)]
    seen = read_ledger(session, two.owner_assembler, two.owner.standard_level_id, LedgerFilter())
    assert {row.item_id for row in seen.rows} == shared
    assert {(row.exposure.n_candidates, len(row.exposure.sessions), len(row.exposure.sites)) for row in seen.rows} == {
        (42, 2, 2)
    }
    east = read_ledger(session, two.owner_assembler, two.owner.standard_level_id, LedgerFilter(site="东江考点"))
    assert east.n_candidates == 30
    one = next(iter(shared))
    lines = item_uses(session, two.owner_assembler, one)
    assert [(use.organisation, use.sitting.site, use.sitting.n_started) for use in lines] == [
        ("另一演示机构", "西山考点", 12), ("另一演示机构", "东江考点", 30)
    ]  # fmt: skip
    own = read_ledger(session, two.assembler, two.receiver.standard_level_id, LedgerFilter())
    assert (own.n_items, own.n_candidates) == (20, 42)
    publish(two.owner.organisation_id, exposure_candidates=42, cooldown_days=0)
    barred = set(map(uuid.UUID, ledger.capped_items(session, two.assembler, two.receiver.standard_level_id)))
    assert barred == shared
    publish(two.owner.organisation_id, exposure_candidates=0, cooldown_days=30)
    assert set(map(uuid.UUID, ledger.capped_items(session, two.assembler, two.receiver.standard_level_id))) == shared
    publish(two.receiver.organisation_id, exposure_site_sessions=1)
    publish(two.owner.organisation_id, exposure_candidates=0, cooldown_days=0)
    assert len(ledger.capped_items(session, two.assembler, two.receiver.standard_level_id)) == 20
    assert not ledger.capped_items(session, two.owner_assembler, two.owner.standard_level_id)


def test_sites_of_one_region_count_together_over_the_organisations_that_share(
    two: Two, share: uuid.UUID, session: Session, sat: list[FormSitting]
) -> None:
    first = taken_over(two, session, share)[0].exam_form_id
    seal(two, first)
    shared = shared_ids(session, form_of(session, first, two.assembler), two.owner)
    sat += [sitting(first, "东江考点", 30, 40), sitting(first, "西山考点", 12, 5)]
    caps = {"cooldown_days": 0, "exposure_region_sessions": 2, "exposure_region_candidates": 42}
    publish(two.owner.organisation_id, **caps)

    def held_back() -> dict[uuid.UUID, set[tuple[str, str, int]]]:
        found = ledger.held_back(session, two.assembler, two.receiver.standard_level_id)
        return {uuid.UUID(key): {(one.cap.value, one.place, one.n) for one in why} for key, why in found.items()}

    assert held_back() == {}
    publish(two.receiver.organisation_id, exposure_site_regions="东江考点:330100；西山考点：330100")
    assert held_back() == {key: {("region", "3301", 2), ("region_candidates", "3301", 42)} for key in shared}
    publish(two.receiver.organisation_id, exposure_site_regions="东江考点:330100；西山考点：330200")
    assert held_back() == {}


# --- items out of use ------------------------------------------------------------------------------------------------


def quarantined(two: Two, item_id: uuid.UUID) -> None:
    with unit_of_work(system_actor(two.owner.organisation_id)) as uow:
        uow.add(
            ItemQuarantine(
                item_id=item_id, organisation_id=two.owner.organisation_id, correction_case_id=_case(uow, item_id),
                reason="答案有误", set_at=now(),
            )
        )  # fmt: skip


def _case(uow: UnitOfWork, item_id: uuid.UUID) -> uuid.UUID:
    return report_error(uow, Report(ReportSource.STAFF, "标准答案有误", item_id=item_id)).correction_case_id


def test_one_act_of_the_owner_mends_the_receivers_forms_and_sizes_what_was_sat(
    two: Two, share: uuid.UUID, session: Session, sat: list[FormSitting], sign_in: Callable[..., FlaskClient]
) -> None:
    first = taken_over(two, session, share)[0].exam_form_id
    seal(two, first)
    item_id = min(shared_ids(session, form_of(session, first, two.assembler), two.owner))
    sat.append(sitting(first, "东江考点", 25, 3))
    quarantined(two, item_id)
    found = quarantine_elsewhere.find_elsewhere(session, two.owner_assembler, item_id)
    assert [(one.name, one.n_open, one.n_delivered, one.n_started) for one in found] == [("另一演示机构", 0, 1, 25)]
    assert found[0].n_candidate_marks == 25
    sat.clear()
    assert quarantine.find_extent(session, two.assembler, item_id).open_forms
    client = sign_in(Role.ASSEMBLER)
    page = client.get(f"/quarantined-items/{item_id}").get_data(as_text=True)
    assert "另一演示机构" in page
    client.post(f"/quarantined-items/{item_id}/sweep")
    job = session.scalars(select(Job).where(Job.name == quarantine_elsewhere.JOB)).one()
    assert job.organisation_id == two.receiver.organisation_id
    run_job(job.job_id)
    session.expire_all()
    successor = session.scalars(select(ExamForm).where(ExamForm.replaces_form_id == first)).one()
    assert (successor.organisation_id, successor.status) == (two.receiver.organisation_id, FormStatus.IN_REVIEW)
    assert item_id not in {slot.item_id for slot in form_of(session, successor.exam_form_id, two.assembler).slots}
    assert list(find_held(session, two.assembler)) == [item_id]


# --- figures ---------------------------------------------------------------------------------------------------------


def test_a_receivers_answers_stand_in_rows_of_their_own_and_drift_is_a_lead_for_the_owner(
    two: Two, share: uuid.UUID, session: Session
) -> None:
    form = taken_over(two, session, share)[0].exam_form_id
    seal(two, form)
    slots = form_of(session, form, two.assembler).slots
    shared = shared_ids(session, form_of(session, form, two.assembler), two.owner)
    slot = next(slot for slot in slots if slot.item_id in shared)

    def row(p: float) -> qbank.StatisticsRow:
        return qbank.StatisticsRow(slot.item_version_id, f"exam_session:{uuid.uuid4()}", 200, today(), p, 0.3)

    with unit_of_work(system_actor(two.owner.organisation_id)) as uow:
        assert qbank.record_statistics(uow, [row(0.55)]) == 1
    with unit_of_work(system_actor(two.receiver.organisation_id)) as uow:
        assert qbank.record_statistics(uow, [row(0.9)]) == 1
    with unit_of_work(system_actor(_third().organisation_id)) as uow:
        assert qbank.record_statistics(uow, [row(0.1)]) == 0
    rows = session.scalars(select(ItemStatistics).where(ItemStatistics.item_id == slot.item_id)).all()
    assert {(one.organisation_id, one.proportion_correct) for one in rows} == {
        (two.owner.organisation_id, 0.55), (two.receiver.organisation_id, 0.9)
    }  # fmt: skip
    kept = qbank.load_statistics(session, two.owner_editor, [slot.item_id])
    assert kept[slot.item_id].proportion_correct == 0.55
    lines = sharing.find_drift(session, two.owner_editor, two.owner.standard_level_id)
    assert {one.organisation_id for one in lines if one.is_lead} == {
        two.owner.organisation_id, two.receiver.organisation_id
    }  # fmt: skip
    assert {round(one.drift.difference, 2) for one in lines if one.drift} == {0.35, -0.35}


# --- pages -----------------------------------------------------------------------------------------------------------


def test_both_sides_find_their_way_through_the_pages(
    two: Two, session: Session, sign_in: Callable[..., FlaskClient], other_organisation: Organisation
) -> None:
    owner = sign_in(Role.EDITOR)
    assert "还没有共享给其他机构" in owner.get("/bank-shares/").get_data(as_text=True)
    fields = {
        "level": str(two.owner.standard_level_id), "receiver_code": "OTHER", "purpose": "联合认定",
        "starts_on": sharing_days.today().isoformat(),
        "ends_on": (sharing_days.today() + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    assert owner.post("/bank-shares/new", data=fields | {"receiver_code": "X"}).status_code == 422
    assert owner.post("/bank-shares/new", data=fields).status_code == 303
    assert owner.post("/bank-shares/new", data=fields).status_code == 409
    share_id = session.scalars(select(BankShare.bank_share_id)).one()
    other = sign_in(Role.EDITOR, Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    page = other.get(f"/bank-shares/{share_id}").get_data(as_text=True)
    assert "12 / 12 个" in page
    data = {"version": "1", "receiver_level_id": str(two.receiver.standard_level_id)}
    assert owner.post(f"/bank-shares/{share_id}/accept", data=data).status_code == 404
    assert other.post(f"/bank-shares/{share_id}/accept", data={"version": "1"}).status_code == 422
    assert other.post(f"/bank-shares/{share_id}/accept", data=data).status_code == 303
    with unit_of_work(two.assembler) as uow:
        row = blueprints.create_blueprint(uow, standard_level_id=two.receiver.standard_level_id, spec=small_spec())
    assert "演示评价机构" in other.get(f"/blueprints/{row.exam_blueprint_id}").get_data(as_text=True)
    chosen = {"version": "1", "shared": str(share_id)}
    assert other.post(f"/blueprints/{row.exam_blueprint_id}/sources", data=chosen).status_code == 303
    session.expire_all()
    assert repository.get_blueprint(session, row.exam_blueprint_id, actor=two.assembler).spec["shared_banks"] == [
        str(share_id)
    ]
    assert owner.post(f"/bank-shares/{share_id}/end", data={"version": "2", "reason": "结束"}).status_code == 303
    assert "已终止" in other.get("/bank-shares/").get_data(as_text=True)
    assert "有 1 个共享题库已终止或到期" in other.get(f"/blueprints/{row.exam_blueprint_id}").get_data(as_text=True)
    assert session.get_one(BankShare, share_id, populate_existing=True).state is ShareState.ENDED
    assert sign_in(Role.MARKER).get("/bank-shares/").status_code == 403
