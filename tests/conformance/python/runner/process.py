"""One process of a scenario, from the side of the runner: its driver, its open calls, and what was seen of it."""

# The driver does not say when its next timer is due.
UNKNOWN = object()


class Seen:
    """What came of a step in one process, in the order in which it came."""

    def __init__(self):
        self.got = []
        self.calls = []
        self.events = []
        # Calls and outcomes together, for constraints on their order.
        self.all = []

    def call(self, call):
        self.calls.append(call)
        self.all.append(call)

    def outcome(self, caller, outcome):
        self.got.append((caller, outcome))
        self.all.append({"got": caller})


class Process:
    def __init__(self, number, pipe):
        self.number = number
        self.pipe = pipe
        self.mono = 0
        self.due = UNKNOWN
        self.is_stopped = False
        # Messages that wait until a process that stands still goes on.
        self.backlog = []
        self.manners = {}
        self.standing = None
        # Requests without a response, those that a log-out or new credentials have overtaken, and those given up.
        self.open = []
        self.overtaken = []
        self.given_up = 0
        # Calls of the store that hang.
        self.hanging = []
        self.waiting = set()
        self.seen = Seen()

    def take_seen(self):
        seen, self.seen = self.seen, Seen()
        return seen

    def overtake(self):
        self.overtaken += self.open
        self.open = []

    def forget_call(self, number):
        """The client does not wait for this call any more. Returns the call of the store that it was, if it hangs."""
        for requests in (self.open, self.overtaken):
            if number in requests:
                requests.remove(number)
                self.given_up += 1
        given_up = next((note for note in self.hanging if note["id"] == number), None)
        self.hanging = [note for note in self.hanging if note is not given_up]
        return given_up
