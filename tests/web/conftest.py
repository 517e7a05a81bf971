from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from kernel.db import db


@pytest.fixture
def count_queries(app):
    """Return a context manager that gives the list of statements sent inside it."""

    @contextmanager
    def counting():
        statements = []

        def note(_connection, _cursor, statement, *_rest):
            if statement.startswith("SELECT"):
                statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return counting
