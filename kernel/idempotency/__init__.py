"""Acts that are asked for twice and done once: the answer is kept with its act, under the key that the caller named."""

from kernel.idempotency.services import (
    Answer,
    Ask,
    AskedOtherwiseError,
    ask_of,
    find_answer,
    forget_old_answers,
    keep_answer,
    take_key,
)

__all__ = [
    "Answer", "Ask", "AskedOtherwiseError", "ask_of", "find_answer", "forget_old_answers", "keep_answer", "take_key",
]  # fmt: skip
