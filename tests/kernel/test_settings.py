from __future__ import annotations

import pytest

from kernel.settings import Settings, SettingsError

SECRET = "a secret of at least thirty-two characters"


def read(tmp_path, **values) -> Settings:
    return Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path), "KAOKU_SECRET_KEY": SECRET} | values)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("KAOKU_WORKERS", "two"),
        ("KAOKU_WORKERS", "0"),
        ("KAOKU_SECURE_COOKIES", "maybe"),
        ("KAOKU_SECRET_KEY", "too short"),
        ("KAOKU_DATABASE_URL", "mysql://localhost/kaoku"),
        ("KAOKU_LOG_LEVEL", "LOUD"),
        ("KAOKU_BIND", "8000"),
        ("KAOKU_SESSION_HOURS", "-1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, wrong):
    with pytest.raises(SettingsError, match=name):
        read(tmp_path, **{name: wrong})


def test_nothing_set_gives_the_embedded_database_in_the_instance_folder(tmp_path):
    settings = read(tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'kaoku.sqlite3'}"
    assert settings.is_sqlite


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(tmp_path, scheme):
    url = read(tmp_path, KAOKU_DATABASE_URL=f"{scheme}://user@host/name").database_url
    assert url == "postgresql+psycopg://user@host/name"


def test_an_empty_variable_counts_as_unset(tmp_path):
    assert read(tmp_path, KAOKU_WORKERS="").workers == Settings().workers


def test_the_root_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    first = Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path)})
    again = Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path)})
    assert first.secret_key == again.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
