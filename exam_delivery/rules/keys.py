"""Rule-profile values of planning and scoring; every number on which provinces differ stands here."""

from __future__ import annotations

from exam_delivery.rules.door_photos import RULE_LABELS, DoorPhotoRule
from exam_delivery.rules.eligibility import NOTE, EligibilityKey
from exam_delivery.rules.leaving import MOST_CONSENT_MINUTES, LeaveAction
from exam_delivery.rules.rescue import LateRule
from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

DURATION_MINUTES = "exam.duration_minutes"
OPEN_ENTRY_MINUTES = "exam.open_entry_minutes"
LATE_CUTOFF_MINUTES = "exam.late_cutoff_minutes"
EARLIEST_SUBMIT_MINUTES = "exam.earliest_submit_minutes"
LEAVE_LIMIT = "exam.leave_limit"
CONSENT_LAST_MINUTES = "exam.consent_last_minutes"
TAKEOVER_CONSENT = "exam.takeover_consent"
CHECK_IN_FIRST = "exam.check_in_first"
DOOR_PHOTO = "exam.door_photo"
LEAVE_ACTION = "exam.leave_action"
LEAVE_GRACE_SECONDS = "exam.leave_grace_seconds"
FULL_SCREEN = "exam.full_screen"
BLOCK_COPY = "exam.block_copy"
ALLOW_PASTE = "exam.allow_paste"
RESCUE_AFTER_SECONDS = "exam.rescue_after_seconds"
RESCUE_LATE_RULE = "exam.rescue_late_rule"
GRACE_SECONDS = "exam.grace_seconds"
ROOM_SIZE = "exam.room_size"
INVIGILATORS_PER_ROOM = "exam.invigilators_per_room"
SEATS_IN_A_ROW = "exam.seats_in_a_row"
SEATS_SNAKE = "exam.seats_snake"
MINIMUM_AGE = "exam.minimum_age"
ELIGIBILITY = "exam.eligibility"
ELIGIBILITY_REFUSES = "exam.eligibility_refuses"
HELD_CERTIFICATE_REFUSES = "exam.held_certificate_refuses"
ADMISSION_PATTERN = "exam.admission_number_pattern"
RULES_TEXT = "exam.rules_text"
PLEDGE_TEXT = "exam.pledge_text"

DEFAULT_RULES_TEXT = """\
考生须凭准考证和有效身份证件入场，对号入座，不得擅自更换座位和设备。
开考后迟到超过规定时间的，不得入场，按缺考处理；迟到考生不补时间。
考试期间不得使用手机、智能手表等通讯和存储设备，不得交谈、传递物品。
答案随答随存。设备或网络故障时请举手示意，由监考员处理，不要自行关机。
交卷后不得返回作答；考试时间到，系统统一收卷。"""
DEFAULT_PLEDGE_TEXT = (
    "我已阅读并理解考场规则。我承诺：所提供的个人信息真实准确，遵守考场规则，诚信考试，独立作答；"
    "如有违反，愿按规定接受处理。"
)

declare(
    RuleKey(DURATION_MINUTES, 90, N_("理论考试时长（分钟）"), "90–120", minimum=5, maximum=600),
    RuleKey(OPEN_ENTRY_MINUTES, 30, N_("开考前多少分钟可以登录"), "15–40", minimum=0, maximum=240),
    RuleKey(LATE_CUTOFF_MINUTES, 30, N_("开考多少分钟后不得入场"), "15–30", minimum=0, maximum=240),
    RuleKey(EARLIEST_SUBMIT_MINUTES, 30, N_("开考多少分钟后可以交卷"), "30–60", minimum=0, maximum=240),
    RuleKey(
        CONSENT_LAST_MINUTES,
        10,
        N_("考试结束前多少分钟内交卷须监考员同意（0 为不需要）"),
        "0–10",
        minimum=0,
        maximum=MOST_CONSENT_MINUTES,
    ),
    RuleKey(TAKEOVER_CONSENT, True, N_("作答中换一台电脑登录须监考员同意")),
    RuleKey(CHECK_IN_FIRST, False, N_("监考员核验身份以后，考生才能登录")),
    RuleKey(
        DOOR_PHOTO,
        RULE_LABELS[DoorPhotoRule.OFF],
        N_("入场时拍照，供监考员人工核对（系统不作人脸识别）"),
        choices=tuple(RULE_LABELS.values()),
    ),
    RuleKey(LEAVE_LIMIT, 5, N_("允许离开考试页面的次数"), "1–5", minimum=0, maximum=100),
    RuleKey(
        LEAVE_ACTION, LeaveAction.WARN.value, N_("考生离开考试页面时"), choices=tuple(one.value for one in LeaveAction)
    ),
    RuleKey(LEAVE_GRACE_SECONDS, 2, N_("离开考试页面不超过多少秒不计"), "0–10", minimum=0, maximum=60),
    RuleKey(FULL_SCREEN, False, N_("退出全屏也算离开考试页面")),
    RuleKey(BLOCK_COPY, True, N_("不能复制、打印试题，不显示右键菜单")),
    RuleKey(ALLOW_PASTE, False, N_("作答时可以粘贴页面以外的文字")),
    RuleKey(RESCUE_AFTER_SECONDS, 60, N_("断网多少秒后请考生保存应急文件"), "60", minimum=10, maximum=600),
    RuleKey(
        RESCUE_LATE_RULE,
        LateRule.HOLD.value,
        N_("应急文件在考试结束后才导入时"),
        choices=tuple(one.value for one in LateRule),
    ),
    RuleKey(GRACE_SECONDS, 3, N_("到时后多少秒内到达的答案仍然有效"), "0–30", minimum=0, maximum=60),
    RuleKey(ROOM_SIZE, 30, N_("每个考场最多考生数"), "30", minimum=1, maximum=1000),
    RuleKey(INVIGILATORS_PER_ROOM, 2, N_("每个考场监考员人数"), "≥ 2", minimum=0, maximum=20),
    RuleKey(SEATS_IN_A_ROW, 6, N_("座位图每排几个座位"), "5–8", minimum=1, maximum=20),
    RuleKey(SEATS_SNAKE, True, N_("座位图按 S 形排号（一排从左到右，下一排从右到左）")),
    RuleKey(MINIMUM_AGE, 16, N_("考生最小年龄（不足时提醒）"), "16", minimum=0, maximum=100),
    EligibilityKey(ELIGIBILITY, NOTE, N_("申报条件（每行一条，导入名单时核对）")),
    RuleKey(HELD_CERTIFICATE_REFUSES, False, N_("名单上已有证书的编号有误的不能导入（不选时只提醒）")),
    RuleKey(ELIGIBILITY_REFUSES, False, N_("不符合申报条件的不能导入（不选时只提醒）")),
    RuleKey(ADMISSION_PATTERN, "{yymmdd}{plan2}{seq4}", N_("准考证号编排规则"), "yymmdd + 2 + 4"),
    RuleKey(RULES_TEXT, DEFAULT_RULES_TEXT, N_("考场规则（每行一条，考生登录后显示）")),
    RuleKey(PLEDGE_TEXT, DEFAULT_PLEDGE_TEXT, N_("诚信承诺（考生开考前确认）")),
)
