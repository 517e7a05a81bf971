"""A worker process for the kill test: its handler adds one row an effect, slowly enough to be killed in the middle."""

import sys
import time
from pathlib import Path

from flask import Flask
from sqlalchemy import text

import kernel.audit.models
import kernel.identity.models
import kernel.profiles.models  # noqa: F401 - the tables that jobs refer to
from kernel import crypto
from kernel.db import db, engine_options, prepare_engine
from kernel.jobs import handler
from kernel.jobs.worker import main
from kernel.settings import Settings


@handler("test.effect")
def effect(context):
    with context.finish({"number": context.payload["number"]}) as uow:
        uow.session.execute(text("INSERT INTO effects (number) VALUES (:n)"), {"n": context.payload["number"]})
        time.sleep(0.001)


def kernel_alone(settings):
    """Return an application of the kernel alone: twenty starts of the whole house would take minutes."""
    crypto.configure(settings.secret_key)
    app = Flask("killable")
    app.config.update(
        KAOKU=settings,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
    )
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    return app


if __name__ == "__main__":
    folder, url = Path(sys.argv[1]), sys.argv[2]
    main(kernel_alone(Settings(instance_dir=folder, database_url=url, secret_key="k" * 40, log_level="ERROR")))
