"""Pages of the house itself: sign-in, home, people, rule profiles, jobs, audit, system."""

from web.pages import account, auth, home, jobs
from web.pages.navigation import MENU

BLUEPRINTS = (auth.bp, home.bp, account.bp, jobs.bp)

__all__ = ["BLUEPRINTS", "MENU"]
