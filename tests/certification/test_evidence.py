"""Packs of evidence: the whole way in one file that anybody can verify with Python alone, and that shows every change."""

from __future__ import annotations

import ast
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
import pypdf
import pytest
from click.testing import CliRunner

from certification.cli import evidence_group
from certification.models import EvidencePack
from certification.rules.archive import EXPECTED
from certification.services import archive, evidence
from certification.services.evidence_entries import PackScope
from certification.verifier import kaoku_verify
from kernel.audit.models import AuditEvent
from kernel.canonical import canonical_json, digest_bytes
from kernel.db import db
from kernel.errors import ForbiddenError
from kernel.identity.permissions import Permission
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.certification.evidence_world import inside_a_transaction, make_packs
from web.cli import LazyApp

N_FLIPS = 150
RFC_8032 = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.fixture(scope="module")
def packs(app_with_schema, tmp_path_factory):
    with inside_a_transaction(app_with_schema):
        yield make_packs(tmp_path_factory.mktemp("evidence"))


def lines_of(pack):
    return pack.decode().splitlines()


def bodies(pack, kind):
    entries = map(json.loads, lines_of(pack)[2:])
    return [entry["body"] for entry in entries if entry["kind"] == kind]


def rebuilt(pack, line, change):
    """Return a pack with one entry changed and every digest written anew, as somebody with the key would do it."""
    head, signature, *entries = [json.loads(one) for one in lines_of(pack)]
    change(entries[line]["body"])
    digests, raw = {}, []
    for entry in entries:
        for link in entry["links"]:
            link["sha256"] = digests[link["path"]]
        raw.append(canonical_json(entry))
        digests[entry["path"]] = digest_bytes(raw[-1])
    head["entries"] = [[path, value] for path, value in digests.items()]
    return b"\n".join([canonical_json(head), canonical_json(signature), *raw]) + b"\n"


def index_of(pack, kind):
    """Return which entry is the last of a kind: of sittings one that took place."""
    entries = [json.loads(one) for one in lines_of(pack)[2:]]
    return max(n for n, one in enumerate(entries) if one["kind"] == kind and one["body"].get("answers") != [])


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_verifiers_own_signature_check_knows_the_published_vectors(public, message, signature):
    key, text, signed = (bytes.fromhex(one) for one in (public, message, signature))
    assert kaoku_verify.ed25519_verify(key, text, signed)
    assert not kaoku_verify.ed25519_verify(key, text + b"x", signed)
    for position in (0, 31, 32, 63):
        broken = bytearray(signed)
        broken[position] ^= 1
        assert not kaoku_verify.ed25519_verify(key, text, bytes(broken))
    larger = int.from_bytes(signed[32:], "little") + kaoku_verify.L
    assert not kaoku_verify.ed25519_verify(key, text, signed[:32] + larger.to_bytes(32, "little"))


def test_a_pack_holds_the_way_from_the_point_to_the_certificate_and_verifies(packs):
    checked = kaoku_verify.verify(packs.whole, packs.keys)
    assert checked.problems == []
    kinds = [json.loads(one)["kind"] for one in lines_of(packs.whole)[2:]]
    way = [
        "standard", "point", "item", "review", "blueprint", "form", "key", "session", "rendered", "answers", "marks",
        "score", "release", "decision", "publicity", "roster", "steps", "certificate", "candidate", "audit", "contents",
    ]  # fmt: skip
    assert set(way) == set(kinds)
    assert json.loads(lines_of(packs.whole)[0])["missing"] == []
    (certificate,) = bodies(packs.whole, "certificate")
    assert certificate["statements"]
    acts = {event["act"] for one in bodies(packs.whole, "audit") for event in one["events"]}
    assert {"scores.release", "certification.receive", "certificate.issue"} <= acts


def test_every_answer_event_stands_in_it_the_changed_ones_too(packs):
    sat = [one for one in bodies(packs.whole, "answers") if one["attempt"]["receipt"]]
    assert len(sat) == 2
    for one in sat:
        assert len(one["events"]) == 2 * len(one["answers"])
        assert kaoku_verify.answers_digest(one) == one["attempt"]["receipt"]["digest"]


def test_a_masked_pack_names_nobody_and_shows_no_item_but_verifies(packs):
    for pack in (packs.masked, packs.one):
        text = pack.decode()
        assert kaoku_verify.verify(pack, packs.keys).problems == []
        assert not [one for one in (*packs.names, *packs.id_numbers) if one in text]
        assert all("content" not in item for item in bodies(pack, "item"))
        assert all("scoring" not in key and key["scoring_digest"] for key in bodies(pack, "key"))
        assert all("text" not in one for one in bodies(pack, "rendered"))
    assert all(name in packs.whole.decode() for name in packs.names)


def test_the_pack_of_one_candidate_says_nothing_of_the_others(packs):
    (person,) = bodies(packs.one, "candidate")
    (release,) = bodies(packs.one, "release")
    assert len(release["results"]) == 1
    others = [number for number in packs.admission_numbers if number != person["admission_number"]]
    assert not [number for number in others if number in packs.one.decode()]


def test_whatever_byte_is_flipped_the_verifier_names_its_line(packs):
    chosen = random.Random(20261122)
    ends = [0]
    for line in packs.whole.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    first = [*range(0, ends[2], 97)]
    places = first + [chosen.randrange(len(packs.whole)) for _ in range(N_FLIPS)] + [len(packs.whole) - 1]
    for place in places:
        broken = bytearray(packs.whole)
        broken[place] ^= chosen.choice([1, 2, 4, 8, 16, 32, 64, 128, 255])
        line = next(n for n, end in enumerate(ends) if end > place)
        named = {one.line for one in kaoku_verify.verify(bytes(broken)).problems}
        assert line in named, (place, line, named)


@pytest.mark.parametrize("change", ["cut", "swap", "double", "drop", "empty", "foreign", "more"])
def test_lines_that_are_cut_moved_doubled_or_dropped_are_found(packs, change):
    lines = packs.masked.splitlines(keepends=True)
    broken = {
        "cut": packs.masked[: len(packs.masked) // 2],
        "swap": b"".join([*lines[:5], lines[6], lines[5], *lines[7:]]),
        "double": b"".join([*lines[:6], *lines[5:]]),
        "drop": b"".join([*lines[:9], *lines[10:]]),
        "empty": b"",
        "foreign": b"\x00\xff" * 50,
        "more": packs.masked + b"{}\n",
    }[change]
    assert kaoku_verify.verify(broken).problems


def change_certificate(body):
    body["content"]["name"] = "别人"


def change_score(body):
    body["score"] = "99.000"


def change_answer(body):
    body["answers"][0]["response"] = '["Z"]'


def change_key(body):
    body["scoring"]["slots"][0]["content"]["key"] = "Z"


def change_item(body):
    body["content"]["stem"] = "另一道题"


def change_event(body):
    body["events"][0]["actor_name"] = "别人"


def change_result(body):
    body["results"][1][2] = "100"


@pytest.mark.parametrize(
    ("kind", "change"),
    [("certificate", change_certificate), ("score", change_score), ("answers", change_answer), ("key", change_key),
     ("item", change_item), ("audit", change_event), ("release", change_result)],
)  # fmt: skip
def test_even_who_writes_all_digests_anew_contradicts_the_records_themselves(packs, kind, change):
    line = index_of(packs.whole, kind)
    forged = rebuilt(packs.whole, line, change)
    checked = kaoku_verify.verify(forged)
    assert [one.line for one in checked.problems] == [1]  # the signature
    again = kaoku_verify.Pack(forged)
    again.check_manifest()
    again.problems.clear()
    again.check_entries()
    again.check_chain()
    again.check_contents()
    assert line + 3 in {one.line for one in again.problems}


def test_a_pack_signed_with_another_key_is_found_out_by_the_published_keys(packs):
    other = json.dumps({"keys": [{"kid": "x", "x": "y"}]}).encode()
    assert [one.text for one in kaoku_verify.verify(packs.one, other).problems] == ["签名密钥不在公布的公钥中"]
    assert kaoku_verify.verify(packs.one, b"no keys").problems


def test_the_verifier_runs_alone_with_nothing_but_python(packs, tmp_path, app_with_schema):
    script = app_with_schema.test_client().get("/certificates/kaoku_verify.py").data
    (tmp_path / "kaoku_verify.py").write_bytes(script)
    (tmp_path / "pack.jsonl").write_bytes(packs.one)
    broken = bytearray(packs.one)
    broken[len(broken) // 2] ^= 1
    (tmp_path / "broken.jsonl").write_bytes(broken)
    command = [sys.executable, "-I", "-S", "kaoku_verify.py"]
    good = subprocess.run([*command, "pack.jsonl"], cwd=tmp_path, capture_output=True, text=True, check=False)
    bad = subprocess.run([*command, "broken.jsonl"], cwd=tmp_path, capture_output=True, text=True, check=False)
    none = subprocess.run([*command, "nowhere"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, bad.returncode, none.returncode) == (0, 1, 2)
    assert "证据包完整" in good.stdout
    assert "内容被改动或缺失" in bad.stdout
    source = Path(kaoku_verify.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 9))


def test_an_officer_makes_and_takes_a_pack_and_the_journal_says_so(packs):
    actor = replace(packs.actor, permissions=packs.actor.permissions - {Permission.FORM_READ})
    with unit_of_work(actor) as uow:
        job = evidence.request_pack(uow, packs.batch_id, packs.records[0], PackScope(is_personal=True))
    assert run_job(job.job_id) == "done", job.error
    row = db.session().query(EvidencePack).filter_by(job_id=job.job_id).one()
    assert packs.names[0].encode() not in row.ciphertext
    with unit_of_work(actor) as uow:
        name, content = evidence.read_pack(uow, row.evidence_pack_id)
    assert name == f"证据包_{packs.admission_numbers[0]}.jsonl"
    assert kaoku_verify.verify(content, packs.keys).problems == []
    acts = [event.act for event in db.session().query(AuditEvent).order_by(AuditEvent.seq.desc()).limit(4)]
    assert acts[0] == "personal_data.reveal"
    assert "evidence.make" in acts


def test_names_and_items_go_only_to_those_who_may_see_them(packs):
    may = frozenset({Permission.EVIDENCE_MAKE, Permission.CERTIFICATION_READ})
    actor = replace(packs.actor, permissions=may)
    for scope in (PackScope(is_personal=True), PackScope(has_content=True)):
        with pytest.raises(ForbiddenError):
            evidence.build_pack(db.session(), actor, packs.batch_id, None, scope)
    with pytest.raises(ForbiddenError):
        evidence.build_pack(db.session(), replace(actor, permissions=frozenset()), packs.batch_id, None, PackScope())


def test_the_command_line_makes_and_verifies_packs(packs, app_with_schema, tmp_path):
    lazy = LazyApp()
    lazy._app = app_with_schema
    out, verifier = tmp_path / "pack.jsonl", tmp_path / "verify.py"
    batch = json.loads(lines_of(packs.one)[0])["batch"]["code"]

    def run(*arguments):
        return CliRunner().invoke(evidence_group, [str(one) for one in arguments], obj=lazy)

    made = run(
        "make", "--batch", batch, "--candidate", packs.admission_numbers[0], "--organisation", "EVIDENCE", "--out", out
    )
    assert made.exit_code == 0, made.output
    assert run("verify", out, "--report", tmp_path / "report.json").exit_code == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["ok"]
    assert run("verifier", "--out", verifier).exit_code == 0
    assert verifier.read_bytes() == Path(kaoku_verify.__file__).read_bytes()
    out.write_bytes(packs.one[:-9])
    assert run("verify", out).exit_code == 1


def test_the_five_archive_volumes_hold_what_is_known_and_name_what_is_not(packs):
    with unit_of_work(packs.actor) as uow:
        job = archive.request_archive(uow, packs.batch_id)
    assert run_job(job.job_id) == "done", job.error
    row = db.session().query(EvidencePack).filter_by(job_id=job.job_id).one()
    with unit_of_work(packs.actor) as uow:
        name, content = evidence.read_pack(uow, row.evidence_pack_id)
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content)) as volumes:
        names = volumes.namelist()
        index = volumes.read("归档目录.pdf")
        word = volumes.read("归档目录.docx")
        pack = volumes.read("第4卷_试卷与结果/批次证据包.jsonl")
        results = volumes.read("第4卷_试卷与结果/评价结果汇总表.xlsx")
        seats = volumes.read("第3卷_考试过程/考生签到表.xlsx")
        tables = [volumes.read(one) for one in names if one.endswith(".xlsx") and one.startswith(("第3卷", "第5卷"))]
    assert {one.partition("/")[0] for one in names if "/" in one} == {
        "第1卷_报名与资格审核", "第2卷_计划备案", "第3卷_考试过程", "第4卷_试卷与结果", "第5卷_证书"
    }  # fmt: skip
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(index)).pages)
    missing = [one for one in EXPECTED if f"{one.title}（系统外保存，请补入）" in text]
    assert missing == [one for one in EXPECTED if one.is_outside]
    assert "尚缺：备案范围；评价计划备案情况；考务实施方案" in text
    assert digest_bytes(results)[:16] in text
    assert "考场情况记录" in "".join(one.text for one in docx.Document(io.BytesIO(word)).paragraphs)
    assert kaoku_verify.verify(pack, packs.keys).problems == []
    assert all(name in str(read_table(results)[0].rows) for name in packs.names)
    assert len(read_table(seats)[0].rows) == 2 + len(packs.names)
    told = "".join(str(read_table(one)[0].rows) for one in tables if one.startswith(b"PK"))
    assert "正常" in told
    assert "封存" in told
    assert not re.search(r"'(admitted|seal|sealed_digest|note|open|[0-9-]{10}T[0-9:.]+\+00:00)'|UTC", told)


def test_archive_volumes_name_people_and_so_need_both_permissions(packs):
    for missing in (Permission.EVIDENCE_MAKE, Permission.PERSONAL_DATA_REVEAL):
        actor = replace(packs.actor, permissions=packs.actor.permissions - {missing})
        with pytest.raises(ForbiddenError), unit_of_work(actor) as uow:
            archive.request_archive(uow, packs.batch_id)
