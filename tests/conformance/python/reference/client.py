"""The client: what a caller gets, when a flight starts, and what the program may change."""

from . import callers as wants
from .callers import Callers, Waiter
from .flight import Flight
from .pacing import Failure, Pacing
from .revocation import log_out_at_the_store
from .storage import Storage
from .tokens import ADVISORY, EXPIRED, MANDATORY, take

# A provider has no more tokens in its caches than so many.
REJECTED_TOKENS_KEPT = 8


class Client:
    def __init__(self, loop, settings, setup):
        self.loop = loop
        self.settings = settings
        self.can_login = setup.get("can_login", True)
        self.can_refresh = setup.get("can_refresh", True)
        self.can_revoke = setup.get("can_revoke", False)
        self.callers = Callers(loop)
        self.storage = Storage(self) if setup.get("store") else None
        self.login_number = 0
        # The access tokens of log-ins that a log-out has ended.
        self.ended = set()
        # Who has set the credentials that are being stored, and the task that does it.
        self.storing = None
        self.was_ever_held = False
        self.forget_everything()
        if setup.get("initial"):
            initial = take(setup["initial"], loop.now, settings)
            if self.storage:
                self.initial = initial
            else:
                self.current = initial

    def forget_everything(self):
        self.current = None
        # A server has rejected the access token in use.
        self.is_rejected = False
        # What is known about the refresh token in use: good, doubtful, inconclusive or refused.
        self.refresh_token = "good"
        self.initial = self.doubted = None
        self.rejected_earlier = []
        self.last_rejection = None
        self.pacing = Pacing(self.settings)
        self.flight = None

    # --- what is held ---

    def unexpired(self):
        current = self.current
        return current if current and current.state(self.loop.now) != EXPIRED else None

    def usable(self):
        return None if self.is_rejected else self.unexpired()

    def was_rejected(self, access):
        in_use = self.is_rejected and self.current and self.current.access == access
        return in_use or access in self.rejected_earlier

    def put_in_use(self, held, is_rejected=False):
        replaced = self.current
        if replaced and self.is_rejected and not is_rejected and replaced.access != held.access:
            self.rejected_earlier = self.rejected_earlier[1 - REJECTED_TOKENS_KEPT:] + [replaced.access]
        if replaced is None or replaced.refresh != held.refresh:
            self.refresh_token = "good"
        self.current, self.is_rejected = held, is_rejected
        self.was_ever_held = True

    def put_back_in_use(self, error):
        """A rejected token goes back into use if its renewal failed without a refusal."""
        is_refused = self.refresh_token == "refused" or (
            error.kind == "login_required" and error.source == "refused")
        if self.current and not is_refused:
            self.is_rejected = self.current.access in self.rejected_earlier

    def logged_out_elsewhere(self):
        """Another process has logged out. What is held here has ended."""
        self.ended |= {held.access for held in self.grants()}
        self.current = self.initial = self.doubted = None
        self.is_rejected = False

    # --- what callers ask for ---

    def get(self, caller):
        self.need(Waiter(caller, wants.USABLE))

    def need(self, waiter):
        token = self.usable()
        state = token.state(self.loop.now) if token else EXPIRED
        if state == EXPIRED:
            self.join(waiter)
        elif state == ADVISORY and not self.flight and self.may_start(has_to_wait=False):
            self.start_flight()
            self.callers.give(waiter, token.access)
        elif state == MANDATORY and self.is_worth_a_wait():
            self.join(waiter)
        else:
            self.callers.give(waiter, token.access)

    def is_worth_a_wait(self):
        """Whether a caller who has a valid token waits for the flight in the air, or for one that it starts."""
        if self.flight:
            return not self.flight.has_failed_once and self.loop.mono < self.flight.patient_until
        return self.may_start(has_to_wait=True)

    def may_start(self, has_to_wait):
        return self.loop.mono >= self.pacing.may_start_at(self.usable() is not None, has_to_wait)

    def refresh(self, caller):
        waiter = Waiter(caller, wants.ISSUED_FROM_NOW_ON)
        waiter.next_flight = bool(self.flight and not self.flight.will_send())
        self.join(waiter)

    def unauthorized(self, caller, access):
        now, waiter = self.loop.now, Waiter(caller, wants.SUCCESSOR, access)
        is_held = self.current and self.current.access == access
        if not is_held:
            if access in self.ended:
                return self.callers.fail(waiter, Failure("login_required"))
            self.mark_put_aside(access)
            return self.need(waiter)
        if self.is_rejected:
            return self.join(waiter)
        if self.usable() is None:
            # It is replaced because it has expired, but not by the same token.
            self.join(waiter)
            self.is_rejected = self.flight is not None
            return None
        until = self.pacing.may_start_at(has_token=False, has_to_wait=True)
        if not self.flight and until > now.mono:
            return self.callers.fail(waiter, self.pacing.error_for(until, now))
        if self.flight and self.flight.is_past_its_deadline():
            return self.callers.fail(waiter, Failure("transient"))
        if not self.flight:
            interval = self.settings.interval(self.current.lifetime)
            if self.last_rejection is not None and now.mono < self.last_rejection + interval:
                left = self.last_rejection + interval - now.mono
                error = self.pacing.error or Failure("transient", retry_after=left)
                return self.callers.fail(waiter, error)
            self.last_rejection = now.mono
        self.is_rejected = True
        self.mark_put_aside(access)
        return self.join(waiter)

    def mark_put_aside(self, access):
        for held in (self.initial, self.doubted):
            if held and held.access == access and access not in self.rejected_earlier:
                self.rejected_earlier.append(access)

    def cancel(self, caller):
        self.callers.cancel(caller)

    # --- flights ---

    def join(self, waiter):
        now = self.loop.now
        if not self.flight:
            until = self.pacing.may_start_at(self.usable() is not None and waiter.wants == wants.USABLE, True)
            if until > now.mono:
                return self.rest(waiter, until)
            self.start_flight(waiter)
        else:
            self.wait_for_flight(waiter)
        return None

    def rest(self, waiter, until):
        """No flight may start yet. If the answer was `log in again`, another process may have done so."""
        error = self.pacing.error_for(until, self.loop.now)
        if error.kind == "login_required" and self.storage:
            self.start_flight(waiter, only_looks=error)
        else:
            self.callers.fail(waiter, error)

    def start_flight(self, waiter=None, only_looks=None):
        flight = self.flight = Flight(self, only_looks)
        if waiter:
            self.wait_for_flight(waiter)
        # It may be over before this returns.
        flight.task = self.loop.start(flight.run())

    def wait_for_flight(self, waiter):
        flight = self.flight
        flight.callers += 1
        flight.is_requested |= waiter.wants == wants.ISSUED_FROM_NOW_ON and not waiter.next_flight
        self.callers.add(waiter)
        if not flight.is_past_its_deadline():
            self.callers.limit(waiter, flight.deadline, self.waited_too_long)
        if waiter.wants == wants.USABLE and self.usable():
            self.callers.limit(waiter, flight.patient_until, self.lost_patience)

    def waited_too_long(self, waiter):
        self.put_back_in_use(Failure("transient"))
        self.callers.remove(waiter)
        token = self.usable()
        if token and waiter.wants == wants.USABLE:
            self.callers.give(waiter, token.access)
        else:
            self.callers.fail(waiter, Failure("transient"))

    def lost_patience(self, waiter):
        token = self.usable()
        if token:
            self.callers.remove(waiter)
            self.callers.give(waiter, token.access)

    def first_attempt_failed(self):
        """Callers who have a valid token wait no longer."""
        token = self.usable()
        for waiter in list(self.callers.waiting):
            if token and waiter.wants == wants.USABLE:
                self.callers.remove(waiter)
                self.callers.give(waiter, token.access)

    def flight_is_over(self, error):
        self.flight = None
        for waiter in self.callers.take_all():
            self.settle(waiter, error)

    def settle(self, waiter, error):
        token = self.usable()
        if waiter.next_flight and not error:
            waiter.next_flight = False
            self.join(waiter)
        elif token and waiter.wants == wants.USABLE:
            self.callers.give(waiter, token.access)
        elif token and not error and (waiter.wants == wants.ISSUED_FROM_NOW_ON or token.access != waiter.token):
            self.callers.give(waiter, token.access)
        elif token and token.access != waiter.token and waiter.wants == wants.SUCCESSOR:
            self.callers.give(waiter, token.access)
        elif error:
            self.callers.fail(waiter, error)
        else:
            self.need(waiter)

    # --- what the program decides ---

    def end_flight(self):
        """Ends the flight. Its open request is let finish: it may bring credentials that must be revoked."""
        if self.flight:
            self.flight.overtaken()
        if self.storing:
            # What was being stored has been replaced.
            caller, task = self.storing
            self.loop.stop(task)
            self.storing = None
            self.loop.note("got", caller=caller, done=True)
        return self.callers.take_all()

    def log_out(self, caller):
        grants = self.grants()
        waiting = self.end_flight()
        self.ended |= {held.access for held in grants} | set(self.rejected_earlier)
        self.login_number += 1
        self.forget_everything()
        for waiter in waiting:
            self.callers.fail(waiter, Failure("login_required"))
        self.loop.start(log_out_at_the_store(self, caller, grants))

    def grants(self):
        """Each grant once that the provider still honours."""
        saving = self.flight.saving if self.flight else None
        grants = []
        for held in (saving, self.current, self.doubted, self.initial):
            if held and not any(held.refresh == other.refresh and (held.refresh or held.access == other.access)
                                for other in grants):
                grants.append(held)
        return grants

    def set_credentials(self, caller, tokens):
        waiting = self.end_flight()
        self.forget_everything()
        self.put_in_use(take(tokens, self.loop.now, self.settings))
        self.ended.discard(tokens["access"])
        self.storing = caller, None
        task = self.loop.start(self.store_new_credentials(caller))
        self.storing = None if task.is_over else (caller, task)
        for waiter in waiting:
            self.need(waiter)

    def store_new_credentials(self, caller):
        saved = True
        if self.storage:
            saved = yield from self.storage.overwrite(self.current)
        self.storing = None
        outcome = {"done": True} if saved else {"error": "store"}
        self.loop.note("got", caller=caller, **outcome)
