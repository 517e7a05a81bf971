"""How gunicorn runs the site; `kaoku serve` reads this file, and ``gunicorn wsgi:app`` finds it by itself.

Threads wait for the writer's commit, so there are many of them; each process stays on one core, because threads that roam over
cores fight for the interpreter's lock and cost twice the time.
"""

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel.settings import Settings

_settings = Settings.from_env()
wsgi_app = "wsgi:app"
preload_app = True  # a process that died is replaced by a fork at once, not after all imports
bind = _settings.bind
workers = _settings.workers
worker_class = "exam_delivery.answering.serving.AnsweringWorker"  # gunicorn's gthread, with a direct line for saves
threads = 48
backlog = 2048
keepalive = 30
timeout = 120
graceful_timeout = 20
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn's heartbeat file, kept off the disk
forwarded_allow_ips = "127.0.0.1,::1"
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "kaoku"


def when_ready(_server: object) -> None:
    """Keep what was loaded out of every later collection, so that forks go on sharing it."""
    gc.freeze()


def post_fork(_server: object, worker: Any) -> None:
    """Keep a process on one core, in turn."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        with suppress(OSError):
            os.sched_setaffinity(0, {cores[(worker.age - 1) % len(cores)]})


def post_worker_init(worker: Any) -> None:
    """Open the process's own writer before the first request, and the direct line to it."""
    worker.answer_directly(worker.wsgi.start())


def worker_exit(_server: object, worker: Any) -> None:
    """Let the writer finish what waits."""
    close = getattr(getattr(worker, "wsgi", None), "close", None)
    if close:
        close()
