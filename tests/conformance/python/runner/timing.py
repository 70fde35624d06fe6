"""Times in a scenario: numbers of seconds, or sums of what the client says about its windows and waits."""

import re

TERM = re.compile(r"([+-]?)\s*(?:(\d+(?:\.\d+)?)|([a-z_]+)(?:\((\d+(?:\.\d+)?)\))?)\s*")


class MissingTime(Exception):
    """A scenario uses a time that the driver has not stated."""


class Values(dict):
    """The times of `hello`, by their names."""

    def __missing__(self, name):
        raise MissingTime(f"your driver's `hello` must state `{name}`")


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
        total, at = 0, 0
        if not re.search("[a-z]", text):
            raise ValueError(f"`{text}` is no time")
        while at < len(text):
            term = TERM.match(text, at)
            if not term or (at > 0 and not term[1]):
                raise ValueError(f"`{text}` is no time")
            amount = float(term[2]) if term[2] else self.named(term[3], term[4])
            total += -amount if term[1] == "-" else amount
            at = term.end()
        return round(total, 3)

    def named(self, name, argument):
        if (argument is None) != (name in WITHOUT_ARGUMENT) or name not in WITHOUT_ARGUMENT + WITH_ARGUMENT:
            raise ValueError(f"`{name}` is no time")
        return getattr(self, name)(*([] if argument is None else [float(argument)]))

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
