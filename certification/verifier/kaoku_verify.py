"""考库证据包离线验证：python3 kaoku_verify.py 证据包 [--keys 公钥文件] [--report 报告.json].

只需要 Python 3.9 或更高版本，不联网，不安装任何程序。退出码：0 完整，1 有改动或缺失，2 用法不对。

A pack is a text file: line 1 the manifest, line 2 its signature, then one entry a line. This program recomputes every
digest and every link, checks the Ed25519 signature (RFC 8032, written out below), recomputes what can be recomputed
(answers, sums of marks, audit events, contents) and names each line where something does not hold.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "kaoku-evidence/1"
FIRST_ENTRY = 3
Json = dict[str, Any]

# Ed25519, RFC 8032 section 5.1
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def point_add(a: Point, b: Point) -> Point:
    """Add two points in extended coordinates."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P


def point_mul(scalar: int, point: Point) -> Point:
    """Multiply a point; verifying uses public values only, so time may depend on them."""
    result: Point = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def recover_x(y: int, sign: int) -> int | None:
    """Return x of a point on the curve, None when there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def decode_point(data: bytes) -> Point | None:
    """Return the point of 32 bytes, None when they are not one."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = recover_x(_BASE_Y, 0) or 0
BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is the signature of `message` under a public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decode_point(public), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = point_mul(s, BASE), point_add(r, point_mul(h, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


class Problem(NamedTuple):
    """Something that does not hold: the line in the file (0 for the whole file), the entry, and what is wrong."""

    line: int
    path: str
    text: str


class BrokenError(ValueError):
    """A line that cannot be read at all."""


def reason_of(exc: Exception) -> str:
    """Return what is wrong with something that could not be read."""
    return str(exc) if isinstance(exc, BrokenError) else "内容不完整"


def canonical(value: Any) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def sha256(data: bytes) -> str:
    """Return a digest as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """Return the digest of a JSON value."""
    return sha256(canonical(value))


def read_line(data: bytes) -> Json:
    """Return the object of a line that is written in the one byte form; raises BrokenError for any other."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BrokenError("不是有效的 JSON") from None
    if not isinstance(value, dict) or canonical(value) != data:
        raise BrokenError("写法被改动")
    return value


def b64_decode(text: str) -> bytes:
    """Return the bytes of a base64url text; another way to write the same bytes is refused."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BrokenError("签名的编码不对") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise BrokenError("签名的编码不对")
    return data


def thumbprint(key: Json) -> str:
    """Return the name of a public key, RFC 7638."""
    body = canonical({name: key.get(name) for name in ("crv", "kty", "x")})
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def jws_payload(text: str, key: Json, kind: str) -> bytes:
    """Return what a compact JWS holds; raises BrokenError when the signature, the key's name or the kind is another."""
    parts = text.split(".")
    if len(parts) != 3:
        raise BrokenError("签名不完整")
    try:
        header = dict(json.loads(b64_decode(parts[0]).decode("utf-8")))
    except (ValueError, TypeError):
        raise BrokenError("签名不完整") from None
    if (header.get("alg"), header.get("typ"), header.get("kid")) != ("Ed25519", kind, key.get("kid")):
        raise BrokenError("签名的算法、用途或密钥不对")
    if not ed25519_verify(b64_decode(str(key.get("x"))), ".".join(parts[:2]).encode(), b64_decode(parts[2])):
        raise BrokenError("签名与内容不符")
    return b64_decode(parts[1])


class Pack:
    """A pack being checked: its manifest, its entries that stand, and the problems so far."""

    def __init__(self, data: bytes) -> None:
        self.problems: list[Problem] = []
        self.manifest: Json = {}
        self.entries: dict[str, Json] = {}
        self.lines: dict[str, int] = {}
        self.n_withheld = 0
        self.raw = data.split(b"\n")
        if self.raw.pop() != b"":
            self.say(0, "", "文件末尾不完整")

    def say(self, line: int, path: str, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(line, path, text))

    def check_manifest(self) -> bool:
        """Read line 1 and check the signature of line 2; False when nothing else can be checked."""
        if len(self.raw) < FIRST_ENTRY:
            self.say(0, "", "文件不完整，缺少清单、签名或内容")
            return False
        try:
            self.manifest = read_line(self.raw[0])
            if self.manifest["format"] != FORMAT:
                raise BrokenError("不是考库证据包，或版本较新")
            self.expected = [(str(path), str(value)) for path, value in self.manifest["entries"]]
            key = dict(self.manifest["key"])
        except (KeyError, TypeError, ValueError) as exc:
            self.say(1, "清单", reason_of(exc))
            return False
        self.lines = {path: number for number, (path, _value) in enumerate(self.expected, FIRST_ENTRY)}
        self.digests = dict(self.expected)
        if key.get("kid") != thumbprint(key) or key.get("crv") != "Ed25519":
            self.say(1, "清单", "公钥与其指纹不符")
        else:
            self._check_signature(key)
        return all(one.line != 1 for one in self.problems)

    def _check_signature(self, key: Json) -> None:
        try:
            line = read_line(self.raw[1])
            payload = jws_payload(str(line.get("signature")), key, "kaoku-evidence")
            if list(line) != ["signature"]:
                raise BrokenError("内容不对")
            if payload != canonical({"format": FORMAT, "manifest": sha256(self.raw[0])}):
                self.say(1, "清单", "与签名不符，清单被改动")
        except BrokenError as exc:
            self.say(2, "签名", str(exc))

    def check_entries(self) -> None:
        """Compare every line with the manifest, then read the lines that stand."""
        by_digest = {sha256(line): line for line in self.raw[FIRST_ENTRY - 1 :]}
        found = [sha256(line) for line in self.raw[FIRST_ENTRY - 1 :]]
        wanted = [value for _path, value in self.expected]
        for path, value in self.expected:
            if value not in by_digest:
                self.say(self.lines[path], path, "内容被改动或缺失")
        if found != wanted and set(wanted) <= set(found):
            at = next((n for n in range(len(wanted)) if found[n] != wanted[n]), len(wanted))
            self.say(at + FIRST_ENTRY, "", "多出了一行，或行的次序被改动")
        for path, value in self.expected:
            if value in by_digest:
                self._read_entry(path, by_digest[value])

    def _read_entry(self, path: str, line: bytes) -> None:
        number = self.lines[path]
        try:
            entry = read_line(line)
            if entry["path"] != path:
                raise BrokenError("名称与清单不符")
            for link in entry["links"]:
                self._check_link(number, link)
            is_partial = "withheld" in entry["body"]
        except (BrokenError, KeyError, TypeError) as exc:
            self.say(number, path, reason_of(exc))
        else:
            self.entries[path] = entry
            self.n_withheld += is_partial

    def _check_link(self, number: int, link: Json) -> None:
        target = str(link["path"])
        if self.lines.get(target, number) >= number:
            raise BrokenError("所依据的“" + target + "”不在它之前")
        if self.digests[target] != link["sha256"]:
            raise BrokenError("与所依据的“" + target + "”不符")

    def check_chain(self) -> None:
        """Check that everything hangs together: from the root every entry can be reached."""
        root = str(self.manifest.get("root"))
        reached, waiting = set(), [root]
        while waiting:
            path = waiting.pop()
            if path not in reached and path in self.entries:
                reached.add(path)
                waiting += [str(link["path"]) for link in self.entries[path]["links"]]
        if root not in self.entries:
            self.say(1, "清单", "找不到总目录“" + root + "”")
        for path in self.entries:
            if path not in reached:
                self.say(self.lines[path], path, "没有任何记录引用它")

    def check_contents(self) -> None:
        """Recompute what the entries say of each other."""
        for path, entry in self.entries.items():
            check = CHECKS.get(str(entry.get("kind")))
            try:
                text = check(self, entry) if check else ""
            except (KeyError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError):
                text = "内容不完整，无法复算"
            if text:
                self.say(self.lines[path], path, text)

    def linked(self, entry: Json, rel: str) -> list[Json]:
        """Return the bodies of the entries that an entry rests on in one way."""
        paths = [str(link["path"]) for link in entry["links"] if link["rel"] == rel]
        return [self.entries[path]["body"] for path in paths if path in self.entries]


def kept(
    name: str, of: Callable[[Json], str], text: str, digest_of: Callable[[Any], str] = digest
) -> Callable[[Pack, Json], str]:
    """Return the check that a part of a body, where it was not withheld, has the digest it was kept with."""

    def check(_pack: Pack, entry: Json) -> str:
        body = entry["body"]
        return text if name in body and digest_of(body[name]) != of(body) else ""

    return check


def check_key(_pack: Pack, entry: Json) -> str:
    """A key is what was sealed, and every change raised its version by one."""
    body = entry["body"]
    if "scoring" in body and digest(body["scoring"]) != body["scoring_digest"]:
        return "评分标准与封存时的校验值不符"
    numbers = [change["number"] for change in body["changes"]]
    return "" if numbers == list(range(1, len(numbers) + 1)) else "答案变更的次序不连续"


def answers_digest(body: Json) -> str:
    """Return the digest of the answers that count, as the receipt has it."""
    return digest({str(one["slot"]): decoded(one["response"]) for one in body["answers"]})


def decoded(text: str) -> Any:
    """Return a stored response; text that is no JSON stands for itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def check_answers(_pack: Pack, entry: Json) -> str:
    """Answers that count arrived as events, and fit the receipt."""
    body = entry["body"]
    events = {(one["slot"], one["seq"]): one["response"] for one in body["events"]}
    for one in body["answers"]:
        if events.get((one["slot"], one["seq"])) != one["response"]:
            return "第 " + str(one["slot"]) + " 题的有效作答没有对应的作答记录"
    receipt = body["attempt"].get("receipt") or {}
    if receipt.get("digest") and receipt["digest"] != answers_digest(body):
        return "作答与交卷回执的校验值不符"
    return ""


def check_score(pack: Pack, entry: Json) -> str:
    """A score rests on these answers, and its slots give the sum."""
    body = entry["body"]
    if any(body["responses_digest"] != answers_digest(answers) for answers in pack.linked(entry, "answers")):
        return "成绩不是按这份作答评出的"
    if body["score"] is None:
        return ""
    earned = sum((Decimal(one["score"]) for one in body["slots"]), Decimal(0))
    kept = sum((Decimal(one["max_score"]) for one in body["slots"]), Decimal(0))
    if kept and kept != Decimal(body["max_score"]):
        earned = earned * Decimal(body["max_score"]) / kept
    total = earned.quantize(Decimal("0.001"), rounding=ROUND_HALF_UP)
    return "" if total == Decimal(body["score"]) else "各题得分之和不等于总分"


def check_release(pack: Pack, entry: Json) -> str:
    """A release holds the scores that it rests on, and in whole its digest."""
    body = entry["body"]
    scores = {one["score_record_id"]: one["score"] for one in pack.linked(entry, "score")}
    for _registration, _outcome, score, record in body["results"]:
        if record in scores and (score is None or Decimal(score) != Decimal(scores[record])):
            return "发布的成绩与评分记录不符"
    if "withheld" not in body:
        whole = digest({"batch": body["exam_batch_id"], "results": body["results"]})
        if whole != body["package_digest"]:
            return "发布的成绩与发布时的校验值不符"
    return ""


def check_decision(_pack: Pack, entry: Json) -> str:
    """A weighted total is the sum of the scores that the decision names, by the weights and the mark of its rule."""
    for one in entry["body"]["decisions"]:
        rule, unit = one["rule"].get("total"), one["rule"].get("rounding_unit")
        said = {about: (code, v) for about, code, _text, v in one["reasons"] if "score" in v or "total" in v}
        code, stated = said.get("total", ("", {}))
        if rule and stated:
            total = sum((Decimal(said[m][1]["score"]) * Decimal(w) for m, w in rule["weights"].items()), Decimal(0))
            if unit:
                total = (total / Decimal(unit)).quantize(Decimal(1), rounding=ROUND_HALF_UP) * Decimal(unit)
            if total != Decimal(stated["total"]):
                return "总分与各项成绩和权重不符"
            if rule.get("pass") and (total >= Decimal(rule["pass"])) != (code == "reached"):
                return "总分是否合格与合格分不符"
    return ""


def check_certificate(pack: Pack, entry: Json) -> str:
    """A certificate says what it said when it was numbered, and its statement is signed."""
    body = entry["body"]
    if "content" in body and digest(body["content"]) != body["content_digest"]:
        return "证书内容与编号时的校验值不符"
    key = pack.manifest["key"]
    for one in body.get("statements", []):
        if one["kid"] == key["kid"]:
            said = json.loads(jws_payload(one["statement"], key, "kaoku-cert").decode("utf-8"))
            if said["n"] != body["number"]:
                return "电子证书的签名内容属于另一张证书"
    return ""


def check_audit(_pack: Pack, entry: Json) -> str:
    """Every event has its own digest, and neighbours link."""
    previous: Json = {}
    for event in entry["body"]["events"]:
        body = {name: value for name, value in event.items() if name != "event_hash"}
        if digest(body) != event["event_hash"]:
            return "审计记录第 " + str(event["seq"]) + " 条与其校验值不符"
        if previous and event["seq"] <= previous["seq"]:
            return "审计记录第 " + str(event["seq"]) + " 条次序不对"
        if previous and event["seq"] == previous["seq"] + 1 and event["previous_hash"] != previous["event_hash"]:
            return "审计记录第 " + str(event["seq"]) + " 条与上一条不相连"
        previous = event
    return ""


CHECKS: dict[str, Callable[[Pack, Json], str]] = {
    "item": kept("content", lambda body: body["facts"]["content_digest"], "试题内容与保存时的校验值不符"),
    "form": kept("delivery", lambda body: body["package"]["delivery_digest"], "试卷与封存时的校验值不符"),
    "rendered": kept("text", lambda body: body["digest"], "考生所见试卷与保存时的校验值不符",
                     lambda text: sha256(text.encode())),
    "key": check_key, "answers": check_answers, "score": check_score,
    "release": check_release, "decision": check_decision, "certificate": check_certificate, "audit": check_audit,
}  # fmt: skip


def check_trust(pack: Pack, keys: bytes | None) -> None:
    """Compare the pack's key with published keys that were fetched by another way."""
    if keys is None:
        return
    try:
        known = {str(one["kid"]): one["x"] for one in json.loads(keys.decode("utf-8"))["keys"]}
    except (ValueError, KeyError, TypeError):
        pack.say(0, "公钥文件", "不是公钥文件")
        return
    key = pack.manifest.get("key", {})
    if known.get(str(key.get("kid"))) != key.get("x"):
        pack.say(1, "清单", "签名密钥不在公布的公钥中")


def verify(data: bytes, keys: bytes | None = None) -> Pack:
    """Return a pack with all that does not hold in it."""
    pack = Pack(data)
    if pack.check_manifest():
        pack.check_entries()
        if not pack.problems:
            pack.check_chain()
            pack.check_contents()
        check_trust(pack, keys)
    return pack


def report(pack: Pack, *, has_keys: bool) -> Json:
    """Return the outcome as JSON."""
    return {
        "ok": not pack.problems,
        **{name: pack.manifest.get(name) for name in ("format", "batch", "organisation", "made_at", "key", "missing")},
        "is_key_checked": has_keys, "n_entries": len(pack.entries), "n_withheld": pack.n_withheld,
        "problems": [one._asdict() for one in pack.problems],
    }  # fmt: skip


def text_of(pack: Pack, *, has_keys: bool) -> str:
    """Return the outcome as people read it."""
    if pack.problems:
        lines = ["证据包不完整或被改动："]
        for one in pack.problems[:50]:
            place = "第 " + str(one.line) + " 行" if one.line else "文件"
            lines.append("  " + place + (" " + one.path if one.path else "") + "：" + one.text)
        return "\n".join(lines) + "\n"
    manifest = pack.manifest
    lines = ["证据包完整：" + str(len(pack.entries)) + " 条记录，签名有效。"]
    lines.append("  机构：" + str(manifest["organisation"]["name"]) + "，批次：" + str(manifest["batch"]["name"]))
    lines.append("  制作：" + str(manifest["made_at"]) + "，密钥：" + str(manifest["key"]["kid"]))
    if pack.n_withheld:
        lines.append("  其中 " + str(pack.n_withheld) + " 条隐去了试题或个人信息，只能核对其校验值。")
    lines += ["  缺少：" + str(one) for one in manifest.get("missing", [])]
    if not has_keys:
        lines.append("  尚未核对密钥：请从发证机构网站取得公钥文件，加上 --keys 再验证一次。")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Verify a pack from the command line."""
    parser = argparse.ArgumentParser(description="考库证据包离线验证")
    parser.add_argument("pack", type=Path, help="证据包文件")
    parser.add_argument("--keys", type=Path, help="发证机构公布的公钥文件（/.well-known/jwks.json）")
    parser.add_argument("--report", type=Path, help="把结果写成 JSON")
    options = parser.parse_args(arguments)
    try:
        data = options.pack.read_bytes()
        keys = options.keys.read_bytes() if options.keys else None
    except OSError as exc:
        parser.error("无法读取文件：" + str(exc))
    pack = verify(data, keys)
    if options.report:
        outcome = report(pack, has_keys=keys is not None)
        options.report.write_text(json.dumps(outcome, ensure_ascii=False, indent=1), encoding="utf-8")
    sys.stdout.write(text_of(pack, has_keys=keys is not None))
    return 1 if pack.problems else 0


if __name__ == "__main__":
    sys.exit(main())
