"""The five archive volumes of a batch: what belongs into each, and which of it this system can hold itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VOLUMES = ("报名与资格审核", "计划备案", "考试过程", "试卷与结果", "证书")


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that a volume should hold; `is_outside` is kept on paper or elsewhere and must be added by hand."""

    volume: int
    title: str
    is_outside: bool = False


EXPECTED = (
    Expected(1, "评价公告", is_outside=True),
    Expected(1, "考生申报材料", is_outside=True),
    Expected(1, "报名与资格审核汇总表"),
    Expected(1, "审核通过人员名册"),
    Expected(2, "备案范围"),
    Expected(2, "评价计划备案情况"),
    Expected(2, "考务实施方案", is_outside=True),
    Expected(3, "场次安排"),
    Expected(3, "考生签到表"),
    Expected(3, "试卷封存与启用记录"),
    Expected(3, "考场情况记录"),
    Expected(3, "监考员、考评员签到表", is_outside=True),
    Expected(3, "内部质量督导表", is_outside=True),
    Expected(4, "评价结果汇总表"),
    Expected(4, "考生作答记录（批次证据包）"),
    Expected(4, "技能考核评分表原件", is_outside=True),
    Expected(4, "公示名单"),
    Expected(4, "异议处理记录"),
    Expected(5, "上报人员名册"),
    Expected(5, "证书数据确认表"),
    Expected(5, "批次办理经过"),
)


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of a volume: what it is, its name, how many rows or entries it has, its digest."""

    volume: int
    title: str
    name: str
    content: bytes = field(repr=False)
    n_rows: int = 0
    digest: str = ""

    @property
    def path(self) -> str:
        """Where it stands in the archive."""
        return f"{folder(self.volume)}/{self.name}"


def folder(volume: int) -> str:
    """Return the folder of a volume.

    Examples
    --------
    >>> folder(1)
    '第1卷_报名与资格审核'
    """
    return f"第{volume}卷_{VOLUMES[volume - 1]}"


def missing_documents(present: Mapping[str, ArchivedFile]) -> list[Expected]:
    """Return what the volumes lack, by name: what the system has no data for, and what is kept outside of it.

    Examples
    --------
    >>> [one.title for one in missing_documents({}) if not one.is_outside][:2]
    ['报名与资格审核汇总表', '审核通过人员名册']
    """
    return [one for one in EXPECTED if one.title not in present]
