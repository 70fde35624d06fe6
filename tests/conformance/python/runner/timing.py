"""Times in a scenario: numbers of seconds, or sums of what the client says about its windows and waits."""

import re

TERM = r"(?:\d+(?:\.\d{1,3})?|[a-z_]+(?:\(\d+(?:\.\d{1,3})?\))?)"
SUM = re.compile(f"{TERM}(?: [+-] {TERM})*")


# All that a driver's `hello` may state.
TIMES = ("advisory_part", "advisory_max", "mandatory_part", "mandatory_max", "mandatory_wait", "retry_first", "retry_max",
         "back_off_first", "back_off_max", "urgent_first", "urgent_max", "terminal_memory", "terminal_memory_max", "rejection_interval",
         "flight_deadline", "request_deadline", "store_timeout")


class MissingTime(Exception):
    """A scenario uses a time that the driver has not stated."""


class Values(dict):
    """The times of `hello`, by their names."""

    def __missing__(self, name):
        raise MissingTime(f"your driver's `hello` must state `{name}`")


class Wanted(dict):
    """The same, and which times were wanted in vain."""

    def __init__(self, values):
        super().__init__(values)
        self.missing = []

    def __missing__(self, name):
        self.missing.append(name)
        return 1


class Timing:
    """The windows and waits of one client, in seconds, under the names of its driver's `hello`."""

    def __init__(self, values):
        self.values = Values(values)

    def seconds(self, value):
        """A number as it is, a text as the sum that it states."""
        return self.sum(value) if isinstance(value, str) else value

    def millis(self, value):
        return round(self.seconds(value) * 1000)

    def sum(self, text):
        return round(sum(sign * self.term(name, argument) for sign, name, argument in terms(text)), 3)

    def term(self, name, argument):
        if name is None:
            return argument
        return getattr(self, name)(*([] if argument is None else [argument]))

    # --- the ages at which a token of this lifetime changes its state ---

    def advisory(self, lifetime):
        return lifetime - self.window("advisory", lifetime)

    def mandatory(self, lifetime):
        return lifetime - self.window("mandatory", lifetime)

    def window(self, name, lifetime):
        return min(lifetime * self.values[f"{name}_part"], self.values[f"{name}_max"], lifetime)

    # --- the n-th wait ---

    def retry(self, n):
        return self.doubling("retry", n)

    def back_off(self, n):
        return self.doubling("back_off", n)

    def urgent(self, n):
        return self.doubling("urgent", n)

    def terminal(self, n):
        return min(self.values["terminal_memory"] * 2 ** (n - 1), self.values["terminal_memory_max"])

    def doubling(self, name, n):
        return min(self.values[f"{name}_first"] * 2 ** (n - 1), self.values[f"{name}_max"])

    # --- single times ---

    def interval(self, lifetime):
        return min(self.values["rejection_interval"], lifetime / 2)

    def deadline(self):
        return self.values["flight_deadline"]

    def request_deadline(self):
        return self.values["request_deadline"]

    def mandatory_wait(self):
        return self.values["mandatory_wait"]

    def store_timeout(self):
        return self.values["store_timeout"]


WITH_ARGUMENT = ["advisory", "mandatory", "retry", "back_off", "urgent", "terminal", "interval"]
WITHOUT_ARGUMENT = ["deadline", "request_deadline", "mandatory_wait", "store_timeout"]


def terms(text):
    """The sign, the name and the number of each part of a sum: its number alone, or a time with or without one."""
    if not SUM.fullmatch(text):
        raise ValueError(f"`{text}` is no sum of times: one space stands on each side of a sign")
    parts = text.split(" ")
    found = [term_of(part, text) for part in parts[::2]]
    if all(name is None for name, _ in found):
        raise ValueError(f"`{text}` names no time: write it as a number")
    signs = [1] + [-1 if sign == "-" else 1 for sign in parts[1::2]]
    return [(sign, *term) for sign, term in zip(signs, found)]


def term_of(part, text):
    if part[0].isdigit():
        return None, float(part)
    name, _, argument = part.rstrip(")").partition("(")
    if name not in (WITH_ARGUMENT if argument else WITHOUT_ARGUMENT):
        raise ValueError(f"`{part}` in `{text}` is no time")
    return name, float(argument) if argument else None


def missing_times(scenarios, values):
    """The times that these scenarios use, and that the driver has not stated."""
    timing = Timing({})
    timing.values = Wanted(values)
    for text in {text for scenario in scenarios for text in sums_in(scenario)}:
        timing.sum(text)
    return sorted(set(timing.values.missing))


def sums_in(value):
    """Each text in a scenario that is a sum of times."""
    if isinstance(value, dict):
        return [text for key, part in value.items() for text in ([part] if is_sum(key, part) else sums_in(part))]
    return [text for part in value for text in sums_in(part)] if isinstance(value, list) else []


def is_sum(key, value):
    return key in KEYS_OF_TIMES and isinstance(value, str)


# The keys of times in a scenario.
KEYS_OF_TIMES = ("seconds", "every", "retry_after", "next_attempt", "lifetime", "expires_at", "exp", "iat", "within")


def with_numbers(value, timing):
    """A copy for a report, in which each sum has its number too."""
    if isinstance(value, dict):
        return {key: f"{part} = {timing.sum(part)}" if is_sum(key, part) else with_numbers(part, timing) for key, part in value.items()}
    return [with_numbers(part, timing) for part in value] if isinstance(value, list) else value
