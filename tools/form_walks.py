"""How the pictures of forms are reached: one for each candidate, and a whole form made elsewhere."""

from __future__ import annotations

import re
from typing import Any

CODE = re.compile(r"(?![A-Z]-[A-Z]-[A-Z]-\d{3})[A-Z0-9]+(?:-[A-Z0-9]+)*-\d+")
"""The code of an item, not that of a point."""


def look_at_own_forms(seat: Any) -> None:
    """The assembler looks at a set of forms, one for each candidate, and at the draw that it came from."""
    seat.sign_in("assembler").open("/form-sets/")
    page = seat.follow(r"/form-sets/ID$")
    page.get_by_role("heading", name="各份试卷").wait_for()
    seat.shoot("form-set")
    seat.follow(r"/assembly-runs/ID$")
    seat.shoot("form-set-draw", top=".tiles")


def check_a_whole_form(seat: Any) -> None:
    """The assembler holds a form made elsewhere against a blueprint; it lacks an item."""
    page = seat.sign_in("assembler").open("/assembly-runs/")
    runs = page.locator("main a[href*='/assembly-runs/']").evaluate_all(
        "all => all.map(one => one.getAttribute('href'))"
    )
    seat.open(runs[-1])
    cells = page.locator("main td.cell-nowrap").all_inner_texts()
    codes = list(dict.fromkeys(found.group() for text in cells if (found := CODE.fullmatch(text.strip()))))
    seat.follow(r"/blueprints/ID$")
    page.get_by_role("link", name="检查整套试卷").click()
    page.get_by_label("试题编号").fill("\n".join(codes[1:]))
    page.get_by_role("button", name="核对").click()
    page.get_by_role("heading", name="不符合的要求").wait_for()
    seat.shoot("whole-form")
