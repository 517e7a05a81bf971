"""Looks at what runs: clocks, the disk, the job worker and its queue."""

from __future__ import annotations

import ctypes
import sys
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_babel import gettext as _

from kernel import disk
from kernel.clock import monotonic, now
from kernel.i18n import N_
from kernel.jobs.models import WorkerHeartbeat
from kernel.jobs.repository import oldest_waiting
from kernel.working_days import LAST_KNOWN_YEAR
from web.checks.finding import Finding, Level, Look, is_sqlite, reading, scalar, settings_now

HEARTBEAT_LIMIT = timedelta(minutes=1)
QUEUE_LIMIT = timedelta(minutes=15)
MAX_SKEW_SECONDS = 2
NEXT_YEAR_PUBLISHED = 11
"""The month from which the holidays of the next year are known and deadlines may reach into it."""
TIMEX_BYTES = 512
"""More than the kernel's own record of its clock takes on any machine."""
CLOCK_NOT_SYNCHRONISED = 5


def check_clock() -> Finding:
    """Time agrees with the database's and with a time server's, has a zone, and the calendar of working days reaches on."""
    started, moment = monotonic(), now()
    difference = abs((_database_time() - moment.timestamp()) - (monotonic() - started))
    if difference > MAX_SKEW_SECONDS:
        text = _("本机与数据库的时钟相差 %(n)s 秒", n=round(difference))
        return Finding(Level.FAIL, text, _("两台机器都要开启时间同步（chrony 或 systemd-timesyncd）"))
    zone = settings_now().timezone
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:
        return Finding(Level.FAIL, _("没有时区 %(zone)s", zone=zone), _("请检查 KAOKU_TIMEZONE"))
    text = _("%(time)s（%(zone)s），工作日历到 %(year)s 年", time=local.strftime("%Y-%m-%d %H:%M:%S"), zone=zone,
             year=LAST_KNOWN_YEAR)  # fmt: skip
    if local.year > LAST_KNOWN_YEAR:
        return Finding(Level.FAIL, text, _("请升级程序，取得新一年的放假安排"))
    if is_synchronised() is False:
        mend = _("请开启时间同步：timedatectl set-ntp true，或安装 chrony")
        return Finding(Level.WARN, _("%(text)s，没有与时间服务器同步", text=text), mend)
    if local.year == LAST_KNOWN_YEAR and local.month >= NEXT_YEAR_PUBLISHED:
        mend = _(
            "公示等工作日期限可能跨入 %(year)s 年。国务院办公厅一般在十一月公布下一年的放假安排，请在公布后升级程序；"
            "在此以前跨年的期限按周一至周五推算，请人工核对。", year=LAST_KNOWN_YEAR + 1
        )  # fmt: skip
        return Finding(Level.WARN, text, mend)
    return Finding(Level.OK, text)


def _database_time() -> float:
    sqlite, postgresql = "(julianday('now') - 2440587.5) * 86400.0", "extract(epoch FROM clock_timestamp())"
    return float(scalar(f"SELECT {sqlite if is_sqlite() else postgresql}"))


def is_synchronised() -> bool | None:
    """Ask the kernel whether a time server steers the clock; None where it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return None if state < 0 else state != CLOCK_NOT_SYNCHRONISED


def check_disk() -> Finding:
    """There is room for what is to come, and a reserve for answers."""
    watching = disk.guard() or disk.DiskGuard(settings_now())
    state = watching.state()
    text = _("剩余 %(free)s GB，共 %(total)s GB", free=round(state.free_bytes / 1024**3, 1),
             total=round(state.total_bytes / 1024**3, 1))  # fmt: skip
    mend = _("清理磁盘或扩容：旧备份、旧日志、不用的上传文件")
    if state.level in disk.STOPPED:
        return Finding(Level.FAIL, _("%(text)s，上传、导出和打印已停止，作答不受影响", text=text), mend)
    if state.level is disk.DiskLevel.LOW:
        return Finding(Level.WARN, text, mend)
    if settings_now().disk_reserve_mb and not state.has_reserve:
        text = _("%(text)s，还没有给答案留出备用空间", text=text)
        return Finding(Level.WARN, text, _("后台任务进程运行几秒后会自动留出"))
    return Finding(Level.OK, text)


def check_worker() -> Finding:
    """The job worker has shown life within a minute, and nothing has waited for it long."""
    start = _("请用 kaoku serve 或 kaoku worker 启动")
    with reading() as session:
        row = session.get(WorkerHeartbeat, "kaoku-worker", populate_existing=True)
        waiting_since = oldest_waiting(session)
    if row is None:
        return Finding(Level.FAIL, _("后台任务进程从未运行"), start)
    age = now() - row.at
    seconds = int(age.total_seconds())
    if age > HEARTBEAT_LIMIT:
        return Finding(Level.FAIL, _("后台任务进程已 %(n)s 秒没有响应", n=seconds), start)
    if waiting_since and now() - waiting_since > QUEUE_LIMIT:
        minutes = int((now() - waiting_since).total_seconds() // 60)
        mend = _("查看任务页面里正在进行的任务，必要时取消")
        return Finding(Level.WARN, _("有任务已等待 %(n)s 分钟", n=minutes), mend)
    return Finding(Level.OK, _("后台任务进程 %(pid)s，%(n)s 秒前有响应", pid=row.process_id, n=seconds))


LOOKS = (
    Look("clock", N_("时钟"), check_clock),
    Look("disk", N_("磁盘"), check_disk),
    Look("worker", N_("任务进程"), check_worker),
)
