"""A flight: one refresh or log-in, from its beginning to its end. What it sends is in attempts.py."""

from .attempts import Attempts, Overtaken
from .pacing import Failure
from .storage import UNREADABLE
from .tokens import MANDATORY, take


class LoggedOut(Failure):
    """Another process has logged out."""


class Flight(Attempts):
    def __init__(self, client, only_looks):
        self.client = client
        self.loop = client.loop
        self.settings = client.settings
        self.started = self.loop.mono
        self.deadline = self.started + self.settings.flight_deadline
        token = client.usable()
        half = token.time_left(self.loop.now) / 2 if token else 0
        self.patient_until = self.started + min(self.settings.mandatory_wait, half)
        # The error that is remembered, if this flight only looks whether another process has logged in.
        self.only_looks = only_looks
        self.login = client.login_number
        self.callers = 0
        self.is_requested = False
        self.failed_attempts = 0
        self.has_failed_once = False
        # The one repetition after a token that had expired was made.
        self.asked_again = False
        self.is_sending = False
        self.is_overtaken = False
        # What ran it is gone, and its request goes on.
        self.is_given_up = False
        self.is_unreadable = False
        self.is_first_login = not client.was_ever_held
        client.pacing.flight_starts(self.loop.now)
        # A refresh token that is in doubt is sent once in each flight.
        self.has_resent = client.refresh_token == "doubtful"
        self.is_in_known_outage = client.pacing.in_a_row > 0
        self.saving = None
        self.task = None

    def is_past_its_deadline(self):
        return self.loop.mono >= self.deadline

    def will_send(self):
        """Whether the request that brings the credentials has still to be sent."""
        return not self.is_sending and not self.saving

    def overtaken(self):
        self.is_overtaken = True
        if self.client.storage:
            self.client.storage.release()
        if not self.is_sending:
            self.loop.stop(self.task)

    def run(self):
        error = None
        try:
            yield from self.chain()
        except Failure as failure:
            error = failure
        except Overtaken:
            return
        client = self.client
        if client.storage:
            client.storage.release()
        if error is None:
            client.pacing.succeeded()
        elif error is not self.only_looks and not isinstance(error, LoggedOut):
            client.put_back_in_use(error)
            client.pacing.failed(self, error, client.usable(), self.loop.now)
            if error.kind == "invalid_response" and getattr(error, "came_back", False):
                interval = self.settings.interval(client.current.lifetime if client.current else None)
                client.pacing.not_before(self.started + interval)
        client.flight_is_over(error)

    # --- the order of the steps ---

    def chain(self):
        client = self.client
        if client.refresh_token == "inconclusive":
            client.refresh_token = "good"
        if client.storage and client.storage.must_clear:
            yield from client.storage.clear()
        if self.only_looks:
            found = yield from self.read_store()
            if found is None:
                raise self.only_looks
            yield from self.adopt(found)
        elif client.current is None:
            yield from self.begin_with_nothing()
        elif client.current.refresh and client.refresh_token != "refused":
            yield from self.refresh()
        else:
            found = yield from self.read_store()
            yield from self.adopt(found) if found else self.log_in(None)

    def begin_with_nothing(self):
        client = self.client
        found = yield from self.read_store()
        if found:
            yield from self.adopt(found)
        elif client.initial:
            yield from self.take_up_initial()
        else:
            yield from self.log_in(None)

    def read_store(self):
        """What another process has written since this one last looked."""
        if not self.client.storage:
            return None
        found = yield from self.client.storage.load()
        return self.news(found)

    def news(self, found):
        storage = self.client.storage
        self.is_unreadable = found is UNREADABLE
        if found is UNREADABLE or found is None:
            return None
        if not storage.is_news(found):
            if found.is_refused and self.client.current and self.client.current.refresh == found.tokens.get("refresh"):
                self.client.refresh_token = "refused"
            return None
        if found.tokens is None:
            storage.known = found.version
            if self.client.current:
                self.client.logged_out_elsewhere()
                raise LoggedOut("login_required")
            return None
        return found

    def take_guard(self):
        """Takes the store's lock, and returns what another process has written."""
        storage = self.client.storage
        if storage and self.settings.use_guard and not storage.has_guard:
            return self.news((yield from storage.guard(self.deadline)))
        if storage and self.settings.load_before_refresh:
            return self.news((yield from storage.load()))
        return None

    def adopt(self, found):
        """Uses what another process has written. It is refreshed at once if that is due."""
        client, now = self.client, self.loop.now
        client.storage.known = found.version
        held = take(found.tokens, now, self.settings)
        if client.current and client.refresh_token == "doubtful" and client.current.refresh != held.refresh:
            client.doubted = client.current
        if client.current is None and client.initial:
            client.put_in_use(client.initial)
        yield from self.take_up(held, found.is_refused)

    def take_up_initial(self):
        client = self.client
        held, client.initial = client.initial, None
        yield from self.take_up(held, False)

    def take_up(self, held, is_refused):
        client, now = self.client, self.loop.now
        is_rejected = client.was_rejected(held.access)
        is_due = is_rejected or held.state(now) >= MANDATORY
        good = client.usable()
        if good and is_due and (is_rejected or good.time_left(now) > held.time_left(now)):
            held = good.with_refresh(held.refresh)
            is_rejected = False
        client.put_in_use(held, is_rejected)
        if is_refused:
            client.refresh_token = "refused"
        if not is_due and not self.is_requested:
            return
        if is_refused:
            yield from self.after_refusal(Failure("login_required", "refused"))
        elif client.current.refresh:
            yield from self.refresh()
        else:
            yield from self.log_in(None)
