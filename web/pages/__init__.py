"""Pages of the house itself: sign-in, home, people, organisations, rule profiles, jobs, audit, system, search."""

from web.pages import (
    account,
    analyses,
    audit,
    auth,
    backups,
    bank_statistics,
    declarations,
    exporting,
    fairness,
    figure_guide,
    home,
    jobs,
    leads,
    lists,
    organisations,
    people,
    profiles,
    search,
    system,
)
from web.pages.navigation import MENU, todos

BLUEPRINTS = (
    auth.bp, home.bp, account.bp, people.bp, organisations.bp, profiles.bp, jobs.bp, audit.bp, system.bp, search.bp,
    declarations.bp, analyses.bp, bank_statistics.bp, exporting.bp, fairness.bp, figure_guide.bp, leads.bp, backups.bp, lists.bp,
)  # fmt: skip

__all__ = ["BLUEPRINTS", "MENU", "todos"]
