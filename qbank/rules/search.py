"""How item text is cut for the index of each database, so that any run of characters is found, one character too.

SQLite's full-text index gets every character as a word of its own and finds a run as a phrase. PostgreSQL gets the
single characters and all pairs of neighbours as an array; a run is found by its pairs and then compared with the text.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

from item_templates.contract import ItemContent
from item_templates.markup import normalise_text, plain_text

MAX_WORDS = 8
"""Words of one search that count; more would only slow it down."""


def characters(text: str) -> list[str]:
    """Return the characters of folded text as words of an index; signs are named by their number, blanks go.

    Examples
    --------
    >>> characters("变频 1.5")
    ['变', '频', '1', 'x2e', '5']
    """
    return [_word(sign) for sign in text if not sign.isspace()]


def _word(sign: str) -> str:
    return sign if sign.isalnum() and sign.isprintable() and ord(sign) < 0x10000 else f"x{ord(sign):x}"


def split_body(text: str) -> str:
    """Return what SQLite indexes: all characters with blanks between them.

    Examples
    --------
    >>> split_body("安全 A")
    '安 全 A'
    """
    return " ".join(characters(text))


def pair_body(text: str) -> str:
    """Return what PostgreSQL indexes: each character and each pair of neighbours, once.

    Examples
    --------
    >>> pair_body("安全")
    '安 全 安全'
    """
    words = characters(text)
    return " ".join(dict.fromkeys([*words, *(a + b for a, b in itertools.pairwise(words))]))


def search_words(search: str) -> list[str]:
    """Return the words of a search, folded as the text is; all must be found.

    Examples
    --------
    >>> search_words(" 变频器　ＰＬＣ ")
    ['变频器', 'plc']
    """
    words = (normalise_text(word) for word in search.split())
    return list(dict.fromkeys(word for word in words if word))[:MAX_WORDS]


def phrase_query(words: list[str]) -> str:
    """Return the query of SQLite's index for words that must all stand in the text.

    Examples
    --------
    >>> phrase_query(["变频", "a"])
    '"变 频" AND "a"'
    """
    return " AND ".join(f'"{split_body(word)}"' for word in words)


def wanted_pairs(word: str) -> list[str]:
    """Return the entries of PostgreSQL's index that a word needs.

    Examples
    --------
    >>> wanted_pairs("变频器"), wanted_pairs("泵")
    (['变频', '频器'], ['泵'])
    """
    signs = characters(word)
    return [a + b for a, b in itertools.pairwise(signs)] or signs


def fingerprint(content: ItemContent) -> str:
    """Return the same value for items that ask the same: stem and options without order, signs, blanks or case.

    The key is left out: the same item with another key is worth seeing.

    Examples
    --------
    >>> a = ItemContent("true_false", "电压的单位是伏特。", key=True)
    >>> b = ItemContent("true_false", "电压的单位，是 伏特", key=False)
    >>> fingerprint(a) == fingerprint(b)
    True
    """
    return hashlib.sha256("\n".join(_essence(content)).encode()).hexdigest()


def _essence(content: ItemContent) -> Iterator[str]:
    yield bare(content.stem)
    yield from sorted(bare(one.content) for one in (*content.choices, *content.targets))
    for child in content.items:
        yield from _essence(child)


def bare(html: str) -> str:
    """Return the letters, digits and Chinese characters of item HTML, folded; a sign within a number stays.

    Examples
    --------
    >>> bare("<p>额定电压为（　）Ｖ，误差 1.5%。</p>")
    '额定电压为v误差1.5%'
    """
    text = normalise_text(plain_text(html))
    return "".join(sign for place, sign in enumerate(text) if sign.isalnum() or _belongs(text, place))


def _belongs(text: str, place: int) -> bool:
    """Say whether a sign carries meaning: a picture's name, or a sign of a number or formula such as 1.5, -3, >, %."""
    sign = text[place]
    if sign in "%‰<>=≤≥±+℃°×÷/√":
        return True
    return sign in ".-" and place + 1 < len(text) and text[place + 1].isdigit()
