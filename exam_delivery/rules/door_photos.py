"""The photo taken at the door: whether a session wants one, and why a candidate may come in without."""

from __future__ import annotations

import enum

from kernel.i18n import N_


class DoorPhotoRule(enum.StrEnum):
    """Whether a photo is taken when a candidate is let in."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


RULE_LABELS: dict[DoorPhotoRule, str] = {
    DoorPhotoRule.OFF: N_("不拍照"),
    DoorPhotoRule.OPTIONAL: N_("可以拍照"),
    DoorPhotoRule.REQUIRED: N_("须拍照，不拍的写明原因"),
}
"""What a rule profile offers and keeps; a session keeps the code."""


def rule_of(chosen: str) -> DoorPhotoRule:
    """Return the rule that a profile's value stands for.

    >>> rule_of("须拍照，不拍的写明原因")
    <DoorPhotoRule.REQUIRED: 'required'>
    """
    return next(rule for rule, label in RULE_LABELS.items() if label == chosen)


class NoPhotoReason(enum.StrEnum):
    """Why a candidate comes in without a photo where one is required: a camera never keeps anybody from an exam."""

    CAMERA = "camera"
    DECLINED = "declined"
    CROWD = "crowd"
    DISK = "disk"
    OTHER = "other"


NO_PHOTO_LABELS: dict[NoPhotoReason, str] = {
    NoPhotoReason.CAMERA: N_("摄像头或电脑不能用"),
    NoPhotoReason.DECLINED: N_("考生不同意拍照"),
    NoPhotoReason.CROWD: N_("入场人多，来不及拍"),
    NoPhotoReason.DISK: N_("系统暂停上传"),
    NoPhotoReason.OTHER: N_("其他"),
}
CANDIDATES_NOTICE = (
    "入场时监考员可能拍一张照片，与报名照片、证件由人工核对身份；不作人脸识别，加密保存，到期删除。"
    "不同意拍照的请告诉监考员，不影响考试。"
)
"""What candidates are told beforehand: a photo of a face that proves who somebody is, is sensitive personal information."""
