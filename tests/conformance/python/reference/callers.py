"""Those who wait for the client: what each wants, and until when it waits."""

USABLE, SUCCESSOR, ISSUED_FROM_NOW_ON = range(3)


class Waiter:
    def __init__(self, caller, wants, token=None):
        self.caller = caller
        self.wants = wants
        # The access token that a server has rejected.
        self.token = token
        # It came while a request was open that had left before: it waits for a flight of its own.
        self.next_flight = False
        self.timers = []


class Callers:
    """All waiters of the flight in the air."""

    def __init__(self, loop):
        self.loop = loop
        self.waiting = []

    def add(self, waiter):
        self.waiting.append(waiter)

    def limit(self, waiter, moment, action):
        waiter.timers.append(self.loop.at(moment, lambda: action(waiter)))

    def remove(self, waiter):
        self.waiting.remove(waiter)
        for timer in waiter.timers:
            self.loop.drop(timer)
        waiter.timers = []

    def take_all(self):
        everybody = list(self.waiting)
        for waiter in everybody:
            self.remove(waiter)
        return everybody

    def cancel(self, caller):
        for waiter in [waiter for waiter in self.waiting if waiter.caller == caller]:
            self.remove(waiter)

    def give(self, waiter, access):
        self.loop.note("got", caller=waiter.caller, access=access)

    def fail(self, waiter, error):
        fields = {} if error.retry_after is None else {"retry_after": error.retry_after}
        self.loop.note("got", caller=waiter.caller, error=error.kind, **fields)
