"""The entries of a pack of evidence, from the standard's points on to the certificate."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from blueprints.public_evidence import FormEvidence, load_form_evidence
from certification.models import CertificationBatch
from certification.rules.evidence import PackBuilder, without
from exam_delivery.public_evidence import (
    AttemptEvidence,
    load_attempt_evidence,
    load_key_changes,
    load_release_evidence,
    load_session_evidence,
)
from kernel.audit import chain
from kernel.audit.repository import events_about, find_head
from qbank.public_evidence import ItemEvidence, load_item_evidence, load_standard_evidence

FREE_TEXTS = ("reason", "text", "comment", "void_reason")
"""Texts that people typed: they may name somebody, so a masked pack leaves them out."""


@dataclass(frozen=True, slots=True)
class PackScope:
    """What may stand in a pack: names and numbers of people, texts and keys of items."""

    is_personal: bool = False
    has_content: bool = False


@dataclass(slots=True)
class Collector:
    """Writes entries into a pack; what is shared by several candidates is written once."""

    session: Session
    batch: CertificationBatch
    scope: PackScope
    pack: PackBuilder = field(default_factory=PackBuilder)
    objects: set[str] = field(default_factory=set)
    score_paths: dict[str, str] = field(default_factory=dict)

    @property
    def organisation_id(self) -> uuid.UUID:
        """Whose walls hold."""
        return self.batch.organisation_id

    # --- the form ----------------------------------------------------------------------------------------------------

    def standard(self) -> str:
        """Write the standard of the batch."""
        path = "standard"
        if not self.pack.has(path):
            found = load_standard_evidence(self.session, self.organisation_id, self.batch.standard_level_id)
            if not found:
                self.pack.missing.append("职业标准")
            self.pack.add(path, "standard", found)
        return path

    def form(self, form_id: uuid.UUID) -> str | None:
        """Write a sealed form with its points, items, reviews, blueprint and key; return the form's path."""
        path = f"forms/{form_id}"
        if self.pack.has(path):
            return path
        found = load_form_evidence(self.session, self.organisation_id, form_id)
        if found is None:
            self.pack.missing.append(f"封存试卷 {form_id}")
            return None
        self.objects.add(str(form_id))
        links = [("blueprint", self._blueprint(form_id, found)), *self._items(found)]
        body = {"form": found.form, "slots": found.slots, "decisions": self._shown(found.decisions)}
        secret = without({"delivery": found.delivery}, ["delivery"], leave_out=not self.scope.has_content)
        self.pack.add(path, "form", {**body, "package": found.package, **secret}, links)
        self._key(form_id, found, path)
        return path

    def _blueprint(self, form_id: uuid.UUID, found: FormEvidence) -> str:
        path = f"blueprints/{form_id}"
        return self.pack.add(path, "blueprint", found.blueprint, [("standard", self.standard())])

    def _items(self, found: FormEvidence) -> list[tuple[str, str]]:
        items = load_item_evidence(self.session, self.organisation_id, found.item_version_ids)
        links: list[tuple[str, str]] = []
        for key in found.item_version_ids:
            if key not in items:
                self.pack.missing.append(f"试题版本 {key}")
            elif not self.pack.has(f"items/{key}"):
                self._item(key, items[key])
            links += [("item", f"items/{key}"), ("review", f"reviews/{key}")] if key in items else []
        return links

    def _item(self, key: uuid.UUID, item: ItemEvidence) -> None:
        self.objects.add(item.facts["item_id"])
        points = [("point", self._point(point)) for point in item.points]
        content = without({"content": item.content}, ["content"], leave_out=not self.scope.has_content)
        path = self.pack.add(f"items/{key}", "item", {"facts": item.facts, **content}, points)
        self.pack.add(f"reviews/{key}", "review", {"decisions": item.reviews}, [("item", path)])

    def _point(self, point: dict[str, Any]) -> str:
        path = f"points/{point['assessment_point_id']}"
        if not self.pack.has(path):
            self.pack.add(path, "point", point, [("standard", self.standard())])
        return path

    def _key(self, form_id: uuid.UUID, found: FormEvidence, form_path: str) -> None:
        changes = load_key_changes(self.session, self.organisation_id, form_id)
        body = {
            "key_version": int(found.scoring["key_version"]) + len(changes),
            "changes": self._shown(changes),
            "scoring_digest": found.package["scoring_digest"],
            "scoring": found.scoring,
        }
        kept = without(body, ["scoring"], leave_out=not self.scope.has_content)
        self.pack.add(f"keys/{form_id}", "key", kept, [("form", form_path)])

    # --- the sitting -------------------------------------------------------------------------------------------------

    def exam_session(self, key: uuid.UUID) -> str:
        """Write a session with its forms."""
        path = f"sessions/{key}"
        if self.pack.has(path):
            return path
        found = load_session_evidence(self.session, self.organisation_id, key)
        forms = [self.form(uuid.UUID(one)) for one in found.get("form_ids", [])]
        self.objects.add(str(key))
        body = {**found, "incidents": self._shown(found.get("incidents", []))}
        return self.pack.add(path, "session", body, [("form", one) for one in forms if one])

    def sitting(self, attempt_id: uuid.UUID, admission_number: str) -> list[str]:
        """Write one candidate's sitting; return the paths of its scores."""
        found = load_attempt_evidence(self.session, self.organisation_id, attempt_id)
        if found is None:
            self.pack.missing.append(f"准考证 {admission_number} 的作答")
            return []
        self.objects.add(str(attempt_id))
        at_session, at_form = self.exam_session(found.exam_session_id), self.form(found.form_id)
        home = f"attempts/{attempt_id}"
        forms = [("form", at_form)] if at_form else []
        self.pack.add(f"{home}/rendered", "rendered", self._rendered(found), forms)
        links = [("rendered", f"{home}/rendered"), ("session", at_session)]
        answers = self.pack.add(f"{home}/answers", "answers", self._answers(found), links)
        marks = self.pack.add(f"{home}/marks", "marks", {"marks": self._shown(found.marks)}, [("answers", answers)])
        basis = [("answers", answers), ("marks", marks)]
        if at_form:
            basis.append(("key", f"keys/{found.form_id}"))
        return [self._score(home, score, basis) for score in found.scores]

    def _rendered(self, found: AttemptEvidence) -> dict[str, Any]:
        body: dict[str, Any] = {"digest": found.rendered_digest}
        if not self.scope.has_content:
            return {**body, "withheld": ["text"]}
        if self.scope.is_personal:
            return {**body, "text": found.rendered}
        shown = without(json.loads(found.rendered), ["candidate"], leave_out=True)
        return {**body, "shown": shown, "withheld": ["text"]}

    def _answers(self, found: AttemptEvidence) -> dict[str, Any]:
        return {
            "attempt": found.attempt,
            "seat": self._shown([found.seat])[0],
            "events": found.events,
            "answers": found.answers,
            "deadline_changes": self._shown(found.deadline_changes),
            "incidents": self._shown(found.incidents),
            **({"voided": self._shown(found.voided)} if found.voided else {}),
        }

    def _score(self, home: str, score: dict[str, Any], basis: list[tuple[str, str]]) -> str:
        path = self.pack.add(f"{home}/scores/{score['number']}", "score", score, basis)
        self.score_paths[score["score_record_id"]] = path
        return path

    def release(self, release_id: uuid.UUID, *, only_own: bool) -> str | None:
        """Write a release; a candidate's own pack leaves out the results of the others."""
        found = load_release_evidence(self.session, self.organisation_id, release_id)
        if not found:
            self.pack.missing.append(f"成绩发布 {release_id}")
            return None
        self.objects |= {str(release_id), found["exam_batch_id"]}
        links = [("score", self.score_paths[row[3]]) for row in found["results"] if row[3] in self.score_paths]
        if only_own:
            own = [row for row in found["results"] if row[3] in self.score_paths]
            found = {**found, "results": own, "withheld": ["results of others"]}
        return self.pack.add(f"releases/{release_id}", "release", found, links)

    # --- the journal -------------------------------------------------------------------------------------------------

    def audit(self) -> str:
        """Write what the journal says of everything that stands in the pack, with the chain's end as a checkpoint."""
        events = events_about(self.session, self.organisation_id, self.objects)
        head = find_head(self.session)
        body = {
            "events": [{**chain.event_body(event), "event_hash": event.event_hash} for event in events],
            "head": {"seq": head.seq, "event_hash": head.event_hash} if head else None,
        }
        return self.pack.add("audit", "audit", body)

    def _shown(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return rows without the texts that people typed when the pack is masked."""
        return [without(row, FREE_TEXTS, leave_out=not self.scope.is_personal) for row in rows]
