"""The test database, the application, and people to act."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy.orm import Session

from kernel.clock import now
from kernel.db import db
from kernel.identity.actor import Actor, permissions_of, system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import open_session
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.databases import Embedded, Served
from tests.sharing import ADDRESS, Claims, run_shared
from web.app import create_app

hypothesis_settings.register_profile("kaoku", deadline=None, derandomize=True)  # a loaded machine is no failure
hypothesis_settings.load_profile("kaoku")
expect.set_options(timeout=30_000)  # as long as other patience in a browser: what never comes fails all the same
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECRET = "a secret of the tests, long enough to be one"
Databases = Embedded | Served
GIVE_A_DATABASE = {"databases", "journey_database", "fresh_installation"}
LONGEST = [
    "tests/journeys/test_the_whole_way.py", "tests/journeys/test_main_screens.py", "tests/kernel/test_jobs_survive_kills.py",
    "tests/journeys/test_three_hundred_candidates.py", "tests/chaos/test_fault_matrix.py",
    "tests/exam_delivery/player/test_player_accessibility.py", "tests/exam_delivery/player/test_player_faults.py",
    "tests/exam_delivery/test_answering_survives_kills.py", "tests/web/test_components_in_browser.py",
    "tests/qbank/interchange/test_hostile_files.py", "tests/qbank/interchange/test_every_format.py",
]  # fmt: skip
"""Files that take more than half a minute, longest first; each is run by one process from its first test to its last."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, for processes side by side end together then; leave out what has no meaning here."""
    items.sort(key=lambda item: place_of(item.nodeid.partition("::")[0]))
    elsewhere = [item for item in items if not has_meaning_here(item)]
    config.hook.pytest_deselected(items=elsewhere)
    left_out = set(elsewhere)
    items[:] = [item for item in items if item not in left_out]


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the files that no other process of this run has taken; without a folder to mark them in, leave the loop to pytest."""
    folder = os.environ.get(ADDRESS)
    if not folder or session.config.option.collectonly or session.testsfailed:
        return None

    def run(item: pytest.Item, following: pytest.Item | None) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldstop or session.shouldfail:
            raise session.Interrupted(session.shouldstop or session.shouldfail)

    run_shared(session.items, Claims(Path(folder)), run)
    return True


def has_meaning_here(item: pytest.Item) -> bool:
    """Say whether a test belongs to this engine: to SQLite everything, to PostgreSQL whatever asks for a database.

    The address of PostgreSQL comes to a test through these fixtures alone: what has none of them would do the same again.
    """
    speaks_of_postgresql = item.get_closest_marker("postgresql") is not None
    if not os.environ.get("KAOKU_TEST_DATABASE_URL", "").startswith("postgresql"):
        return not speaks_of_postgresql
    return speaks_of_postgresql or not GIVE_A_DATABASE.isdisjoint(getattr(item, "fixturenames", ()))


def place_of(file: str) -> int:
    """Return where a file stands in the order of the run."""
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser of a run: Playwright's synchronous interface can be started only once in a process."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Debian's chromium is not installed: run 'make setup-dev'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    return Embedded(tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="session")
def databases(embedded: Embedded) -> Iterator[Databases]:
    """Databases on the engine under test: SQLite unless the environment names another."""
    address = os.environ.get("KAOKU_TEST_DATABASE_URL")
    if not address:
        yield embedded
        return
    served = Served(address)
    yield served
    served.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("instance")
    with databases.with_schema(folder) as address:
        yield Settings(instance_dir=folder, database_url=address, secret_key=SECRET)


@pytest.fixture(scope="session")
def app_with_schema(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config["TESTING"] = True
    app.config["WTF_CSRF_ENABLED"] = False  # one test switches it on again; the others speak without a page before
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(app_with_schema: Flask) -> Iterator[Flask]:
    """The application inside an outer transaction that is rolled back: commits in the code end savepoints."""
    with app_with_schema.app_context():
        engine = db.engine
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection
        db.session.remove()
        try:
            yield app_with_schema
        finally:
            db.session.remove()
            outer.rollback()
            connection.close()
            db.engines[None] = engine


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="DEMO", name="演示评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000011000001",
            is_active=True, created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row


@pytest.fixture
def other_organisation(app: Flask) -> Organisation:
    with unit_of_work(system_actor()) as uow:
        row = Organisation(
            code="OTHER", name="另一演示机构", kind=OrganisationKind.SOCIAL, certificate_prefix="S000012000002",
            is_active=True, created_at=now(),
        )  # fmt: skip
        uow.add(row)
    return row


MakeUser = Callable[..., User]


@pytest.fixture
def make_user(organisation: Organisation) -> MakeUser:
    """Create a user with some roles; password hashing is skipped because most tests never sign in by password."""

    def make(*roles: Role, name: str = "", organisation_id: uuid.UUID | None = None) -> User:
        username = name or f"u-{uuid.uuid4().hex[:10]}"
        with unit_of_work(system_actor()) as uow:
            user = User(
                username=username, name=username, password_hash="-", must_change_password=False, is_active=True,
                organisation_id=None if Role.PLATFORM_ADMIN in roles else organisation_id or organisation.organisation_id,
                locale="zh_Hans_CN", created_at=now(), roles=[UserRole(role=r) for r in roles],
            )  # fmt: skip
            uow.add(user)
        return user

    return make


MakeActor = Callable[..., Actor]


@pytest.fixture
def make_actor(make_user: MakeUser) -> MakeActor:
    """Return an actor who is a real user with some roles."""

    def make(*roles: Role, **kwargs: object) -> Actor:
        user = make_user(*roles, **kwargs)
        return Actor(user.user_id, user.organisation_id, user.name, permissions_of(roles), frozenset(roles))

    return make


SignIn = Callable[..., FlaskClient]


@pytest.fixture
def sign_in(app: Flask, make_user: MakeUser) -> SignIn:
    """Return a client signed in as a fresh user with some roles (or as `user`)."""

    def enter(*roles: Role, user: User | None = None, **kwargs: object) -> FlaskClient:
        who = user or make_user(*roles, **kwargs)
        with unit_of_work(system_actor(who.organisation_id)) as uow:
            signed = open_session(uow, who.user_id, hours=1, address="127.0.0.1", user_agent="test")
        client = app.test_client()
        client.set_cookie("kaoku_staff", signed.token)
        return client

    return enter


@pytest.fixture
def scratch_database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database of its own, for tests that need real commits seen by other processes; it holds all tables and no row."""
    with databases.with_schema(tmp_path) as address:
        yield address


@pytest.fixture
def empty_database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database of its own without tables, for tests that create them."""
    with databases.empty(tmp_path) as address:
        yield address


@pytest.fixture
def embedded_database_url(embedded: Embedded, tmp_path: Path) -> Iterator[str]:
    """The same on SQLite whatever the engine under test, for what does not differ by engine."""
    with embedded.with_schema(tmp_path) as address:
        yield address
