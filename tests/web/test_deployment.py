"""The deployment files say what the program says: paths, ports, limits, settings, commands, entry points."""

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from dataclasses import fields
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path

import click
import pytest
import yaml

from exam_delivery.answering.app import WAIT_SECONDS
from exam_delivery.answering.entry import CandidateSite
from exam_delivery.answering.lines import read_call
from kernel.disk import MEGABYTE
from kernel.settings import PREFIX, Settings
from tests.architecture.sources import ROOT
from web.cli import cli
from web.doctor import CHECKS

DEPLOY = ROOT / "docs" / "deploy"
NGINX = (DEPLOY / "nginx" / "kaoku.conf").read_text("utf-8")
COMPOSE = (DEPLOY / "container" / "compose.yaml").read_text("utf-8")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
GUIDE = (ROOT / "docs" / "zh" / "安装与运维.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
KNOWN = {PREFIX + field.name.upper() for field in fields(Settings)}
ELSEWHERE = {"KAOKU_DB_PASSWORD", "KAOKU_NETWORK"}  # of compose.yaml alone: its database's password, its network


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(DEPLOY / "systemd" / name, "utf-8")
    return parser


@pytest.mark.parametrize(
    "file", [*DEPLOY.rglob("*.*"), ROOT / "docs/operations.md", ROOT / "docs/zh/安装与运维.md"], ids=lambda f: f.name
)
def test_every_setting_that_is_named_exists(file: Path):
    if file.is_file():
        assert set(re.findall(r"KAOKU_[A-Z_]+[A-Z]", file.read_text("utf-8"))) <= KNOWN | ELSEWHERE


def test_the_sample_of_settings_is_accepted_by_the_program(tmp_path):
    lines = (DEPLOY / "kaoku.env").read_text("utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    given["KAOKU_INSTANCE_DIR"] = str(tmp_path)
    assert Settings.from_env(given).secure_cookies
    assert "KAOKU_BIND" not in given, "each unit has its own, and a file of settings would override it"


def test_nginx_lets_bodies_through_that_the_program_accepts_and_waits_longer_than_it():
    assert f"client_max_body_size {Settings().max_upload_mb}m;" in NGINX
    limits = [int(n) for n in re.findall(r"client_max_body_size (\d+)m;", NGINX)]
    assert min(limits) * MEGABYTE >= MEGABYTE
    answers, pages = (int(n) for n in re.findall(r"proxy_read_timeout (\d+)s;", NGINX))
    timeout = int(re.search(r"^timeout = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[1])
    assert answers > WAIT_SECONDS
    assert pages > timeout


def test_nginx_sends_the_candidates_side_and_nothing_else_to_its_own_entry_point():
    sent = re.findall(r"location (\^~|=|~)? ?\"?(\S+?)\"? \{[^}]*proxy_pass http://(\w+);", NGINX)
    to_answers = {path for _kind, path, upstream in sent if upstream == "kaoku_answers"}
    assert to_answers == {"/api/v1/exam/", "/exam/", "/exam"}
    assert all(CandidateSite.serves(path) for path in to_answers)
    assert [path for _kind, path, upstream in sent if upstream == "kaoku_pages"] == ["/"]


def test_nginx_replaces_every_header_that_the_program_believes_from_a_proxy():
    proxy = (DEPLOY / "nginx" / "proxy.conf").read_text("utf-8")
    for header in ("X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", "X-Forwarded-Host $host"):
        assert f"proxy_set_header {header};" in proxy
    n_passes = NGINX.count("proxy_pass ")
    assert NGINX.count("include /etc/kaoku/nginx/proxy.conf;") == n_passes


def test_a_save_as_nginx_hands_it_on_takes_the_direct_line():
    proxy = (DEPLOY / "nginx" / "proxy.conf").read_text("utf-8")
    assert "proxy_http_version 1.1;" in proxy
    assert 'proxy_set_header Connection "";' in proxy
    path, body = "/api/v1/exam/attempts/00000000-0000-0000-0000-000000000007/responses", b'{"events":[]}'
    lines = (
        f"PUT {path} HTTP/1.1", "Host: exam.lan", "X-Forwarded-For: 192.168.10.31", "X-Forwarded-Proto: https",
        "X-Forwarded-Host: exam.lan", f"Content-Length: {len(body)}", "User-Agent: Mozilla/5.0 SEB/3.7", "Accept: */*",
        "Content-Type: application/json", "Authorization: Bearer abc", "Priority: u=4", "Cookie: a=b; c=d",
        'Sec-Ch-Ua: "Chromium";v="120", "Not?A_Brand";v="8"',
        f"X-SafeExamBrowser-ConfigKeyHash: {'a' * 64}",
    )  # fmt: skip
    call = read_call("\r\n".join((*lines, "", "")).encode() + body)
    assert call is not None
    assert call["PATH_INFO"] == path


def test_the_proxy_of_compose_has_lines_for_a_hall_as_the_guide_asks():
    asked = dict(re.findall(r"(worker_rlimit_nofile|worker_connections) (\d+);", NGINX))
    main = (DEPLOY / "container" / "nginx.conf").read_text("utf-8")
    assert dict(re.findall(r"(worker_rlimit_nofile|worker_connections) (\d+);", main)) == asked
    assert int(asked["worker_connections"]) >= 4 * 500  # a hall of 500: two lines of each browser, two to the program
    proxy = COMPOSE.split("\n  proxy:\n")[1]
    assert "- ./nginx.conf:/etc/nginx/nginx.conf:ro" in proxy
    assert f"nofile: {asked['worker_rlimit_nofile']}" in proxy
    assert "include /etc/nginx/conf.d/*.conf;" in main


@pytest.mark.parametrize("folder", ["nginx", "container"])
def test_nginx_ends_idle_lines_before_gunicorn_does(folder):
    text = (DEPLOY / folder / "upstreams.conf").read_text("utf-8")
    kept = [int(n) for n in re.findall(r"keepalive_timeout (\d+)s;", text)]
    longest = int(re.search(r"^keepalive = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[1])
    assert len(kept) == 2
    assert max(kept) < longest


def test_nginx_files_are_balanced_and_every_directive_ends():
    for file in (*(DEPLOY / "nginx").glob("*.conf"), *(DEPLOY / "container").glob("*.conf")):
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
        code = [line for line in lines if line and not line.startswith("#")]
        assert all(line.endswith((";", "{", "}")) for line in code), file.name
        assert sum(line.endswith("{") for line in code) == code.count("}"), file.name


@pytest.mark.parametrize(
    ("folder", "answers", "pages"),
    [("nginx", "127.0.0.1:8001", "127.0.0.1:8000"), ("container", "answers:8001", "pages:8000")],
)
def test_upstreams_are_the_addresses_on_which_the_processes_listen(folder, answers, pages):
    text = (DEPLOY / folder / "upstreams.conf").read_text("utf-8")
    found = dict(re.findall(r"upstream (\w+) \{\s+server (\S+);", text))
    assert found == {"kaoku_answers": answers, "kaoku_pages": pages}
    if folder == "nginx":
        assert unit("kaoku-answers.service")["Service"]["Environment"] == f"KAOKU_BIND={answers}"
        assert unit("kaoku-pages.service")["Service"]["Environment"] == f"KAOKU_BIND={pages}"
    else:
        assert {"KAOKU_BIND: 0.0.0.0:8000", "KAOKU_BIND: 0.0.0.0:8001"} <= set(re.findall(r"KAOKU_BIND: \S+", COMPOSE))


@pytest.mark.parametrize("file", UNITS, ids=lambda f: f.stem)
def test_a_unit_starts_what_exists_without_rights_and_writes_where_it_must(file):
    service = unit(file.name)["Service"]
    program, _, rest = service["ExecStart"].partition(" ")
    assert program in {"/opt/kaoku/.venv/bin/gunicorn", "/opt/kaoku/.venv/bin/kaoku"}
    assert (ROOT / ".venv/bin" / Path(program).name).exists()
    if program.endswith("gunicorn"):
        assert_target(rest.split()[-1])
        assert "/opt/kaoku/gunicorn.conf.py" in rest
    else:
        assert_command(rest.split())
    assert service["User"] == "kaoku"
    assert service["NoNewPrivileges"] == "true"
    assert service["CapabilityBoundingSet"] == ""
    assert service["SystemCallErrorNumber"] == "EPERM", "the doctor asks the clock; a forbidden call must not kill"
    writable = service["ReadWritePaths"].split()
    env = (DEPLOY / "kaoku.env").read_text("utf-8")
    assert {line.partition("=")[2] for line in env.splitlines() if re.match(r"KAOKU_\w+_DIR=", line)} == set(writable)


def assert_target(target: str) -> None:
    module, _, name = target.partition(":")
    if module == "wsgi":
        assert (ROOT / "wsgi.py").exists()
        return
    assert callable(getattr(import_module(module), name.removesuffix("()")))


def assert_command(words: list[str]) -> None:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]


@pytest.mark.parametrize("name", ["kaoku-answers", "kaoku-pages", "kaoku-worker"])
def test_what_dies_comes_back_and_starts_after_the_schema(name):
    parser = unit(f"{name}.service")
    assert parser["Service"]["Restart"] == "always"
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert "kaoku-upgrade.service" in parser["Unit"]["Requires"]
    assert "kaoku-upgrade.service" in parser["Unit"]["After"]
    assert f"{name}.service" in unit("kaoku.target")["Unit"]["Wants"]


def test_candidates_come_before_staff_and_staff_before_jobs():
    weights = [int(unit(f"kaoku-{name}.service")["Service"]["CPUWeight"]) for name in ("answers", "pages", "worker")]
    assert weights == sorted(weights, reverse=True)


def test_containers_start_the_same_entry_points_as_nobody_special():
    targets = re.findall(r"command: \[\"?([\w.]+:\w+(?:\(\))?)\"?\]", COMPOSE)
    assert targets == ["wsgi:app", "exam_delivery.answering.entry:create()"]
    for target in targets:
        assert_target(target)
    for words in (["db", "upgrade"], ["worker"]):
        assert f"command: [{', '.join(words)}]" in COMPOSE
        assert_command(words)
    containerfile = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    assert re.search(r"^USER 10001$", containerfile, re.MULTILINE)
    assert 'user: "10001"' in COMPOSE
    assert "read_only: true" in COMPOSE
    for source in re.findall(r"- (\.\.?/\S+?):/", COMPOSE):
        assert (DEPLOY / "container" / source).exists() or source == "./tls", source


def test_the_entry_points_keep_their_addresses_when_all_containers_come_back_together():
    compose = yaml.safe_load(re.sub(r"\$\{KAOKU_NETWORK:-([\d.]+)\}", r"\1", COMPOSE))
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    given = ip_network(network["ip_range"])
    fixed = {
        name: ip_address(service["networks"]["default"]["ipv4_address"])
        for name, service in compose["services"].items()
        if "networks" in service
    }
    assert set(fixed) == {"pages", "answers"}, "a second container of the service, as `run` makes one, could not start"
    assert len(set(fixed.values())) == len(fixed)
    assert all(address in ip_network(network["subnet"]) and address not in given for address in fixed.values())
    assert set(compose["services"]["proxy"]["extra_hosts"]) == {f"{name}:{address}" for name, address in fixed.items()}


def test_pg_dump_of_the_image_is_not_older_than_the_server_beside_it():
    containerfile = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    packaged = {"bookworm": 15, "trixie": 17}[re.search(r"^FROM \S+-(\w+)$", containerfile, re.MULTILINE)[1]]
    assert int(re.search(r"image: \S*/postgres:(\d+)", COMPOSE)[1]) <= packaged


def test_private_keys_of_the_site_stay_out_of_image_and_repository():
    assert "docs/deploy/container/tls" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "tls/" in (DEPLOY / "container" / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("script", ["tls/room-ca.sh", "kaoku.sh"])
def test_shell_scripts_are_sound(script):
    done = subprocess.run(["sh", "-n", DEPLOY / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_rooms_authority_is_never_replaced_because_its_key_is_in_the_safe(tmp_path):
    (tmp_path / "room-ca.crt").write_text("trusted by every exam machine")
    command = ["sh", DEPLOY / "tls" / "room-ca.sh", tmp_path, "exam.lan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "room-ca.key" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["room-ca.crt"]
    assert (tmp_path / "room-ca.crt").read_text() == "trusted by every exam machine"


@pytest.mark.parametrize("document", [GUIDE, OPERATIONS], ids=["guide", "operations"])
def test_every_command_of_the_guides_exists_with_its_options(document):
    lines = re.findall(r"(?:^|`|&& |bin/)kaoku ([a-z][^`\n#&]*)", document, re.MULTILINE)
    assert lines
    for line in lines:
        name, *words = line.split()
        assert name in cli.commands, line
        command = cli.commands[name]
        children = command.commands.values() if isinstance(command, click.Group) else [command]
        known = {option for child in children for parameter in child.params for option in parameter.opts}
        assert {word.strip("[]") for word in words if "--" in word} <= known, line


def test_files_that_the_guides_name_are_there():
    for name in re.findall(r"docs/deploy/[\w./-]+", GUIDE + OPERATIONS):
        assert name.endswith("/tls/") or (ROOT / name.rstrip("/.")).exists(), name


def test_the_codes_of_the_doctor_are_documented():
    assert all(f"`{look.code}`" in OPERATIONS for look in CHECKS)
