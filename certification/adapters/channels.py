"""Channels to the reviewing centre. `file`: an officer carries the workbook and types the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kernel.errors import InvalidInputError
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class RosterParcel:
    """What is sent: the workbook of one round of one batch."""

    batch_code: str
    round: int
    workbook: bytes

    @property
    def file_name(self) -> str:
        """The name the file gets on disk."""
        return f"人员名册_{self.batch_code}_第{self.round}次.xlsx"


class RosterChannel(Protocol):
    """A way to send a roster."""

    @property
    def label(self) -> str:
        """The channel's name for people."""

    @property
    def instruction(self) -> str:
        """What the officer has to do."""

    def send(self, parcel: RosterParcel) -> None:
        """Hand the parcel over; raises DependencyError when the other side does not answer."""


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Nothing leaves by itself: the officer downloads the file and uploads it where the centre wants it."""

    label: str = N_("文件上报")
    instruction: str = N_("下载名册，按鉴定中心要求报送；收到审核结果后在此登记")

    def send(self, parcel: RosterParcel) -> None:
        """Refuse an empty file; the download itself is the sending."""
        if not parcel.workbook:
            raise InvalidInputError(N_("名册文件是空的"))


CHANNELS: Mapping[str, RosterChannel] = {"file": FileChannel()}


def channel_named(name: str) -> RosterChannel:
    """Return a channel; raises InvalidInputError for an unknown one."""
    if name not in CHANNELS:
        raise InvalidInputError(N_("没有名为“%(name)s”的上报方式"), name=name)
    return CHANNELS[name]
