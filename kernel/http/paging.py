"""Paging of lists by the address."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

PER_PAGE_CHOICES = (20, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of a list: 1-based `page`, `per_page` rows, `total` rows in all."""

    page: int
    per_page: int
    total: int = 0

    @property
    def n_pages(self) -> int:
        """Number of pages, at least one."""
        return max(1, -(-self.total // self.per_page))

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.per_page

    def of(self, total: int) -> Paging:
        """Return the same page of a list that turned out to have `total` rows."""
        return Paging(self.page, self.per_page, total)


def paging_from_request(default: int = 50) -> Paging:
    """Read ``?page=&per_page=``; nonsense falls back to the first page."""
    page = request.args.get("page", 1, type=int)
    per_page = request.args.get("per_page", default, type=int)
    return Paging(max(1, page), per_page if per_page in PER_PAGE_CHOICES else default)
