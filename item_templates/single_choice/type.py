"""Single choice: one option of several is right."""

from __future__ import annotations

from collections.abc import Iterable

from item_templates.choice import ChoiceType
from item_templates.contract import Finding, ItemContent, Json
from item_templates.findings import KeyTextError, finding
from item_templates.keys import choice_keys
from kernel.i18n import N_


class SingleChoice(ChoiceType):
    """One option is right; all or nothing unless options carry weights of their own."""

    name = "single_choice"
    label = N_("单项选择题")
    aliases = (
        "单选", "单选题", "单项选择", "单项选择题", "选择题", "单选选择题", "single", "single choice", "one choice",
        "radio", "singlechoice", "multichoice single", "danxuan", "mcq",
    )  # fmt: skip
    position = 10

    def check_key(self, content: ItemContent) -> Iterable[Finding]:
        """Return findings on the one id that is the key."""
        key, ids = content.key, [choice.id for choice in content.choices]
        if key is None or key == "":
            yield finding("no_key", N_("没有标准答案，请选出正确的一项"), field="key")
        elif not isinstance(key, str):
            yield finding("several_keys", N_("单项选择题只能有一个正确选项"), field="key")
        elif key not in ids:
            yield finding("key_outside_choices", N_("标准答案 %(key)s 不在选项之中"), field="key", key=key)

    def key_ids(self, content: ItemContent) -> list[str]:
        """Return the key as a list of one id."""
        return [content.key] if isinstance(content.key, str) and content.key else []

    def most_picks(self, content: ItemContent) -> int:
        """Return 1."""
        del content
        return 1

    def key_from_picks(self, picked: list[str]) -> Json:
        """Return the one row marked, None for none; several stay a list, which validation refuses."""
        if len(picked) > 1:
            return picked
        return picked[0] if picked else None

    def key_text(self, content: ItemContent) -> str:
        """Return the letter of the key."""
        return "".join(self.key_ids(content))

    def parse_key(self, text: str, content: ItemContent) -> Json:
        """Return the one id that a cell means."""
        found = choice_keys(text, content.choices)
        if len(found) > 1:
            raise KeyTextError(
                N_("单项选择题的答案“%(text)s”有几个选项，请改成多项选择题或只留一个"), text=text.strip()[:30]
            )
        return found[0]

    def normalise_key(self, key: Json) -> Json:
        """Return an option id; a list of one id is taken as that id."""
        if isinstance(key, list | tuple) and len(key) == 1:
            key = key[0]
        if key is None or (isinstance(key, str) and key):
            return key
        raise KeyTextError(N_('单项选择题的答案必须是一个选项的标号，例如 "B"'))


TYPE = SingleChoice()
