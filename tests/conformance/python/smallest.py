"""The smallest client that passes what is `must` in the profile `minimal`, with its driver: a place to begin.

It gets a token, refreshes it when it has expired, makes one request for all callers, and gives up after a minute.
"""

import json
import sys

DEADLINE = 60_000

TIMING = {
    "advisory_part": 0, "advisory_max": 0, "mandatory_part": 0, "mandatory_max": 0, "mandatory_wait": 0,
    "retry_first": 0, "retry_max": 0, "back_off_first": 0, "back_off_max": 0, "urgent_first": 0, "urgent_max": 0,
    "terminal_memory": 0, "terminal_memory_max": 0, "rejection_interval": 0, "flight_deadline": DEADLINE / 1000, "request_deadline": DEADLINE / 1000,
}

ERRORS = {"misconfigured": "misconfigured", "invalid": "invalid_response", "refused": "login_required",
          "unsupported": "login_required"}


class Client:
    """Times are in milliseconds. `now` is the monotonic clock; this client has no other."""

    def __init__(self, setup, mono, wall):
        self.now, self.offset = mono, wall - mono
        self.can_login, self.can_refresh = setup.get("can_login", True), setup.get("can_refresh", True)
        self.access = self.refresh = self.expires = self.request = None
        self.waiting, self.notes, self.requests = [], [], 0
        # A response brought a token that had expired, and the client has asked once more.
        self.asked_again = False

    def get(self, caller):
        if self.access and (self.expires is None or self.now < self.expires):
            self.notes.append({"note": "got", "caller": caller, "access": self.access})
            return
        self.waiting.append(caller)
        if self.request is None:
            self.asked_again = False
            self.send()

    def send(self):
        is_refresh = bool(self.refresh and self.can_refresh)
        if not is_refresh and not self.can_login:
            return self.finish(error="login_required")
        self.requests += 1
        self.request, self.is_refresh, self.sent = self.requests, is_refresh, self.now
        call = {"what": "refresh", "refresh": self.refresh} if is_refresh else {"what": "login"}
        self.notes.append({"note": "call", "id": self.request, **call})

    def finish(self, **outcome):
        self.request = None
        self.notes += [{"note": "got", "caller": caller, **outcome} for caller in self.waiting]
        self.waiting = []

    def answer(self, number, result):
        if number != self.request:
            return
        self.request = None
        if result["with"] == "tokens":
            self.take(result["tokens"])
        elif result["with"] == "refused" and self.is_refresh:
            self.refresh = None
            self.send()
        elif result["with"] == "unsupported" and self.is_refresh:
            self.can_refresh = False
            self.send()
        else:
            self.finish(error=ERRORS.get(result["with"], "transient"))

    def take(self, tokens):
        self.access = tokens["access"]
        self.refresh = tokens.get("refresh", self.refresh if self.is_refresh else None)
        self.expires = None
        if tokens.get("lifetime"):
            self.expires = self.sent + round(tokens["lifetime"] * 1000)
        elif "expires_at" in tokens:
            self.expires = round(tokens["expires_at"] * 1000) - self.offset
        if self.expires is None or self.now < self.expires:
            self.finish(access=self.access)
        elif self.asked_again:
            self.finish(error="invalid_response")
        else:
            self.asked_again = True
            self.send()

    def advance(self, mono):
        """Stops at the deadline of an open request, because there is something to note."""
        if self.request is not None and self.sent + DEADLINE <= mono:
            self.now = self.sent + DEADLINE
            self.notes.append({"note": "gave_up", "id": self.request})
            self.finish(error="transient")
        else:
            self.now = mono


def main():
    client = None
    for line in sys.stdin:
        message = json.loads(line)
        do = message["do"]
        if do == "hello":
            print(json.dumps({"client": "smallest", "protocol": 1, "needs": [], "timing": TIMING}), flush=True)
            continue
        if do in ("start", "kill"):
            client = Client(message.get("setup", {}), message.get("mono", 0), message.get("wall", 0))
        elif do == "get":
            client.get(message["caller"])
        elif do == "answer":
            client.answer(message["id"], message["result"])
        elif do == "advance":
            client.advance(message["mono"])
        reply = {"notes": client.notes, "mono": client.now}
        client.notes = []
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
