"""What can be set. Times are in milliseconds. A variant of the client is this with other values."""

from dataclasses import dataclass


@dataclass
class Settings:
    # A window is a part of the lifetime, and at most so long. A part of 1 makes it flat.
    advisory_part: float = 0.25
    advisory_max: int = 900_000
    mandatory_part: float = 0.1
    mandatory_max: int = 10_000
    mandatory_wait: int = 1_000
    # The wait before the n-th retry within a flight, doubling.
    retry_first: int = 200
    retry_max: int = 5_000
    # The wait after the n-th failed flight, while a valid token is held.
    back_off_first: int = 1_000
    back_off_max: int = 60_000
    # The same without a usable token.
    urgent_first: int = 200
    urgent_max: int = 5_000
    # How long an answer that only a person can change is remembered.
    terminal_memory: int = 5_000
    terminal_memory_max: int = 300_000
    retry_after_max: int = 3_600_000
    rejection_interval: int = 10_000
    flight_deadline: int = 30_000
    # A refresh goes on for so many times the deadline of its flight.
    refresh_deadlines: float = 2
    store_timeout: int = 5_000
    first_login_deadline: int = 3_000
    first_login_attempts: int = 3
    # Waits without a token grow with the outage: a tenth of it, at most so much.
    outage_back_off_max: int = 60_000
    default_lifetime: int = None
    # Whether the store is read before each refresh, though no lock asks for it.
    load_before_refresh: bool = False
    # Whether a write names the version that it replaces.
    compare_versions: bool = True
    # Whether the store's lock is taken before a refresh or a log-in.
    use_guard: bool = True

    def advisory_window(self, lifetime):
        return round(min(lifetime * self.advisory_part, self.advisory_max))

    def mandatory_window(self, lifetime):
        return round(min(lifetime * self.mandatory_part, self.mandatory_max))

    def request_deadline(self):
        return round(self.flight_deadline * self.refresh_deadlines)

    def interval(self, lifetime):
        return self.rejection_interval if lifetime is None else min(self.rejection_interval, lifetime / 2)


def doubling(first, most, n):
    """The n-th wait of a row that doubles."""
    return min(first * 2 ** min(n - 1, 40), most)
