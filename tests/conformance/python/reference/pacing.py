"""When the next flight may start after one that failed, and when the next attempt of a flight."""

from .settings import doubling

TERMINAL = ("login_required", "misconfigured")
OUTAGE_GROWS_AFTER = 50_000
OUTAGE_IS_FORGOTTEN_AFTER = 60_000
SHORTEST_WAIT = 200


class Failure(Exception):
    """Why callers get no token. `source` is the provider's word, if it spoke."""

    def __init__(self, kind, source=None, retry_after=None):
        super().__init__(kind)
        self.kind = kind
        self.source = source
        self.retry_after = retry_after

    @property
    def is_terminal(self):
        return self.kind in TERMINAL


class Pacing:
    """What is known about the flights that failed since the last success."""

    def __init__(self, settings):
        self.settings = settings
        self.error = None
        self.in_a_row = 0
        self.outage_since = None
        self.valid_until = self.urgent_until = self.floor = 0

    def succeeded(self):
        self.__init__(self.settings)

    def failed(self, flight, error, token, now):
        """Remembers a failed flight. `token` is what may still be used, if there is such."""
        self.count(flight, error, now)
        self.error = error
        settings, n = self.settings, self.in_a_row
        if error.source == "panic":
            n -= 1
        valid = doubling(settings.back_off_first, settings.back_off_max, n) if n else 0
        if token:
            valid = min(valid, token.time_left(now) / 2)
        urgent = doubling(settings.urgent_first, settings.urgent_max, n) if n else 0
        urgent = max(urgent, self.outage_wait(now))
        self.valid_until = now.mono + (max(valid, min(SHORTEST_WAIT, settings.back_off_first)) if n else 0)
        self.urgent_until = now.mono + urgent
        self.floor = 0
        if error.is_terminal:
            row = 1 if error.source == "unsupported" else self.in_a_row
            memory = doubling(settings.terminal_memory, settings.terminal_memory_max, row)
            self.floor = now.mono + memory
        if error.retry_after is not None:
            self.floor = max(self.floor, now.mono + error.retry_after)
        self.nobody_waited = flight.callers == 0

    def count(self, flight, error, now):
        """A row of failures is of one kind: an outage, or answers that only a person can change."""
        is_new = self.in_a_row == 0 or self.error.is_terminal != error.is_terminal
        if is_new:
            self.in_a_row, self.outage_since = 0, flight.started
        self.in_a_row += 1
        if error.is_terminal:
            self.outage_since = None

    def flight_starts(self, now):
        """Long after the back-off nobody knows whether it is still the same outage."""
        until = max(self.urgent_until, self.floor)
        if self.error and not self.error.is_terminal and now.mono - until > OUTAGE_IS_FORGOTTEN_AFTER:
            self.in_a_row, self.outage_since = 0, None

    def outage_wait(self, now):
        if self.outage_since is None or now.mono - self.outage_since <= OUTAGE_GROWS_AFTER:
            return 0
        return min((now.mono - self.outage_since) / 10, self.settings.outage_back_off_max)

    def not_before(self, moment):
        self.floor = max(self.floor, moment)

    def may_start_at(self, has_token, has_to_wait):
        """When the next flight may start, for a caller of this kind."""
        if self.error is None:
            return 0
        until = self.valid_until if has_token else self.urgent_until
        if has_to_wait and self.nobody_waited:
            until = 0
        return max(until, self.floor)

    def error_for(self, until, now):
        """The error of the last flight, with the time that is left if the provider has named one."""
        left = until - now.mono if self.error.retry_after is not None else None
        return Failure(self.error.kind, self.error.source, left)


def retry_wait(settings, attempt, error, pacing, flight, now, is_repetition):
    """How long a flight waits after its n-th failed attempt."""
    wait = doubling(settings.retry_first, settings.retry_max, attempt)
    since = pacing.outage_since if pacing.outage_since is not None else flight.started
    if not is_repetition and now.mono - since > OUTAGE_GROWS_AFTER:
        wait = max(wait, min((now.mono - since) / 10, settings.outage_back_off_max))
    return max(wait, error.retry_after or 0)
