"""Rule-profile values of the readiness of rooms: what a computer must be capable of, and what follows when something is missing."""

from __future__ import annotations

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

GATE = "readiness.gate"
GATE_OFF, GATE_WARN, GATE_REFUSE = N_("不检查"), N_("提醒"), N_("不通过不开放，写明理由可以放行")
CHECK_DAYS = "readiness.check_days"
ROUND_TRIP_MS = "readiness.round_trip_ms"
CLOCK_SKEW_SECONDS = "readiness.clock_skew_seconds"
STORAGE_MB = "readiness.storage_mb"
SCREEN_WIDTH = "readiness.screen_width"
SCREEN_HEIGHT = "readiness.screen_height"
PEOPLE_PER_INVIGILATOR = "readiness.people_per_invigilator"
DISK_GB = "readiness.disk_gb"
SAVE_MS = "readiness.save_ms"
LOAD_TRIAL = "readiness.load_trial"
REGISTRATION_PHOTOS = "readiness.registration_photos"
PHOTOS_REQUIRED = N_("考场检查不通过")

declare(
    RuleKey(GATE, GATE_WARN, N_("考场检查没有全部通过时"), choices=(GATE_OFF, GATE_WARN, GATE_REFUSE)),
    RuleKey(CHECK_DAYS, 3, N_("座位检查几天内有效"), "1–7", minimum=1, maximum=60),
    RuleKey(ROUND_TRIP_MS, 500, N_("考试机到服务器的往返时间上限（毫秒）"), "500", minimum=20, maximum=10000),
    RuleKey(CLOCK_SKEW_SECONDS, 120, N_("考试机时钟与服务器相差多少秒提醒"), "120", minimum=1, maximum=86400),
    RuleKey(STORAGE_MB, 20, N_("浏览器至少可用的存储（MB）"), "20", minimum=1, maximum=10000),
    RuleKey(SCREEN_WIDTH, 1024, N_("屏幕宽度低于多少像素提醒"), "1024", minimum=320, maximum=10000),
    RuleKey(SCREEN_HEIGHT, 600, N_("屏幕高度低于多少像素提醒"), "600", minimum=320, maximum=10000),
    RuleKey(PEOPLE_PER_INVIGILATOR, 15, N_("每名监考员最多看多少名考生"), "15", minimum=1, maximum=1000),
    RuleKey(DISK_GB, 5, N_("服务器至少空闲的磁盘（GB）"), "5", minimum=1, maximum=10000),
    RuleKey(
        SAVE_MS, 1000, N_("模拟负载中保存答案的时间上限（毫秒，最慢的百分之一除外）"), "1000", minimum=50, maximum=60000
    ),
    RuleKey(REGISTRATION_PHOTOS, GATE_WARN, N_("有考生缺报名照片时"), choices=(GATE_OFF, GATE_WARN, PHOTOS_REQUIRED)),
    RuleKey(LOAD_TRIAL, False, N_("开放前必须做过模拟负载")),
)
