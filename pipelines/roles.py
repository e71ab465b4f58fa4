"""Who there is: the roles, and what each is for."""

from __future__ import annotations

PUBLIC = "public"  # anybody, where an installation has opened its release to all
PLANNER = "planner"  # handläggare: reads the release
ANALYST = "analyst"  # brottsanalytiker or police: reads the points
COORDINATOR = "coordinator"  # walks, measures, own reports
ADMIN = "admin"  # systemförvaltare: accounts and the log, no crime data
GROUP = "group"  # lägesbildsgrupp: bands in four-week blocks, by decision and for a time

ACCOUNT_ROLES = (PLANNER, ANALYST, COORDINATOR, ADMIN, GROUP)  # what an account can have
KEY_ROLES = (PLANNER, ANALYST, COORDINATOR)  # what a script can have
ROLES = (PUBLIC, *ACCOUNT_ROLES)
