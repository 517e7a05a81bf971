"""The keys that components declare. Pure: rules packages may import it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import InvalidInputError
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class RuleKey:
    """One value of a rule profile: its default, its bounds, and the words that explain it."""

    name: str
    default: Any
    label: str
    basis: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def check(self, candidate: Any) -> Any:
        """Return the value in the key's type; raises InvalidInputError with the key's label."""
        if isinstance(self.default, bool):
            return self._boolean(candidate)
        if isinstance(self.default, int | float):
            return self._number(candidate)
        if self.choices and candidate not in self.choices:
            raise InvalidInputError(N_("%(label)s：请选择所列的值"), label=self.label)
        return candidate

    def check_among(self, values: Mapping[str, Any]) -> None:
        """Hold the value against the others of the same version; a key whose value stands alone has nothing to say."""

    def _boolean(self, candidate: Any) -> bool:
        if isinstance(candidate, bool):
            return candidate
        return str(candidate).strip().lower() in {"1", "true", "on", "yes", "是"}

    def _number(self, candidate: Any) -> int | float:
        try:
            number = type(self.default)(str(candidate).strip())
        except ValueError as exc:
            raise InvalidInputError(N_("%(label)s：请填写数字"), label=self.label) from exc
        low = self.minimum if self.minimum is not None else number
        high = self.maximum if self.maximum is not None else number
        if not low <= number <= high:
            raise InvalidInputError(
                N_("%(label)s：应在 %(low)s 与 %(high)s 之间"), label=self.label, low=self.minimum, high=self.maximum
            )
        return int(number) if isinstance(self.default, int) else float(number)


_KEYS: dict[str, RuleKey] = {}


def declare(*keys: RuleKey) -> None:
    """Add keys; declaring a name twice with other content is a mistake in the program."""
    for key in keys:
        if _KEYS.get(key.name, key) != key:
            raise ValueError(f"rule key {key.name} is declared twice")
        _KEYS[key.name] = key


def all_keys() -> dict[str, RuleKey]:
    """Return all declared keys by name."""
    return dict(_KEYS)
