"""Logs hold no personal number, whichever program of the installation writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from exam_delivery.answering import entry
from kernel.settings import Settings

NUMBER = "11010519491231002X"


@pytest.fixture
def untouched() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("untouched")
def test_the_candidates_program_alone_writes_json_lines_with_masked_numbers(
    tmp_path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry.disk, "configure", lambda _settings: None)
    entry.create(Settings.from_env({"KAOKU_INSTANCE_DIR": str(tmp_path)}))
    log = structlog.get_logger()
    try:
        raise ValueError(f"candidate {NUMBER}")
    except ValueError:
        log.exception("broken", number=NUMBER, phone="13812345678")
    text = capsys.readouterr().err
    line = json.loads(text)
    assert (line["number"], line["phone"], line["level"]) == ("110105****002X", "138****5678", "error")
    assert NUMBER not in text
