"""What every component's pages and API share: who asks, what they may, paging, uploads, menus and things to do.

The one part of the kernel that knows Flask.
"""

from kernel.http.access import current_actor, public, public_once, requires, requires_sign_in
from kernel.http.idempotency import once
from kernel.http.navigation import MenuEntry, SearchHit, Todo
from kernel.http.paging import Paging, paging_from_request
from kernel.http.rendering import redirect_with_message, render_page
from kernel.http.uploads import Upload, printable_name, uploaded_file

__all__ = [
    "MenuEntry",
    "Paging",
    "SearchHit",
    "Todo",
    "Upload",
    "current_actor",
    "once",
    "paging_from_request",
    "printable_name",
    "public",
    "public_once",
    "redirect_with_message",
    "render_page",
    "requires",
    "requires_sign_in",
    "uploaded_file",
]
