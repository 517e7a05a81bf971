"""The worker looks at the disk every few seconds; the figures go to the metrics."""

from __future__ import annotations

from prometheus_client import Gauge

from kernel import disk
from kernel.jobs import every

LOOK_SECONDS = 5
FREE = Gauge("kaoku_disk_free_bytes", "Bytes free on the fullest disk that data are written to")
RESERVE = Gauge("kaoku_disk_reserve", "Whether the reserve for answers is there")


@every(LOOK_SECONDS, "web.disk")
def look() -> None:
    """Keep the reserve; give it up when the disk is full."""
    disk.watch()


def measure() -> str:
    """Set the metrics and return the level as one word."""
    watching = disk.guard()
    if watching is None:
        return ""
    try:
        state = watching.state()
    except OSError:
        return "unknown"
    FREE.set(state.free_bytes)
    RESERVE.set(state.has_reserve)
    return str(state.level)
