"""What `benchmarks.capacity` puts up: web nodes, nginx before them as `docs/deploy/nginx` has it, a synchronous replica of PostgreSQL."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from benchmarks.answering import serving
from benchmarks.answering_load import cpu_seconds
from kernel.settings import Settings
from tools.check import ROOT, as_database_user, postgres_bin

DEPLOY = ROOT / "docs" / "deploy"
HOST = "127.0.0.1"
PROGRAM, LOOK = "exam_delivery.answering.entry:create()", "/exam/"
MAIN = """{user}worker_processes auto;
worker_rlimit_nofile {files};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/kaoku.conf;
}}
"""
"""What the guide asks of `/etc/nginx/nginx.conf`; the log of accesses stays on, as Debian has it."""


@contextmanager
def nodes(settings: Settings, n_nodes: int, n_workers: int) -> Iterator[dict[str, int]]:
    """Start web nodes, each on cores of its own where there are enough; yield their process by address."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        running = {}
        for k in range(n_nodes):
            node = replace(settings, bind=f"{HOST}:{free_port()}", workers=n_workers)
            own = cores[k::n_nodes] if n_nodes > 1 else ()
            running[node.bind] = stack.enter_context(serving(node, PROGRAM, LOOK, own))
        yield running


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, port: int, addresses: Sequence[str]) -> Iterator[int]:
    """Run nginx with the project's own configuration, moved into a folder; yield its process."""
    _write_configuration(folder, port, addresses)
    (folder / "error.log").unlink(missing_ok=True)
    process = subprocess.Popen([_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait(lambda: socket.create_connection((HOST, port), 1).close(), "nginx did not come up")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def complaints(folder: Path) -> list[str]:
    """Return what nginx wrote into its log of errors."""
    return (folder / "error.log").read_text("utf-8", "replace").splitlines()


def _nginx() -> str:
    if found := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        return found
    raise SystemExit("nginx is missing: install the Debian package nginx")


def _write_configuration(folder: Path, port: int, addresses: Sequence[str]) -> None:
    """Copy the files of `docs/deploy/nginx`; only places, ports and the nodes behind are others."""
    (folder / "nginx").mkdir(exist_ok=True)
    moved = {
        "/etc/kaoku/": f"{folder}/", "/opt/kaoku/": f"{ROOT}/",
        "listen 80;": f"listen {HOST}:{free_port()};", "listen 443 ": f"listen {HOST}:{port} ",
        "    listen [::]:80;\n": "", "    listen [::]:443 ssl http2;\n": "",
    }  # fmt: skip
    (folder / "kaoku.conf").write_text(_replaced(DEPLOY / "nginx" / "kaoku.conf", moved))
    behind = "\n".join(f"    server {address};" for address in addresses)
    upstreams = _replaced(DEPLOY / "nginx" / "upstreams.conf", {"    server 127.0.0.1:8001;": behind})
    (folder / "nginx" / "upstreams.conf").write_text(upstreams)
    shutil.copy(DEPLOY / "nginx" / "proxy.conf", folder / "nginx" / "proxy.conf")
    user, most = "user root;\n" if os.geteuid() == 0 else "", resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 65536 if most == resource.RLIM_INFINITY else min(65536, most)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user, files=files))


def _replaced(file: Path, changes: Mapping[str, str]) -> str:
    text = file.read_text("utf-8")
    for old, new in changes.items():
        if old not in text:
            raise SystemExit(f"{file.name} no longer says {old.strip()}")
        text = text.replace(old, new)
    return text


def make_certificates(folder: Path) -> ssl.SSLContext:
    """Make a room's authority and certificate by the project's own script; return what trusts them."""
    script = ["sh", str(DEPLOY / "tls" / "room-ca.sh"), str(folder / "tls"), "exam.example.cn", HOST]
    subprocess.run(script, check=True, capture_output=True)
    return ssl.create_default_context(cafile=str(folder / "tls" / "room-ca.crt"))


def socket_folder(url: str) -> Path:
    """Return the folder of a private cluster, which holds its socket and its data."""
    return Path(str(make_url(url).query["host"]))


def server_process(folder: Path) -> int:
    """Return the process of the cluster in a folder."""
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


@contextmanager
def synchronous_replica(url: str) -> Iterator[Path]:
    """Start a second cluster without which nothing is acknowledged, as `docs/operations.md` says; yield its folder."""
    folder = Path(tempfile.mkdtemp(prefix="kaoku-replica-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    source = f"host={socket_folder(url)} user=kaoku application_name=two"
    _postgres("pg_basebackup", "-D", f"{folder}/data", "-R", "-X", "stream", "-c", "fast", "-d", source)
    options = f"-k {folder} -c listen_addresses='' -c shared_buffers=256MB -c max_connections=200"
    control = ["-D", f"{folder}/data", "-w", "-l", f"{folder}/log"]
    _postgres("pg_ctl", *control, "-o", options, "start")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as primary:
        try:
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (two)'")
            primary.execute("SELECT pg_reload_conf()")
            _wait(lambda: _require_synchronous(primary), "the replica did not become synchronous")
            yield folder
        finally:
            primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
            primary.execute("SELECT pg_reload_conf()")
            _postgres("pg_ctl", *control, "-m", "immediate", "stop")
            shutil.rmtree(folder, ignore_errors=True)


def _require_synchronous(primary: psycopg.Connection[tuple[object, ...]]) -> None:
    states = primary.execute("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'two'").fetchall()
    if states != [("quorum",)]:
        raise OSError(f"not yet: {states}")


def _postgres(program: str, *arguments: str) -> None:
    command = as_database_user([str(postgres_bin() / program), *arguments])
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


def _wait(look: Callable[[], None], complaint: str) -> None:
    for _ in range(300):
        try:
            look()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(complaint)


class Usage:
    """Processor time by part of the set-up, since it was last asked for."""

    def __init__(self, parts: Mapping[str, Sequence[int]]) -> None:
        self.parts, self.n_cores = parts, len(os.sched_getaffinity(0))
        self.before, self.since = self._now(), time.perf_counter()

    def _now(self) -> dict[str, float]:
        spent = {name: sum(map(cpu_seconds, pids)) for name, pids in self.parts.items()}
        return {**spent, "generator": time.process_time()}

    def shares(self) -> dict[str, float]:
        """Return the share of the machine's processors that each part took meanwhile."""
        now, at = self._now(), time.perf_counter()
        whole = (at - self.since) * self.n_cores
        shares = {name: (now[name] - self.before[name]) / whole for name in now}
        self.before, self.since = now, at
        return shares
