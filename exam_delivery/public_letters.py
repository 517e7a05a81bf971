"""Letters to candidates, for components that write their own: one layout, as Word and as PDF."""

from __future__ import annotations

from exam_delivery.documents.letters import Letter, letter_docx, letter_pdf

__all__ = ["Letter", "letter_docx", "letter_pdf"]
