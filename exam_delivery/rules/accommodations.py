"""What may be granted to a candidate: more time, larger letters, a room apart."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from kernel.i18n import N_
from kernel.profiles.registry import RuleKey, declare

MAX_FACTOR = RuleKey(
    "exam.max_time_factor", 2.0, N_("便利措施：考试时长最多放宽到几倍"),
    N_("残疾考生参加考试的便利办法（如教育部、中国残联关于残疾人参加普通高考的规定：延长 30% 或 50%）"),
    minimum=1, maximum=4,
)  # fmt: skip
declare(MAX_FACTOR)
FONT_SIZES = {"medium": N_("通常字号"), "large": N_("大字号")}
USUAL_FONT = "medium"


def read_factor(text: str, most: float) -> Decimal | None:
    """Return a time factor of at most two decimals between 1 and `most`, or None for anything else.

    Examples
    --------
    >>> read_factor("1.3", 2.0), read_factor("", 2.0), read_factor("0.9", 2.0), read_factor("3", 2.0)
    (Decimal('1.3'), Decimal('1'), None, None)
    """
    try:
        factor = Decimal(text.strip() or "1")
    except InvalidOperation:
        return None
    is_plain = factor.is_finite() and factor == round(factor, 2)
    return factor if is_plain and 1 <= factor <= Decimal(str(most)) else None
