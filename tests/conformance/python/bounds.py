"""The bounds of a client's times that the page names, as clients: each is made by chance and is within all of them."""

from random import Random

from reference.settings import Settings, doubling

HOUR = 3_600_000
NEVER_WAITS = ("urgent_first", "urgent_max", "back_off_first", "back_off_max", "terminal_memory", "terminal_memory_max",
               "rejection_interval")


def client_by_chance(seed):
    """The settings that differ from those of the reference client, in milliseconds, and what the client cannot do."""
    random = Random(seed)
    settings, lacks = {}, set()
    for part in (flight, windows, retries, back_off, provider, store):
        part(random, settings, lacks)
    return settings, sorted(lacks)


def between(random, least, most):
    """All sizes are equally likely."""
    least, most = max(1, int(least)), max(1, int(most))
    return max(least, min(most, round(least * (most / least) ** random.random())))


def flight(random, settings, lacks):
    deadline = settings["flight_deadline"] = between(random, 5_000, 600_000)
    settings["refresh_deadlines"] = random.choice([1, 1.01, 1.5, 2, 4])
    settings["store_timeout"] = between(random, 100, deadline - 1)
    if settings["refresh_deadlines"] == 1:
        lacks.add("patience")


def windows(random, settings, lacks):
    if random.random() < 0.5:
        advisory = between(random, 15_000, 3_000_000)
        settings |= {"advisory_part": 1.0, "advisory_max": advisory, "mandatory_part": 1.0, "mandatory_max": between(random, 1, advisory)}
    else:
        # Parts of which the windows are whole milliseconds.
        advisory = random.randint(2, 90)
        settings |= {"advisory_part": advisory / 100, "mandatory_part": random.randint(0, advisory) / 100,
                     "mandatory_max": between(random, 1, 900_000)}
    mandatory = Settings(**settings).mandatory_window(HOUR)
    if mandatory < 200:
        lacks.add("early")
    settings["mandatory_wait"] = between(random, 100, min(mandatory / 2, settings["flight_deadline"] - 100))
    if advisory_time(settings) < 10_000:
        lacks.add("background")


def advisory_time(settings):
    """How long a token of an hour is advisory before it is mandatory."""
    return Settings(**settings).advisory_window(HOUR) - Settings(**settings).mandatory_window(HOUR)


def retries(random, settings, lacks):
    deadline, advisory = settings["flight_deadline"], advisory_time(settings)
    most = deadline if "background" in lacks else min(deadline, advisory / 20)
    first = settings["retry_first"] = between(random, 10, most)
    settings["retry_max"] = between(random, first, 10 * first)
    if sum(doubling(first, settings["retry_max"], n) for n in (1, 2, 3)) + 1_000 > deadline:
        settings["retry_first"] = settings["retry_max"] = deadline
        lacks.add("retries")


def back_off(random, settings, lacks):
    if random.random() < 0.15:
        settings |= dict.fromkeys(NEVER_WAITS, 0)
        lacks.add("back_off")
        return
    most = 30_000 if "background" in lacks else min(30_000, advisory_time(settings) / 20)
    settings["back_off_first"] = between(random, 10, most)
    settings["back_off_max"] = between(random, settings["back_off_first"], 300_000)
    urgent = settings["urgent_first"] = between(random, 10, 30_000)
    settings["urgent_max"] = between(random, urgent, 300_000)
    settings["terminal_memory"] = between(random, urgent, 300_000)
    settings["terminal_memory_max"] = between(random, max(settings["terminal_memory"], 2 * urgent + 2_000), HOUR)
    settings["rejection_interval"] = between(random, 100, HOUR - Settings(**settings).advisory_window(HOUR) - 1)


def provider(random, settings, lacks):
    settings["retry_after_max"] = between(random, settings["flight_deadline"] + 90_000, 86_400_000)
    settings["outage_back_off_max"] = between(random, 1, 60_000)


def store(random, settings, lacks):
    if random.random() < 0.5:
        lacks |= {"guard", "processes"}
        settings |= {"use_guard": False, "load_before_refresh": random.random() < 0.5, "compare_versions": random.random() < 0.5}
