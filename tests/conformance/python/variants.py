"""Clients that do the same with other numbers, and without what not every client has. Each passes all scenarios of the levels
`must` and `should` that it has the needs for."""

VERY_LONG = 10**12

# The name, the settings that differ, and what the client cannot do.
VARIANTS = [
    ("refreshes after half of the lifetime", {"advisory_part": 0.5, "advisory_max": VERY_LONG}, []),
    ("refreshes five minutes before the end, whatever the lifetime", {"advisory_part": 1.0, "advisory_max": 300_000}, []),
    ("lets callers wait for the last five minutes, and has no background refresh",
     {"advisory_part": 1.0, "advisory_max": 300_000, "mandatory_part": 1.0, "mandatory_max": 300_000}, ["background"]),
    ("refreshes when a token has expired, and no sooner",
     {"advisory_part": 0.0, "advisory_max": 0, "mandatory_part": 0.0, "mandatory_max": 0}, ["background", "early"]),
    ("never waits between flights, and remembers no error",
     {"urgent_first": 0, "urgent_max": 0, "back_off_first": 0, "back_off_max": 0, "terminal_memory": 0,
      "terminal_memory_max": 0, "rejection_interval": 0}, ["back_off"]),
    ("gives a refresh up when its callers give up", {"refresh_deadlines": 1}, ["patience"]),
    ("waits half a second before the first retry", {"retry_first": 500}, []),
    ("waits longer between flights", {"urgent_first": 1_000, "back_off_first": 2_000}, []),
    ("reads the store before each refresh, and has no guard",
     {"use_guard": False, "load_before_refresh": True}, ["guard", "processes"]),
    ("reads the store when it starts, and has no guard", {"use_guard": False}, ["guard", "processes"]),
    ("has a plain file for a store, reads it when it starts, and writes over it",
     {"use_guard": False, "compare_versions": False}, ["guard", "processes"]),
    ("has another window in which callers wait, and lets them wait for a moment only",
     {"mandatory_part": 0.05, "mandatory_max": 30_000, "mandatory_wait": 200}, []),
    ("has other limits",
     {"retry_max": 2_000, "back_off_max": 20_000, "urgent_max": 2_000, "terminal_memory_max": 60_000, "store_timeout": 2_000,
      "first_login_attempts": 5, "first_login_deadline": 10_000, "retry_after_max": 900_000}, []),
    ("gives a flight 40 s", {"flight_deadline": 40_000}, []),
    ("does not slow down in a long outage", {"outage_back_off_max": 0}, []),
    ("remembers a refusal for 20 s", {"terminal_memory": 20_000}, []),
    ("lets 20 s pass between refreshes after a 401", {"rejection_interval": 20_000}, []),
    ("lets callers wait for three seconds before the end", {"mandatory_wait": 3_000}, []),
    ("differs in all of it",
     {"advisory_part": 0.5, "advisory_max": VERY_LONG, "retry_first": 500, "urgent_first": 1_000, "back_off_first": 2_000,
      "use_guard": False, "load_before_refresh": True, "flight_deadline": 40_000, "outage_back_off_max": 0,
      "terminal_memory": 20_000, "rejection_interval": 20_000, "mandatory_wait": 3_000}, ["guard", "processes"]),
]
