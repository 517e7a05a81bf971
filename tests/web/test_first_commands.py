"""The first commands on a new machine, as somebody types them who follows the README."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from kernel.settings import Settings
from web.serve import opening_address


def kaoku(folder, *words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAOKU_")}
    environment["KAOKU_INSTANCE_DIR"] = str(folder)
    command = [sys.executable, "-m", "web.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_an_account_before_the_database_is_made_is_refused_in_a_sentence_that_says_what_to_run(tmp_path):
    done = kaoku(tmp_path / "new", "user", "add", "admin", "--role", "platform_admin")
    assert done.returncode == 1
    assert "kaoku db upgrade" in done.stderr
    assert "Traceback" not in done.stderr


def test_serving_names_the_address_to_open():
    settings = Settings.from_env({})
    assert opening_address(replace(settings, bind="0.0.0.0:8000", public_url="")) == "http://127.0.0.1:8000"
    assert opening_address(replace(settings, bind="10.1.2.3:80", public_url="")) == "http://10.1.2.3:80"
    assert opening_address(replace(settings, public_url="https://exam.lan")) == "https://exam.lan"
