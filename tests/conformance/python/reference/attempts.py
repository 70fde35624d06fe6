"""What a flight sends: the refresh, the log-in, their repetitions, and what becomes of a response."""

from .given_up import keep_what_came_late
from .loop import LATE, Call, Sleep
from .pacing import Failure, retry_wait
from .revocation import revoke
from .tokens import EXPIRED, take


class Overtaken(Exception):
    """A log-out or new credentials came meanwhile."""


class Attempts:
    """The part of a flight that makes requests. The rest of it is in flight.py."""

    # --- refresh ---

    def refresh(self):
        client = self.client
        found = yield from self.take_guard()
        if found:
            return (yield from self.adopt(found))
        if client.refresh_token == "refused":
            return (yield from self.after_refusal(Failure("login_required", "refused")))
        if client.storage and self.settings.use_guard and self.is_unreadable:
            raise Failure("transient")
        while True:
            sent = self.loop.now
            answer = yield from self.ask("refresh", self.started + self.settings.request_deadline())
            kind = answer["with"]
            if kind == "tokens":
                tokens = {"refresh": client.current.refresh, **answer["tokens"]}
                return (yield from self.publish(tokens, sent))
            if kind == "unsupported":
                return (yield from self.log_in(Failure("login_required", "unsupported")))
            if kind in ("refused", "inconclusive"):
                client.refresh_token = kind
                return (yield from self.after_refusal(Failure("login_required", kind)))
            error = self.error_of(answer)
            if kind in ("lost", "invalid", "panic"):
                client.refresh_token = "doubtful"
            if kind != "lost":
                yield from self.wait_to_retry(error)
                continue
            self.attempt_failed()
            found = yield from self.read_store()
            if found:
                return (yield from self.adopt(found))
            if self.has_resent:
                raise error
            self.has_resent = True
            yield from self.wait_to_retry(error, is_repetition=True)

    def after_refusal(self, refusal):
        """The refresh token was refused: the store, what was put aside, the log-in."""
        client = self.client
        found = yield from self.read_store()
        if found:
            return (yield from self.adopt(found))
        if refusal.source == "refused" and client.storage and client.current:
            yield from client.storage.note_refusal(client.current)
        if refusal.source == "refused":
            put_aside = client.doubted or client.initial
            is_initial = client.doubted is None
            client.doubted = None
            if is_initial:
                client.initial = None
            if put_aside and put_aside.refresh != client.current.refresh:
                return (yield from self.take_up(put_aside, False))
        return (yield from self.log_in(refusal))

    # --- log-in ---

    def log_in(self, refusal):
        client = self.client
        if self.is_past_its_deadline():
            raise Failure("transient")
        is_unreadable = self.is_unreadable
        if client.storage and self.settings.use_guard and not client.storage.has_guard:
            found = yield from self.take_guard()
            if found:
                return (yield from self.adopt(found))
        while True:
            sent = self.loop.now
            answer = yield from self.ask("login", self.deadline)
            kind = answer["with"]
            if kind == "tokens":
                return (yield from self.publish(answer["tokens"], sent, is_login=True))
            if kind == "unsupported":
                if is_unreadable:
                    raise Failure("store")
                raise refusal or Failure("login_required", "unsupported")
            if kind in ("refused", "inconclusive"):
                raise Failure("login_required", kind)
            yield from self.wait_to_retry(self.error_of(answer), is_login=True, is_unreached=kind == "unreached")

    # --- requests ---

    def ask(self, what, limit):
        client = self.client
        if not (client.can_refresh if what == "refresh" else client.can_login):
            return {"with": "unsupported"}
        fields = {"refresh": client.current.refresh} if what == "refresh" else {}
        self.is_sending, sent = True, self.loop.now
        answer = yield Call(what, fields, limit)
        self.is_sending = False
        if self.is_given_up:
            yield from keep_what_came_late(client, self.login, fields.get("refresh"), sent, answer)
            raise Overtaken
        if self.is_overtaken:
            if answer is not LATE and answer["with"] == "tokens" and client.login_number != self.login:
                revoke(client, answer["tokens"]["access"])
            raise Overtaken
        return {"with": "lost"} if answer is LATE else answer

    def error_of(self, answer):
        kind = answer["with"]
        if kind == "misconfigured":
            return Failure("misconfigured", kind)
        if kind == "invalid":
            return Failure("invalid_response", kind)
        retry_after = answer.get("retry_after")
        if retry_after is not None:
            retry_after = min(retry_after, self.settings.retry_after_max)
        return Failure("transient", kind, retry_after)

    def attempt_failed(self):
        self.failed_attempts += 1
        self.has_failed_once = True

    def wait_to_retry(self, error, is_repetition=False, is_login=False, is_unreached=False):
        """Waits before the next attempt of this flight, or raises the error if there is none."""
        client, now = self.client, self.loop.now
        if not is_repetition:
            self.attempt_failed()
        if error.kind != "transient" or error.source == "panic":
            raise error
        somebody_waits = self.is_requested or client.is_rejected
        in_a_hurry = client.unexpired() is None or (somebody_waits and not self.is_in_known_outage)
        if not in_a_hurry and not is_repetition:
            raise error
        wait = retry_wait(self.settings, self.failed_attempts, error, client.pacing, self, now, is_repetition)
        if now.mono + wait >= self.deadline:
            raise error
        if is_login and is_unreached and self.is_first_login and (
                self.failed_attempts >= self.settings.first_login_attempts
                or now.mono + wait >= self.started + self.settings.first_login_deadline):
            raise error
        client.first_attempt_failed()
        yield Sleep(now.mono + wait)

    # --- the end ---

    def publish(self, tokens, sent, is_login=False):
        """Stores new credentials, then uses them."""
        client = self.client
        held = take(tokens, sent, self.settings, is_issued_now=True)
        if client.storage:
            self.saving = held
            other = yield from self.save(held, is_login)
            self.saving = None
            if other:
                if other.tokens is None:
                    revoke(client, held.access)
                found = self.news(other)
                return (yield from self.adopt(found) if found else self.log_in(None))
        is_rejected, is_expired = client.was_rejected(held.access), held.state(self.loop.now) == EXPIRED
        before = client.unexpired()
        came_back = is_rejected and before and before.access != held.access
        if before and (is_expired or came_back):
            # Only the refresh token is of use.
            client.current = before.with_refresh(held.refresh)
        else:
            client.put_in_use(held, is_rejected)
        client.refresh_token, client.doubted = "good", None
        if is_expired:
            if not self.asked_again and not self.is_past_its_deadline() and client.usable() is None:
                self.asked_again = True
                return (yield from self.refresh() if held.refresh else self.log_in(None))
            raise Failure("invalid_response")
        if is_rejected:
            error = Failure("invalid_response")
            error.came_back = True
            raise error
        return None

    def save(self, held, is_login):
        """Returns what another process has written instead. If the store fails, the credentials are used all the same."""
        attempt = 0
        while True:
            saved, other = yield from self.client.storage.save(held)
            attempt += 1
            wait = self.settings.retry_first * 2 ** (attempt - 1)
            if saved or other:
                return other
            if is_login or self.loop.mono + wait >= self.deadline:
                self.loop.start(self.client.storage.save_later(held, wait))
                return None
            yield Sleep(self.loop.mono + wait)
