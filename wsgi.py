"""The target of gunicorn: ``wsgi:app``."""

from web.dispatch import create

app = create()
