"""Which pictures the documentation has, and who takes each on which way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bank_walks import import_a_list, keep_the_bank, look_at_a_revision, write_an_item
from exam_walks import sit_alone, sit_and_watch
from form_walks import check_a_whole_form, look_at_own_forms, read_draws, set_a_standard, work_on_a_form
from ledger_walks import prove_a_certificate, take_results_in, watch_the_bodies
from picture_seat import Seat
from result_walks import doubt_a_result, mark_answers, read_figures
from room_walks import prepare_rooms, run_the_room


@dataclass(frozen=True)
class Walk:
    """One way through the product and the pictures taken on it."""

    take: Callable[[Seat], None]
    pictures: tuple[str, ...] = field(default=())


WALKS = (
    Walk(write_an_item, ("writing-task", "item-editor")),
    Walk(import_a_list, ("import-detect", "import-check", "import-quality")),
    Walk(look_at_a_revision, ("review-list", "review-desk")),
    Walk(
        keep_the_bank,
        (
            "item-list", "item-testlet", "item-difference", "duplicates", "lint", "correction-case", "migration-board",
            "bank-report", "coverage",
        ),
    ),
    Walk(read_draws, ("assembly-result", "assembly-refused", "blueprint", "blueprint-editor")),
    Walk(look_at_own_forms, ("form-set", "form-set-draw")),
    Walk(check_a_whole_form, ("whole-form",)),
    Walk(set_a_standard, ("panel", "panel-feedback", "panel-rating")),
    Walk(work_on_a_form, ("form-report", "form-b4", "scan-sheet", "form-prints", "form-release")),
    Walk(sit_and_watch, ("exam", "exam-hotspot", "exam-testlet", "console")),
    Walk(
        run_the_room,
        ("room-console", "room-candidate", "room-misconduct", "room-report", "room-overview", "room-change", "room-standby"),
    ),
    Walk(
        sit_alone,
        ("exam-sign-in", "exam-calculator", "exam-rescue", "room-rescue", "exam-hand-in", "exam-receipt"),
    ),
    Walk(prepare_rooms, ("lockdown", "room-check", "readiness-gate")),
    Walk(doubt_a_result, ("appeals", "appeal-letter", "appeal-review")),
    Walk(mark_answers, ("marking-plan", "marking-statistics", "marking-standards", "marking-desk")),
    Walk(prove_a_certificate, ("signing-keys", "webhooks", "evidence-packs", "e-certificate-check")),
    Walk(take_results_in, ("early-batches", "inbound-problems", "inbound-preview")),
    Walk(watch_the_bodies, ("centre-batches", "return-rates", "compliance-rules")),
    Walk(read_figures, ("form-analysis", "item-analysis", "form-comparison", "device-comparison", "bank-statistics", "lead")),
)  # fmt: skip
"""All pictures, by the walk that takes them."""
