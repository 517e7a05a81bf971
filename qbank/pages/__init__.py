"""Pages of the bank."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy.orm import Session

from kernel.http import MenuEntry, Todo
from kernel.identity.actor import Actor
from qbank.pages import (
    bank_reports,
    corrections,
    disclosures,
    duplicates,
    edition_tasks,
    editions,
    import_items,
    import_quality,
    imports,
    item_bulk,
    item_curation,
    item_editor,
    item_guides,
    items,
    lint,
    media,
    migrations,
    notices,
    occupations,
    outline_import,
    outlines,
    reviews,
    sharing,
    standards,
    weights,
    workflow,
    writing,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    standards.bp,
    editions.bp,
    migrations.bp,
    edition_tasks.bp,
    corrections.bp,
    corrections.open_bp,
    bank_reports.bp,
    sharing.bp,
    outlines.bp,
    outline_import.bp,
    weights.bp,
    occupations.bp,
    items.bp,
    item_editor.bp,
    item_guides.bp,
    item_bulk.bp,
    item_curation.bp,
    lint.bp,
    duplicates.bp,
    imports.bp,
    import_items.bp,
    import_quality.bp,
    reviews.bp,
    workflow.bp,
    notices.bp,
    disclosures.bp,
    media.bp,
    writing.bp,
)
MENU: tuple[MenuEntry, ...] = (
    *standards.MENU,
    *migrations.MENU,
    *corrections.MENU,
    *bank_reports.MENU,
    *sharing.MENU,
    *items.MENU,
    *duplicates.MENU,
    *lint.MENU,
    *imports.MENU,
    *reviews.MENU,
    *workflow.MENU,
    *writing.MENU,
    *disclosures.MENU,
)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what waits for this person in the bank."""
    return [
        *standards.todos(session, actor),
        *migrations.todos(session, actor),
        *corrections.todos(session, actor),
        *bank_reports.todos(session, actor),
        *sharing.todos(session, actor),
        *reviews.todos(session, actor),
        *imports.todos(session, actor),
        *duplicates.todos(session, actor),
        *writing.todos(session, actor),
        *notices.todos(session, actor),
    ]
