"""Work that happens after a transaction: written in it, done once, shown with its progress.

The `jobs` table is the outbox. `enqueue` adds a row in the caller's transaction; the worker process (``kernel.jobs.worker``)
hands committed rows to the durable queue, which calls the registered handler. A handler does its effect in
`JobContext.finish`, whose transaction also marks the job done: an effect happens once, however often a worker dies.
"""

from kernel.jobs.registry import JobContext, every, handler
from kernel.jobs.services import enqueue

__all__ = ["JobContext", "enqueue", "every", "handler"]
