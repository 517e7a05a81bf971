"""Switches to a standby form: proposed by one person, carried out by another, with whom they reached and what they voided."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from exam_delivery.rules.standby import SwitchReason, SwitchState
from kernel.audit.models import make_append_only
from kernel.db import Base, UuidPk


class FormSwitch(Base):
    """换用备用卷: one session, one room or one candidate gets a standby form; who has begun keeps the own one or begins anew."""

    __tablename__ = "form_switches"
    __table_args__ = (
        CheckConstraint("registration_id IS NULL OR exam_room_id IS NULL", name="at_most_one_scope"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_has_time"),
        Index("ix_form_switches_exam_session_id", "exam_session_id"),
    )
    form_switch_id: Mapped[UuidPk]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    exam_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("exam_sessions.exam_session_id"))
    exam_room_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("exam_rooms.exam_room_id"))
    registration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("registrations.registration_id"))
    form_id: Mapped[uuid.UUID] = mapped_column(comment="the standby form")
    reason: Mapped[SwitchReason]
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[SwitchState] = mapped_column(default=SwitchState.PROPOSED)
    restarts: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="who has begun gets a new attempt, the old one is voided"
    )
    includes_submitted: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="who handed in begins anew too"
    )
    minutes: Mapped[int | None] = mapped_column(comment="time of the new attempts before time factors; none: all of it")
    n_switched: Mapped[int] = mapped_column(default=0)
    n_restarted: Mapped[int] = mapped_column(default=0, server_default=text("0"), comment="begin anew")
    n_kept: Mapped[int] = mapped_column(default=0, comment="had begun and kept their form")
    proposed_by: Mapped[uuid.UUID | None]
    proposed_by_name: Mapped[str] = mapped_column(String(100))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class SwitchedForm(Base):
    """What an attempt had before a switch: form and seed, so that it can be made again exactly; only ever added."""

    __tablename__ = "switched_forms"
    form_switch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("form_switches.form_switch_id"), primary_key=True)
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True, index=True)
    previous_form_id: Mapped[uuid.UUID]
    previous_seed: Mapped[int] = mapped_column(BigInteger)
    previous_digest: Mapped[str] = mapped_column(String(64), comment="of the form as it was rendered")


class VoidedAttempt(Base):
    """作废的作答: an attempt that a switch closed, whose it was, and the one that counts instead; only ever added.

    Answers, times, form and receipt stay with the attempt itself; it merely belongs to no registration any more, so that no
    list, score or statistic finds it by its candidate.
    """

    __tablename__ = "voided_attempts"
    attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    registration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registrations.registration_id"), index=True)
    next_attempt_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("attempts.attempt_id"), unique=True)
    form_switch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("form_switches.form_switch_id"), index=True)
    had_handed_in: Mapped[bool]
    voided_by: Mapped[uuid.UUID | None]
    voided_by_name: Mapped[str] = mapped_column(String(100))
    voided_at: Mapped[datetime]


for _model in (SwitchedForm, VoidedAttempt):
    make_append_only(_model.__table__)
