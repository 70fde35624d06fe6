"""The store that the processes of a scenario share: what it holds, and who has the guard. It takes no time."""

from .texts import inward


class SharedStore:
    def __init__(self, guard_lapses):
        self.guard_lapses = guard_lapses
        # What it holds: the text and version that a driver wrote, and the credentials that the text shows.
        self.holds = self.before = None
        self.queue = []
        self.guard = None

    def content(self):
        """What a read brings."""
        holds = self.holds or {"entry": None, "version": None}
        return {"entry": holds["entry"], "version": holds["version"]}

    def write(self, entry, version, shows, over):
        """Writes over the version `over`, or over anything without one. Returns what is there instead, if it is not that."""
        now = self.holds and self.holds["version"]
        if over is not ANYTHING and now != over:
            return {"changed": self.content()}
        tokens = self.tokens_after(shows)
        if now != version or self.holds is None:
            self.before = self.holds
        self.holds = {"entry": entry, "version": version, "tokens": tokens}
        return {"ok": True}

    def tokens_after(self, shows):
        if shows == "clear":
            return None
        return self.holds["tokens"] if shows == "note" else shows["save"]

    def change(self, holds):
        """Somebody else writes, or the content is lost."""
        self.before, self.holds = self.holds, holds

    def set_back(self):
        self.holds = self.before

    def stored(self):
        return self.holds and self.holds["tokens"]

    # --- the guard ---

    def want_guard(self, process, call):
        self.queue.append((process, call))

    def next_holder(self, is_running):
        """Who gets the guard now: the first in the queue whose process runs."""
        if self.guard:
            return None
        ticket = next((ticket for ticket in self.queue if is_running(ticket[0])), None)
        if ticket:
            self.queue.remove(ticket)
            self.guard = ticket[0]
        return ticket

    def leave_queue(self, process, call=None):
        self.queue = [ticket for ticket in self.queue if ticket[0] != process or call not in (None, ticket[1])]

    def is_waiting(self, process):
        return any(ticket[0] == process for ticket in self.queue)

    def give_back(self, process):
        if self.guard == process:
            self.guard = None


# The writer does not care what is there.
ANYTHING = object()


def named_call(note):
    """The operation, and the call as a scenario names it."""
    if note["what"] != "write":
        return note["what"], note["what"]
    shows = note["shows"]
    if isinstance(shows, dict):
        return "save", {"save": inward(shows["save"])}
    return ("clear", "clear") if shows == "clear" else ("save", "note")
