"""With the network cable pulled, nothing on the page leads away from the exam."""

from __future__ import annotations

from playwright.sync_api import expect


def test_with_the_cable_pulled_no_control_leads_away_from_the_exam(room) -> None:
    page = room.seated()
    moves: list[str] = []
    page.on("framenavigated", lambda frame: moves.append(frame.url))
    page.context.set_offline(True)
    buttons = page.get_by_role("button")
    names = dict.fromkeys(buttons.nth(k).inner_text() for k in range(buttons.count()))
    assert len(names) > 5
    for name in filter(None, names):
        button = page.get_by_role("button", name=name).first
        if button.is_visible() and button.is_enabled():
            button.dispatch_event("click")
            page.keyboard.press("Escape")
    links = page.get_by_role("link")
    targets = [links.nth(k).get_attribute("href") for k in range(links.count())]
    assert [target for target in targets if not (target or "").startswith("#")] == []
    expect(page.locator("article.item h2")).not_to_have_count(0)  # in Chinese, or in English out of what was kept
    assert moves == []
    page.context.set_offline(False)
