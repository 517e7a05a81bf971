"""A worker process for the kill test: its handler adds one row an effect, slowly enough to be killed in the middle."""

import sys
import time
from pathlib import Path

from sqlalchemy import text

from kernel.jobs import handler
from kernel.jobs.worker import main
from kernel.settings import Settings
from web.app import create_app


@handler("test.effect")
def effect(context):
    with context.finish({"number": context.payload["number"]}) as uow:
        uow.session.execute(text("INSERT INTO effects (number) VALUES (:n)"), {"n": context.payload["number"]})
        time.sleep(0.001)


if __name__ == "__main__":
    folder, url = Path(sys.argv[1]), sys.argv[2]
    main(create_app(Settings(instance_dir=folder, database_url=url, secret_key="k" * 40, log_level="ERROR")))
