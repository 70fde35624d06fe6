"""What the client keeps in the store, and what it knows of the store's content."""

import json

from .loop import LATE, Call, Sleep
from .pacing import Failure

# How the store answered.
UNREADABLE = object()


class Entry:
    """What the store holds: credentials, or the note that the client has logged out."""

    def __init__(self, tokens, version, is_refused=False):
        self.tokens = tokens
        self.version = version
        self.is_refused = is_refused

    def text(self):
        return json.dumps({"tokens": self.tokens, "refused": self.is_refused})

    @staticmethod
    def read(result):
        if result["entry"] is None:
            return None
        fields = json.loads(result["entry"])
        return Entry(fields["tokens"], result["version"], fields["refused"])


def tokens_of(held):
    """Credentials as the store keeps them: with the time of day when they expire."""
    tokens = {"access": held.access}
    if held.refresh:
        tokens["refresh"] = held.refresh
    if held.expires_at() is not None:
        tokens["expires_at"] = held.expires_at()
    return tokens


class Storage:
    def __init__(self, client):
        self.client = client
        self.loop = client.loop
        # The version that was read or written last. Any other one was written by another process.
        self.known = None
        self.was_read = False
        # A log-out that could not be written.
        self.must_clear = False
        self.has_guard = False
        # The last read took too long.
        self.was_late = False
        self.writes = 0

    def limit(self):
        return self.loop.mono + self.client.settings.store_timeout

    def is_news(self, entry):
        return entry is not None and entry.version != self.known

    # --- reading ---

    def load(self):
        result = yield Call("load", {}, self.limit())
        return self.read_result(result)

    def guard(self, until):
        """Takes the lock, then reads."""
        result = yield Call("guard", {}, until)
        self.has_guard = result is not LATE and "error" not in result
        return self.read_result(result)

    def read_result(self, result):
        self.was_late = result is LATE
        if result is LATE or "error" in result:
            if result.get("error") == "panic":
                raise Failure("transient", "panic")
            return UNREADABLE
        self.was_read = True
        entry = Entry.read(result)
        if entry is None:
            self.known = None
        return entry

    def release(self):
        if self.has_guard:
            self.has_guard = False
            self.loop.tell("release")

    # --- writing ---

    def new_version(self):
        self.writes += 1
        return f"{self.client.name}-{self.loop.mono}-{self.writes}"

    def write(self, entry, shows, over):
        fields = {"entry": entry.text(), "version": entry.version, "shows": shows, **over}
        result = yield Call("write", fields, self.limit())
        return result

    def save(self, held):
        """Writes over what is known. Returns whether that was done, and what another process has written instead."""
        entry = Entry(tokens_of(held), self.new_version())
        over = {"over": self.known} if self.client.settings.compare_versions else {}
        result = yield from self.write(entry, {"save": entry.tokens}, over)
        if result is LATE or "error" in result:
            return False, None
        if "changed" in result:
            other = Entry.read(result["changed"])
            if other:
                return False, other
            return (yield from self.overwrite(held)), None
        self.known = entry.version
        self.must_clear = False
        return True, None

    def save_later(self, held, wait):
        """A save has failed. It is tried again for as long as the credentials are in use."""
        most = self.client.settings.retry_max
        while True:
            yield Sleep(self.loop.mono + min(wait, most))
            wait *= 2
            if self.client.current is not held:
                return
            saved, other = yield from self.save(held)
            if saved or other:
                return

    def overwrite(self, held):
        """Writes over whatever is there."""
        entry = Entry(tokens_of(held), self.new_version())
        result = yield from self.write(entry, {"save": entry.tokens}, {})
        if result is LATE or "error" in result:
            return False
        self.known = entry.version
        self.must_clear = False
        return True

    def note_refusal(self, held):
        """Tells the other processes that this refresh token was refused."""
        if self.known is None:
            return
        entry = Entry(tokens_of(held), self.known, is_refused=True)
        yield from self.write(entry, "note", {"over": self.known})

    def clear(self):
        """Writes that the client has logged out, over what is known. If that fails, it writes over whatever is there, but not
        after a call that took too long: that may be carried out later, and must not end what has come since."""
        self.must_clear = True
        names_version = self.client.settings.compare_versions and self.was_read
        for over in [{"over": self.known} if names_version else {}, {}]:
            entry = Entry(None, self.new_version())
            result = yield from self.write(entry, "clear", over)
            if result is LATE:
                return False
            if "ok" in result:
                self.known = entry.version
                self.must_clear = False
                return True
        return False
