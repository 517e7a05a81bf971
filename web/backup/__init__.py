"""The whole installation in one file, while it runs; and back into an empty one.

A tar archive: the database (SQLite: a consistent copy by ``VACUUM INTO``; PostgreSQL: ``pg_dump`` in its custom form), the
instance folder's files (media, uploads), the root secret unless it is kept apart, and `manifest.json` last: format, engine,
revision, number of rows of every table, end of the audit chain, digests. The whole file may be encrypted with a passphrase.
The queue's state is left out: committed jobs stand in the database and are taken up again.
"""

from web.backup.restoring import restore
from web.backup.writing import backup

__all__ = ["backup", "restore"]
