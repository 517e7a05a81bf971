"""Lines break, acknowledgements get lost, everybody comes at once, hand-ins arrive many times, a second machine takes over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from sqlalchemy import text

from tests.chaos.clients import Crowd, Device
from tests.chaos.disk import CLOCK_SHIFT_MS
from tests.chaos.history import OK, Books, Call
from tests.chaos.lines import Line, line_to
from tests.chaos.matrix import Bench, Evidence, any_site, conclude, fault
from tests.chaos.sites import Site
from tests.exam_delivery.sitting_cases import N_SLOTS

HOUR_MS = 3_600_000
N_OFFLINE = 200
N_LINES = 6


def at_once(acts: Sequence[Callable[[], object]]) -> None:
    """Do all of it at the same moment, as near as threads come to that."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        barrier.wait(60)
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


def judge(site: Site, evidence: Evidence, devices: Sequence[Device]) -> None:
    """Hold what devices that share a history saw against what is kept."""
    for device in devices:
        device.close()
    conclude(site, evidence, Crowd(devices), devices[0].history)


@fault(
    "F7", f"the line is cut, {N_OFFLINE} answers are given meanwhile, the deadline passes, then time is given back",
    "all arrive in order; late ones are kept and marked, and count once they are in time again", short=2, long=40,
)  # fmt: skip
def offline(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    history: list[Call] = []
    with any_site(bench, n=tries) as site:
        devices = [Device(site.port, person, history) for person in site.sitting.people]
        for device in devices:
            device.enter()
            _answer_offline(site, device, evidence)
        judge(site, evidence, devices)
    return evidence


def _answer_offline(site: Site, device: Device, evidence: Evidence) -> None:
    waiting = []
    for k in range(N_OFFLINE):
        device.answer(k % N_SLOTS + 1, [f"offline {k}"])
        waiting.append(device.outbox[k % N_SLOTS + 1])
    site.control[CLOCK_SHIFT_MS] = HOUR_MS + 60_000
    evidence.demand(device.send(events=waiting)[1] == "attempt_closed", "late answers were taken as if in time")
    kept = Books(site.engine)[device.person.attempt_id.hex]
    evidence.demand(
        len(kept.events) == N_OFFLINE and all(row.is_late for row in kept.events) and not kept.states,
        "late answers were not kept apart",
    )
    site.control[CLOCK_SHIFT_MS] = 0
    outcome = device.insist(lambda: device.send(events=waiting))
    evidence.demand(outcome[0] == OK, f"answers that are in time again were refused: {outcome[1]}")
    evidence.demand(not device.outbox, "something still waits")


@fault("F8", "every acknowledgement is lost three times", "nothing is doubled, nothing is lost", short=10, long=1000)
def acknowledgements_lost(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    with any_site(bench, n=1) as site:
        device = Device(site.port, site.sitting.people[0], [])
        device.enter()
        for k in range(tries):
            device.answer(k % N_SLOTS + 1, [f"{k}"])
            for _ in range(3):
                device.send(lose=True)
            evidence.demand(device.insist(device.send)[0] == OK, "a repeated answer was refused")
        judge(site, evidence, [device])
    return evidence


@fault(
    "F8b", "the line breaks after the n-th byte of a request or of an answer",
    "half a request changes nothing, half an answer is no answer; nothing is lost or doubled", short=8, long=600, is_of_one_piece=True,
)  # fmt: skip
def line_breaks(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    with any_site(bench, n=1) as site, line_to(site.port) as line:
        device = Device(line.port, site.sitting.people[0], [])
        device.enter()
        sizes, n_whole = _sizes_of_a_save(device, line), 0
        for k in range(tries):
            device.answer(1, [f"{k:05}"])
            n = k // 2 * (sizes[k % 2] - 1) // max(1, tries // 2)
            line.cut_up, line.cut_down = (n, -1) if k % 2 else (-1, n)
            n_breaks = line.n_breaks
            is_broken = (
                device.send()[0] != OK or line.n_breaks == n_breaks
            )  # an answer by the direct line is shorter: it came whole
            evidence.demand(is_broken, f"an answer of which {n} bytes came was taken for whole")
            line.cut_up = line.cut_down = -1
            n_whole += line.n_breaks == n_breaks
            evidence.demand(device.insist(device.send)[0] == OK, "a repeated answer was refused")
        evidence.demand(n_whole <= tries // 10, f"{n_whole} of {tries} lines never broke")
        judge(site, evidence, [device])
    return evidence


def _sizes_of_a_save(device: Device, line: Line) -> tuple[int, int]:
    """Return how many bytes the shortest answer and request of a save have: one by the direct line has fewer headers."""
    sizes = [_size_of_a_save(device, line) for _ in range(5)]
    return min(down for down, _up in sizes), min(up for _down, up in sizes)


def _size_of_a_save(device: Device, line: Line) -> tuple[int, int]:
    line.n_up = line.n_down = 0
    device.answer(1, ["first"])
    device.insist(device.send)
    return line.n_down, line.n_up


@fault(
    "F13", "a slow line: 400 ms there and back, 50 KB/s down, 20 KB/s up",
    "every call is answered, nothing is lost or doubled", short=1, long=60,
)  # fmt: skip
def slow_line(bench: Bench, tries: int) -> Evidence:
    """Every candidate has a line of their own; a try is a save."""
    evidence = Evidence()
    n = min(tries, N_LINES)
    history: list[Call] = []
    with any_site(bench, n=n) as site, ExitStack() as lines:
        devices = []
        for person in site.sitting.people[:n]:
            line = lines.enter_context(line_to(site.port))
            line.delay, line.up_bytes_per_second, line.down_bytes_per_second = 0.4, 20_000, 50_000
            devices.append(Device(line.port, person, history))
        at_once([partial(_answer_slowly, device, evidence, range(k, tries, n)) for k, device in enumerate(devices)])
        saves = sum(call.kind == "save" and call.outcome == OK for call in history)
        evidence.demand(saves == tries, f"{saves} of {tries} slow saves were answered")
        judge(site, evidence, devices)
    return evidence


def _answer_slowly(device: Device, evidence: Evidence, numbers: range) -> None:
    device.enter()
    evidence.demand(device.call("form")[0] == OK, "the form did not come")
    for k in numbers:
        device.answer(k % N_SLOTS + 1, [f"{k}"])
        evidence.demand(device.send()[0] == OK, "a slow save was refused")


@fault("F9", "fifty hand-ins of one candidate at the same moment", "one hand-in, one receipt for all", short=1, long=40)
def handed_in_many_times(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    history: list[Call] = []
    with any_site(bench, n=tries) as site:
        devices = [Device(site.port, person, history) for person in site.sitting.people]
        for device in devices:
            device.enter()
            device.answer(1, ["A"])
            device.insist(device.send)
            hands = [_same(device) for _ in range(50)]
            at_once([hand.submit for hand in hands])
            for hand in hands:
                hand.close()
        receipts = [call for call in history if call.kind == "submit" and call.outcome == OK]
        evidence.demand(len(receipts) == 50 * tries, f"{50 * tries - len(receipts)} hand-ins got no receipt")
        judge(site, evidence, devices)
    return evidence


def _same(device: Device) -> Device:
    """Return another connection of the same page."""
    other = Device(device.port, device.person, device.history, device.name)
    other.token, other.generation = device.token, device.generation
    return other


@fault(
    "F10", "a second machine takes over while the first one holds unsent answers; later the first one comes back",
    "the older page is told so at its next call; no answer of the newer one is replaced by an older one", short=3, long=300,
)  # fmt: skip
def second_machine(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    with any_site(bench, n=1) as site:
        history: list[Call] = []
        first, second = (Device(site.port, site.sitting.people[0], history, name) for name in ("first", "second"))
        for k in range(tries):
            _change_machines(first, second, evidence, k)
        judge(site, evidence, [first, second])
    return evidence


def _change_machines(first: Device, second: Device, evidence: Evidence, k: int) -> None:
    first.enter()
    for n in range(7):
        first.answer(1, [f"unsent {k}-{n}"])
    second.enter()
    second.answer(1, [f"newer {k}"])
    evidence.demand(second.send()[0] == OK, "the newer machine was refused")
    evidence.demand(first.send()[1] == "attempt_taken_over", "the older page was not told")
    first.enter()
    first.send()
    state = first.read()[2]["responses"]["1"]["response"]
    evidence.demand(state == [f"newer {k}"], f"an older answer stands: {state}")


@fault(
    "F18",
    "everybody opens the exam at the same moment",
    "nobody is turned away; everybody gets the form",
    short=12,
    long=300,
    is_of_one_piece=True,
)
def everybody_starts(bench: Bench, tries: int) -> Evidence:
    """`tries` is the number of candidates."""
    evidence = Evidence()
    history: list[Call] = []
    with any_site(bench, n=tries) as site:
        devices = [Device(site.port, person, history) for person in site.sitting.people]
        at_once([_opening(device) for device in devices])
        n_forms = sum(call.kind == "form" and call.outcome == OK for call in history)
        evidence.demand(n_forms == tries, f"{tries - n_forms} candidates got no form")
        failed = {call.code for call in history if call.outcome != OK}
        evidence.demand(not failed, f"calls failed: {failed}")
        waits = sorted(call.ended - call.began for call in history)
        evidence.note(p95_ms=round(1000 * waits[int(0.95 * (len(waits) - 1))]))
        judge(site, evidence, devices)
    return evidence


def _opening(device: Device) -> Callable[[], object]:
    def open_the_exam() -> None:
        device.sign_in()
        device.call("start", {})
        device.call("form")
        device.read()

    return open_the_exam


@fault(
    "F11", "the server's wall clock jumps by hours and days, back and forth, short of the deadline",
    "the stored deadline stands; order follows the sequence alone; no answer is refused or lost", short=6, long=200,
)  # fmt: skip
def clock_jumps(bench: Bench, tries: int) -> Evidence:
    evidence = Evidence()
    history: list[Call] = []
    with any_site(bench, n=4) as site:
        devices = [Device(site.port, person, history) for person in site.sitting.people]
        for device in devices:
            device.enter()
        before = _deadlines(site)
        for k in range(tries):
            site.control[CLOCK_SHIFT_MS] = (-24 * HOUR_MS, HOUR_MS // 2, -HOUR_MS, 50 * 60_000, 0)[k % 5]
            for device in devices:
                device.answer(k % N_SLOTS + 1, [f"{k}"])
                evidence.demand(device.insist(device.send)[0] == OK, f"an answer was refused at jump {k}")
        site.control[CLOCK_SHIFT_MS] = 0
        evidence.demand(_deadlines(site) == before, "a deadline changed")
        judge(site, evidence, devices)
    return evidence


def _deadlines(site: Site) -> dict[str, str]:
    with site.engine.connect() as connection:
        rows = connection.execute(text("SELECT attempt_id, deadline_at FROM attempts")).all()
    ours = {person.attempt_id.hex for person in site.sitting.people}
    return {str(key): str(at) for key, at in rows if str(key).replace("-", "") in ours}
