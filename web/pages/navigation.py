"""Menu entries of the house itself."""

from __future__ import annotations

from kernel.http import MenuEntry
from kernel.i18n import N_

MENU = (MenuEntry(N_("工作台"), N_("首页"), "home.index", (), icon="home", order=1),)
