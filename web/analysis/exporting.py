"""A session's answers for R and other programs: pseudonyms instead of people, and what reads back to the same figures."""

from __future__ import annotations

import csv
import io
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from exam_delivery.public import FormTable, SlotOfForm
from item_templates.rounding import decimal_text
from qbank.public_statistics import VersionName
from web.analysis.carriers import COLUMN
from web.analysis.fairness import NAMED
from web.analysis.sheet import NOT_PRESENTED, NOT_REACHED

EPOCH = (2020, 1, 1, 0, 0, 0)
"""Time of every file in the archive, so that equal data give equal archives."""
ITEM_COLUMNS = ("item", "slot", "part", "code", "version", "type", "point", "max_score", "marked_by")
BY_KEY, BY_SCORE = "key", "score"
README = """# {session} / {title}

Responses of one form, exported for statistics. {n} persons, {k} items. Candidates carry pseudonyms made for this session
alone; names, numbers and groups, but for what they sat on, are not in this archive. Treat it as confidential all the same: it holds the key.
每名考生是只用于本场次的代号；除作答设备外不含姓名、证件号和分组。含标准答案，请妥善保管。

| file | content |
|---|---|
| responses.csv | one row a candidate, one column an item: the chosen options joined by `;` where the key decides the score alone, else the score; empty = omitted, `NR` = not reached |
| key.csv | `item,key,score`: an empty key means that the column of responses.csv holds scores; `score` is the full mark |
| choices.csv | the chosen options of every item with options, whatever decides the score |
| scores.csv | the scores that count, 0 where omitted; `NR` = not reached |
| maximum.csv | a key file for scores.csv |
| items.csv | slot, item code and version, type, assessment point, full mark of every column |
| carriers.csv | on what each candidate sat (`computer`, `tablet`, `phone`, `unknown`); left out where all sat on one, empty where fewer than {least} did |

`kaoku analyse responses.csv --key key.csv --out report.json` gives the figures of the session's report; with
`--groups carriers.csv` those of every carrier, too. Figures of several carriers are figures of several groups of people.

```r
scores <- read.csv("scores.csv", na.strings = "NR", row.names = 1, check.names = FALSE)
psych::alpha(scores, check.keys = FALSE)           # reliability, item-rest correlations (r.drop)
binary <- scores[, sapply(scores, function(x) all(x %in% c(0, 1, NA)))]
mirt::mirt(binary, 1, itemtype = "2PL")            # or TAM::tam.mml.2pl(binary)
responses <- read.csv("responses.csv", na.strings = c("", "NR"), row.names = 1, check.names = FALSE)
```
"""
OWN_FORMS = """
## Every candidate had a form of their own

{n_forms} forms of one set, {k} items in all. A column is one version of an item, whatever its place in each form. What did not
stand in a candidate's form is empty in scores.csv and choices.csv, where R reads a missing value (omitted is 0 there, or `-`),
and `NP` in responses.csv, where an empty cell is an omission. Totals of different forms are compared as shares; alpha needs one
common form, so leave `psych::alpha` out. Models of the item response take the missing values as they are.
本文件夹是一组“一人一卷”的试卷：每列是试题的一个版本；没有出现在考生试卷里的题，scores.csv 与 choices.csv 留空，responses.csv 写 NP。
"""
OMITTED = "-"
"""An omission in choices.csv where an empty cell means something else."""


@dataclass(frozen=True, slots=True)
class ExportForm:
    """One form of a session, ready to be written: `names[j]` heads column j, `pseudonyms[i]` row i."""

    title: str
    table: FormTable
    names: tuple[str, ...]
    pseudonyms: tuple[str, ...]
    versions: Mapping[str, VersionName]
    carriers: tuple[str, ...] = ()


def prepare(
    table: FormTable,
    versions: Mapping[uuid.UUID, VersionName],
    pseudonym: Callable[[uuid.UUID], str],
    carriers: Mapping[uuid.UUID, str] | None = None,
) -> ExportForm:
    """Return a form with names for its columns and rows; rows come in the order of the pseudonyms, which says nothing."""
    known = {str(key): name for key, name in versions.items()}
    order = sorted((pseudonym(key), row) for row, key in enumerate(table.attempt_ids))
    rows = [row for _name, row in order]
    sorted_table = replace(
        table, scores=[table.scores[row] for row in rows], chosen=[table.chosen[row] for row in rows],
        attempt_ids=tuple(table.attempt_ids[row] for row in rows),
        given=None if table.given is None else tuple(table.given[row] for row in rows),
    )  # fmt: skip
    sat = tuple((carriers or {}).get(key, "") for key in sorted_table.attempt_ids)
    names = tuple(name for name, _row in order)
    return ExportForm(table.title, sorted_table, _names(table.slots, known), names, known, _without_few(sat))


def _without_few(carriers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the carriers, empty where so few used one that it could give a person away; none where there is only one."""
    sizes = Counter(carriers)
    return tuple(one if sizes[one] >= NAMED else "" for one in carriers) if len(sizes) > 1 else ()


def _names(slots: Sequence[SlotOfForm], versions: Mapping[str, VersionName]) -> tuple[str, ...]:
    """Return a name for every column: the item's code, with the part of a group of items; the slot where it has no code."""
    n_parts: dict[str, int] = {}
    for slot in slots:
        n_parts[slot.item_version_id] = n_parts.get(slot.item_version_id, 0) + 1
    found = []
    for slot in slots:
        name = versions.get(slot.item_version_id)
        if name is None:
            found.append(f"S{slot.slot}")
        else:
            found.append(f"{name.code}.{slot.part}" if n_parts[slot.item_version_id] > 1 else name.code)
    twice = {name for name, n in Counter(found).items() if n > 1}
    return tuple(f"{name}#{slot.slot}" if name in twice else name for name, slot in zip(found, slots, strict=True))


def archive(session_name: str, forms: Sequence[ExportForm]) -> bytes:
    """Return the zip with a folder a form."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for number, form in enumerate(forms, 1):
            for name, text in files_of(session_name, form).items():
                bundle.writestr(zipfile.ZipInfo(f"form-{number}/{name}", EPOCH), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def files_of(session_name: str, form: ExportForm) -> dict[str, str]:
    """Return the files of one form by name."""
    slots = form.table.slots
    by_key = [_key_decides(form.table, place) for place in range(len(slots))]
    head = ["candidate", *form.names]
    responses = [_row(form, row, by_key) for row in range(len(form.pseudonyms))]
    chosen = [place for place, slot in enumerate(slots) if slot.options]
    choices = [
        [name, *(_shown_choice(form, row, place) for place in chosen)] for row, name in enumerate(form.pseudonyms)
    ]
    scores = [
        [name, *(_shown_score(form, row, place) for place in range(len(slots)))]
        for row, name in enumerate(form.pseudonyms)
    ]
    maxima = [decimal_text(slot.max_score) for slot in slots]
    keys = [";".join(slot.keys) if own else "" for slot, own in zip(slots, by_key, strict=True)]
    sat = [["candidate", COLUMN], *map(list, zip(form.pseudonyms, form.carriers, strict=True))] if form.carriers else []
    return {
        "README.md": _read_me(session_name, form),
        "responses.csv": _csv([head, *responses]),
        "key.csv": _csv([["item", "key", "score"], *map(list, zip(form.names, keys, maxima, strict=True))]),
        "choices.csv": _csv([["candidate", *(form.names[place] for place in chosen)], *choices]),
        "scores.csv": _csv([head, *scores]),
        "maximum.csv": _csv([["item", "key", "score"], *([name, "", most] for name, most in zip(form.names, maxima, strict=True))]),
        "items.csv": _csv([list(ITEM_COLUMNS), *(_item(form, place, BY_KEY if by_key[place] else BY_SCORE) for place in range(len(slots)))]),
    } | ({"carriers.csv": _csv(sat)} if sat else {})  # fmt: skip


def _read_me(session_name: str, form: ExportForm) -> str:
    sizes = {"n": len(form.pseudonyms), "k": len(form.table.slots)}
    text = README.format(session=session_name, title=form.title, least=NAMED, **sizes)
    own = OWN_FORMS.format(n_forms=form.table.n_forms, **sizes) if form.table.given is not None else ""
    return text + own


def _is_given(form: ExportForm, row: int, place: int) -> bool:
    """Say whether an item stood in a candidate's form."""
    return form.table.given is None or place in form.table.given[row]


def _shown_choice(form: ExportForm, row: int, place: int) -> str:
    """Return what was chosen; with forms of their own empty means that the item was not there."""
    if not _is_given(form, row, place):
        return ""
    text = _choice(form.table.chosen[row][place])
    return text if text or form.table.given is None else OMITTED


def _shown_score(form: ExportForm, row: int, place: int) -> str:
    """Return a score, empty where the item was not there."""
    if not _is_given(form, row, place):
        return ""
    score = form.table.scores[row][place]
    return NOT_REACHED if score is None else decimal_text(score)


def _key_decides(table: FormTable, place: int) -> bool:
    """Say whether full marks for exactly the key and nothing else gives every score of a column."""
    slot = table.slots[place]
    if not slot.keys:
        return False
    for chosen, score in zip((row[place] for row in table.chosen), (row[place] for row in table.scores), strict=True):
        if chosen is None:
            continue
        right = slot.max_score if set(chosen) == set(slot.keys) else Decimal(0)
        if score != right:
            return False
    return True


def _row(form: ExportForm, row: int, by_key: Sequence[bool]) -> list[str]:
    chosen, scores = form.table.chosen[row], form.table.scores[row]
    return [
        form.pseudonyms[row],
        *(
            (_choice(chosen[j]) if own else _score(scores[j], chosen[j])) if _is_given(form, row, j) else NOT_PRESENTED
            for j, own in enumerate(by_key)
        ),
    ]


def _choice(chosen: tuple[str, ...] | None) -> str:
    return NOT_REACHED if chosen is None else ";".join(chosen)


def _score(score: Decimal | None, chosen: tuple[str, ...] | None) -> str:
    """Return a score; an omitted item is left empty, which counts as 0."""
    if score is None:
        return NOT_REACHED
    return "" if chosen == () and score == 0 else decimal_text(score)


def _item(form: ExportForm, place: int, marked_by: str) -> list[str]:
    slot, name = form.table.slots[place], form.versions.get(form.table.slots[place].item_version_id)
    return [
        form.names[place], str(slot.slot), str(slot.part), name.code if name else "", str(name.number) if name else "",
        slot.type, slot.point, decimal_text(slot.max_score), marked_by,
    ]  # fmt: skip


def _csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
