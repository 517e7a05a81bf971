"""Complaints about items that can be shown as they are and translated at the edge."""

from __future__ import annotations

from typing import Any

from item_templates.contract import Finding, Severity


class TranslatableValueError(ValueError):
    """A refusal whose text is finished Chinese; `template` with `params` is what the edge translates."""

    def __init__(self, template: str, **params: Any) -> None:
        super().__init__(template % params if params else template)
        self.template = template
        self.params = params


class KeyTextError(TranslatableValueError):
    """It is not certain which key a text means, or a key does not have the shape its type asks for."""


def finding(
    code: str, template: str, *, field: str = "stem", severity: Severity = Severity.ERROR, **params: Any
) -> Finding:
    """Return a finding whose message is the filled-in template.

    Parameters
    ----------
    code : str
        Stable identifier of the rule.
    template : str
        Chinese message id, marked by `N_` at the place of call, with ``%(name)s`` places.
    field : str
        Form field the finding belongs to.
    severity : Severity
        ERROR forbids submitting, WARNING is shown.
    **params
        Values of the places.

    Returns
    -------
    Finding

    Examples
    --------
    >>> finding("too_few", "至少写 %(least)s 个选项", field="choices", least=2).message
    '至少写 2 个选项'
    """
    message = template % params if params else template
    return Finding(code=code, message=message, field=field, severity=severity, template=template, params=params)
