"""Says which scenarios concern a client."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]

LEVELS = ("must", "should", "reauth")


def growing(steps):
    """Each profile has what the one before it has, and more."""
    profiles, needs = {}, []
    for name, more in steps:
        needs = needs + more
        profiles[name] = needs
    return profiles


# What a client must be able to do to play all scenarios of a profile.
PROFILES = growing([
    ("minimal", []),
    ("background", ["back_off", "background", "cancel", "early", "panic", "patience", "retries", "retry_after", "settings"]),
    ("server", ["clocks", "inconclusive", "initial", "jwt", "refresh", "reject"]),
    ("session", ["log_out", "revoke", "set_credentials"]),
    ("store", ["store"]),
    ("processes", ["guard", "processes", "sweep"]),
    ("all", ["interrupt", "lapses", "refresh_without_store", "set_back"]),
])


# All that a client can state. Events are compared where a scenario has them, and no scenario asks for them.
NEEDS = PROFILES["all"] + ["events"]


def level_of(scenario):
    return scenario.get("level", "reauth")


def needs_of(scenario):
    return set(scenario.get("needs", []))


def selected(scenarios, levels, needs, names=()):
    """Those of these levels that need nothing else than `needs`, or those with these names."""
    if names:
        return [scenario for scenario in scenarios if scenario["name"] in names]
    return [scenario for scenario in scenarios
            if level_of(scenario) in levels and needs_of(scenario) <= set(needs)]
