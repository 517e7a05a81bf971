"""Rule profiles: the dated, versioned values of an organisation on which provinces differ.

A component declares its keys once (`declare`); code asks `value` and never holds such a number itself.
"""

from kernel.profiles.registry import RuleKey, all_keys, declare
from kernel.profiles.services import publish, value, values

__all__ = ["RuleKey", "all_keys", "declare", "publish", "value", "values"]
