"""Keys as people write them in table cells: letters, judgement marks, option texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from item_templates.contract import Choice
from item_templates.findings import KeyTextError
from item_templates.markup import normalise_text, plain_text
from kernel.i18n import N_

TRUE_WORDS = frozenset(
    {"√", "✓", "✔", "☑", "✅", "🗸", "对", "正确", "是", "真", "对的", "正确的"}
    | {"t", "true", "y", "yes", "1", "r", "right", "correct"}
)
FALSE_WORDS = frozenset(
    {"×", "✗", "✘", "✕", "✖", "☒", "❌", "╳", "⨯", "错", "错误", "否", "假", "不对", "不正确", "不是", "错的", "错误的"}
    | {"x", "f", "false", "n", "no", "0", "w", "wrong", "incorrect"}
)
SEPARATORS = re.compile(r"[\s,，、;；/|和与&+→]+")
_WRAPPERS = re.compile(r"^(?:【?(?:参考|正确|标准)?答案】?|key|answer)\s*(?:是|为)?\s*[:：]?\s*", re.IGNORECASE)
_LABEL = re.compile(
    r"^(?:[【\[]?(?:参考|正确|标准)?答案[】\]]?\s*[:：]\s*|【(?:参考|正确|标准)?答案】\s*|答\s*[:：]\s*)"
)
_BRACKETS = {"(": ")", "（": "）", "[": "]", "【": "】", "〔": "〕", "「": "」"}
_LETTER_AND_TEXT = re.compile(r"^([A-Za-z])\s*[.、:：．)）\s]\s*(\S.*)$", re.DOTALL)


def tidy_key(text: str) -> str:
    """Return a key cell without ``答案：``, brackets around it, full-width letters and blanks at its ends.

    Examples
    --------
    >>> tidy_key("【答案】（ Ｂ ）。")
    'B'
    """
    bare = unicodedata.normalize("NFKC", text.replace("（", "(").replace("）", ")")).replace("\ufe0f", "").strip()
    previous = None
    while bare != previous:
        previous = bare
        bare = _WRAPPERS.sub("", bare).strip().rstrip("。;").rstrip()
        if bare and _BRACKETS.get(bare[0]) == bare[-1]:
            bare = bare[1:-1].strip()
    return bare


def strip_label(text: str) -> str:
    """Return an answer without ``答案：`` before it; the rest stays as written.

    Examples
    --------
    >>> strip_label("【答案】：铁|Fe")
    '铁|Fe'
    """
    return _LABEL.sub("", text.strip()).strip()


def judgement(text: str) -> bool | None:
    """Return what a judgement word or mark says, None when it says neither.

    Examples
    --------
    >>> judgement("√"), judgement("错误"), judgement("A")
    (True, False, None)
    """
    word = tidy_key(text).casefold().rstrip(".!")
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


def judgement_key(text: str, choices: Sequence[Choice]) -> bool:
    """Return the key of a judgement; a letter counts only when the options say what it stands for.

    Parameters
    ----------
    text : str
        The cell, such as ``√``, ``错误``, ``A``.
    choices : sequence of Choice
        The options that stood with the item, usually none.

    Returns
    -------
    bool

    Raises
    ------
    KeyTextError
        If the text says neither, or an option and the word contradict each other.

    Examples
    --------
    >>> judgement_key("B", [Choice("A", "正确"), Choice("B", "错误")])
    False
    """
    word = tidy_key(text).casefold()
    by_option = {choice.id.casefold(): judgement(plain_text(choice.content)) for choice in choices}
    verdict = judgement(word)
    said = by_option.get(word, verdict)
    if said is None or (verdict is not None and said is not verdict):
        raise KeyTextError(N_("判断题的答案“%(text)s”看不出是对还是错，请写 √ 或 ×"), text=_short(text))
    return said


def choice_keys(text: str, choices: Sequence[Choice]) -> list[str]:
    """Return the ids of the options that a key cell means, in the order of the options.

    Parameters
    ----------
    text : str
        Letters in any separation (``A、C``, ``ac``, ``Ａ，Ｃ``), option texts, or both (``A. 铁``).
    choices : sequence of Choice
        The options of the item.

    Returns
    -------
    list of str

    Raises
    ------
    KeyTextError
        If it names nothing, something outside the options, one option twice, or may mean two things.

    Examples
    --------
    >>> options = [Choice("A", "铁"), Choice("B", "铜"), Choice("C", "铝")]
    >>> choice_keys("c、ａ", options), choice_keys("铜", options)
    (['A', 'C'], ['B'])
    """
    found = ordered_keys(text, choices)
    return [choice.id for choice in choices if choice.id in found]


def ordered_keys(text: str, choices: Sequence[Choice]) -> list[str]:
    """Return the ids of the options that a key cell means, in the order of the cell; raises as `choice_keys` does.

    Examples
    --------
    >>> ordered_keys("C→A", [Choice("A", "铁"), Choice("C", "铝")])
    ['C', 'A']
    """
    bare = tidy_key(text)
    if not bare:
        raise KeyTextError(N_("没有写答案"))
    if not choices:
        raise KeyTextError(N_("答案是“%(text)s”，但这道题没有选项"), text=_short(bare))
    by_id, by_text = _by_id(bare, choices), _by_text(bare, choices) or _by_text(text.strip(), choices)
    if by_id and by_text and by_id != by_text:
        raise KeyTextError(N_("答案“%(text)s”既像选项字母又像选项内容，请改成选项字母"), text=_short(bare))
    found = by_id or by_text
    if not found:
        raise KeyTextError(N_("答案“%(text)s”不在选项 %(ids)s 之中"), text=_short(bare), ids=_id_list(choices))
    is_ambiguous = not by_id and len(_one_by_text(bare, choices)) > 1
    if len(set(found)) != len(found) or is_ambiguous:
        raise KeyTextError(N_("答案“%(text)s”重复或同时符合几个选项，请改成选项字母"), text=_short(bare))
    return found


def joined_ids(ids: Sequence[str]) -> str:
    """Return ids as people write them in a cell: letters joined, longer ids separated.

    Examples
    --------
    >>> joined_ids(["A", "C"]), joined_ids(["A1", "B"])
    ('AC', 'A1;B')
    """
    return ("" if all(len(one) == 1 for one in ids) else ";").join(ids)


def id_list(key: object, message: str) -> list[str] | None:
    """Return a key as a list of ids, or None where there is none; raises KeyTextError with the type's own message.

    Examples
    --------
    >>> id_list("A", ""), id_list(["A", "C"], ""), id_list(None, "")
    (['A'], ['A', 'C'], None)
    """
    if key is None:
        return None
    listed = [key] if isinstance(key, str) else key
    if isinstance(listed, list | tuple) and all(isinstance(one, str) and one for one in listed):
        return list(listed)
    raise KeyTextError(message)


def _by_id(bare: str, choices: Sequence[Choice]) -> list[str]:
    """Ids named by the text; empty when any part is not an id."""
    known = {choice.id.casefold(): choice.id for choice in choices}
    if bare.casefold() in known:
        return [known[bare.casefold()]]
    parts = [part for part in SEPARATORS.split(bare.casefold()) if part]
    tokens = [token for part in parts for token in ([part] if part in known else list(part))]
    return [known[token] for token in tokens] if tokens and all(token in known for token in tokens) else []


def _by_text(bare: str, choices: Sequence[Choice]) -> list[str]:
    whole = _one_by_text(bare, choices)
    if whole:
        return whole
    for pattern in (r"[;；|→\n]+", r"[,，、\n]+"):
        parts = [part.strip() for part in re.split(pattern, bare) if part.strip()]
        found = [_one_by_text(part, choices) for part in parts]
        if len(parts) > 1 and all(len(one) == 1 for one in found):
            return [one[0] for one in found]
    return []


def _one_by_text(part: str, choices: Sequence[Choice]) -> list[str]:
    texts = {choice.id: normalise_text(plain_text(choice.content)) for choice in choices}
    same = [choice_id for choice_id, text in texts.items() if text and text == normalise_text(part)]
    if len(same) > 1:
        same = _same_case(part, [choice for choice in choices if choice.id in same]) or same
    lettered = _LETTER_AND_TEXT.match(part)
    if not same and lettered:
        rest, letter = normalise_text(lettered[2]), lettered[1].casefold()
        same = [choice_id for choice_id, text in texts.items() if choice_id.casefold() == letter and text == rest]
    return same


def _same_case(part: str, choices: Sequence[Choice]) -> list[str]:
    """Return the options that a text names letter by letter: mΩ is not MΩ."""
    wanted = normalise_text(part, keep_case=True)
    return [one.id for one in choices if normalise_text(plain_text(one.content), keep_case=True) == wanted]


def _id_list(choices: Sequence[Choice]) -> str:
    return "、".join(choice.id for choice in choices)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 30 else f"{line[:30]}…"
