"""What candidates are asked to agree to, in versions that never change once they were shown. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.i18n import N_


class ConsentPurpose(enum.StrEnum):
    """What a candidate agrees to."""

    E_CERTIFICATE = "e_certificate"
    CREDENTIAL_IDENTITY = "credential_identity"


class ConsentAct(enum.StrEnum):
    """Whether an agreement was given or taken back."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The words of a purpose; another wording gets another version, and who agreed to the old one is asked again."""

    version: str
    label: str
    text: str


CONSENT_TEXTS: Mapping[ConsentPurpose, ConsentText] = {
    ConsentPurpose.E_CERTIFICATE: ConsentText(
        "2026-11",
        N_("下载电子证书"),
        N_(
            "我要求本机构为我生成并提供电子证书和可验证凭证。文件中有我的姓名、照片、证件号码（电子证书）、职业、等级和证书编号，"
            "由我自行保管和出示；扫描证书上的二维码，任何人都能看到打码后的姓名、证件号码和证书状态。本同意可随时在此撤回，"
            "撤回后不再提供下载，已下载的文件和证书的效力不受影响。"
        ),
    ),
    ConsentPurpose.CREDENTIAL_IDENTITY: ConsentText(
        "2026-11",
        N_("在可验证凭证中加入证件号码的校验值"),
        N_(
            "我同意在为我生成的可验证凭证中加入证件号码的加盐校验值（不是号码本身），使知道我证件号码的人能核对凭证属于我。"
            "拿到凭证的人可以用逐个尝试的办法推算号码，因此只把它交给信任的人。本同意可随时在此撤回，撤回后新生成的凭证不再含有校验值。"
        ),
    ),
}
