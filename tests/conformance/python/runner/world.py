"""The world around the clients of a scenario: both clocks, the provider, the store, and the processes."""

import itertools

from .pipe import DriverError
from .notes import check_note, check_reply
from .process import UNKNOWN, Process
from .store import ANYTHING, SharedStore, named_call
from .texts import START, inward, name_of, outward

# Processes whose timers are not known advance in turns of this length, in milliseconds.
TURN = 50
# More messages than any step of a scenario needs.
MOST_MESSAGES = 200_000
# Counts the clients that were started, for their names.
STARTED = itertools.count(1)


class Broken(Exception):
    """The scenario can't be played as it is."""


class World:
    def __init__(self, drivers, setup, timing, provider=None):
        self.drivers = drivers
        self.setup = setup
        self.timing = timing
        self.provider = provider
        self.watches = drivers.hello.get("watches", False)
        self.mono = self.wall_offset = 0
        self.processes = {}
        self.queue = []
        self.left = MOST_MESSAGES
        self.given = {}
        # What may explain a failure from here on.
        self.hints = []
        self.outside_writes = 0
        self.store = None
        # The writes that each process has left open: given up, or killed before an answer.
        self.left_open = {}
        # Called with the process and the name of a call before it is carried out, and after.
        self.on_call = lambda process, call, when, note: None
        if "store" in setup:
            self.store = SharedStore(setup["store"].get("guard_lapses", False))
            if "holds" in setup["store"]:
                self.store.holds = self.entry_of(setup["store"]["holds"], is_first=True)

    # --- processes ---

    def process(self, number):
        if number not in self.processes:
            process = Process(number, self.drivers.pipe(number - 1))
            self.processes[number] = process
            process.mono = self.mono
            self.send(process, {"do": "start", "name": f"p{number}-{next(STARTED)}", "setup": self.setup_to_send(),
                                "mono": self.mono, "wall": self.wall()})
            self.settle()
        return self.processes[number]

    def setup_to_send(self):
        setup = {key: value for key, value in self.setup.items() if key not in ("store", "initial", "timing")}
        setup["timing"] = {key: self.timing.seconds(value) for key, value in self.setup.get("timing", {}).items()}
        if "initial" in self.setup:
            setup["initial"] = outward(self.setup["initial"], self.timing)
        if self.store:
            setup["store"] = {"guard_lapses": self.store.guard_lapses}
        return setup

    def running(self):
        return [process for process in self.processes.values() if not process.is_stopped]

    def wall(self):
        return START * 1000 + self.mono + self.wall_offset

    # --- messages ---

    def send(self, process, message):
        """Puts a message in the queue; `settle` sends it. A process that stands still gets it when it goes on."""
        if process.is_stopped and message["do"] not in ("kill", "entry"):
            process.backlog.append(message)
        else:
            self.queue.append((process, message))

    def settle(self):
        """Sends what there is, until nothing moves any more without time or a response."""
        while self.queue:
            process, message = self.queue.pop(0)
            self.deliver(process, message)

    def deliver(self, process, message):
        self.left -= 1
        if self.left < 0:
            raise Broken("this step does not come to an end")
        reply = process.pipe.send(message)
        check_reply(reply, message, process.mono, self.mono)
        process.due = reply.get("due", UNKNOWN)
        process.mono = reply["mono"]
        for note in reply["notes"]:
            self.take(process, note)
        return reply

    def answer(self, process, number, result):
        self.send(process, {"do": "answer", "id": number, "result": result})

    def take(self, process, note):
        check_note(note, process.waiting)
        kind = note["note"]
        if kind == "call":
            self.take_call(process, note)
        elif kind == "gave_up":
            self.leave_open(process, process.forget_call(note["id"]))
            if self.store:
                self.give_up_guard(process, note["id"])
        elif kind == "got":
            self.take_outcome(process, note)
        else:
            process.seen.events.append(note["event"])

    def take_outcome(self, process, note):
        if "access" in note:
            outcome = name_of(note["access"])
            self.given[outcome] = note["access"]
        else:
            outcome = "done" if "done" in note else {key: note[key] for key in ("error", "retry_after") if key in note}
        process.waiting.discard(note["caller"])
        process.seen.outcome(note["caller"], outcome)

    def take_call(self, process, note):
        what = note["what"]
        if what == "login":
            process.seen.call("login")
        elif what == "refresh":
            process.seen.call({"refresh": note["refresh"]})
        elif what == "revoke":
            process.seen.call({"revoke": name_of(note["access"])})
            return
        else:
            self.take_store_call(process, note)
            return
        self.on_call(process, process.seen.calls[-1], "before", note)
        response = self.provider.respond(note) if self.provider else process.standing
        if response:
            self.on_call(process, process.seen.calls[-1], "after", note)
            self.answer(process, note["id"], self.result_of(response))
        else:
            process.open.append(note["id"])

    def result_of(self, response):
        result = {"with": response["with"]}
        if "tokens" in response:
            result["tokens"] = outward(response["tokens"], self.timing)
        if "retry_after" in response:
            result["retry_after"] = self.timing.seconds(response["retry_after"])
        return result

    # --- the store ---

    def take_store_call(self, process, note):
        if not self.store:
            raise Broken("the client calls a store, and there is none")
        operation, call = named_call(note)
        if operation == "release":
            self.store.give_back(process.number)
            self.grant_guard()
            return
        if note.get("quiet"):
            self.carry_out(process, note)
            return
        process.seen.call(call)
        manner = process.manners.get(operation, "works")
        self.on_call(process, call, "before", note)
        if manner == "works":
            self.carry_out(process, note)
        elif manner == "hangs":
            process.hanging.append(note)
        else:
            error = "panic" if manner == "panics" else "failed" if manner == "fails" else manner
            self.answer(process, note["id"], {"error": error})

    def carry_out(self, process, note):
        if note["what"] == "load":
            self.answer(process, note["id"], self.store.content())
        elif note["what"] == "guard":
            self.store.want_guard(process.number, note["id"])
            self.grant_guard()
            if note.get("queues") and self.store.is_waiting(process.number):
                self.answer(process, note["id"], {"queued": True})
        else:
            self.write(process, note)
        self.on_call(process, named_call(note)[1], "after", note)

    def write(self, process, note):
        result = self.write_to_store(note)
        # The writer hears of it first.
        self.answer(process, note["id"], result)
        if "ok" in result:
            if note["shows"] != "note" and self.store.guard_lapses:
                self.lose_guard(process)
            self.store_has_changed()

    def write_to_store(self, note):
        shows = note["shows"]
        if isinstance(shows, dict):
            shows = {"save": inward(shows["save"])}
        return self.store.write(note["entry"], note["version"], shows, note.get("over", ANYTHING))

    def leave_open(self, process, note):
        """Nobody waits for this call any more. A write may still be carried out."""
        if note and note["what"] == "write":
            self.left_open.setdefault(process.number, []).append(note)

    def land(self, number):
        """The last write that the process has left open is carried out. Nobody hears of it."""
        if not self.left_open.get(number):
            raise Broken("the process has left no write open")
        self.write_to_store(self.left_open[number].pop())
        self.store_has_changed()

    def store_has_changed(self):
        for process in self.processes.values():
            if self.watches:
                self.send(process, {"do": "store_changed", **self.store.content()})

    def grant_guard(self):
        ticket = self.store.next_holder(lambda number: not self.processes[number].is_stopped)
        if ticket:
            self.answer(self.processes[ticket[0]], ticket[1], self.store.content())

    def lose_guard(self, process):
        if self.store and self.store.guard == process.number:
            self.store.give_back(process.number)
            self.send(process, {"do": "guard_lost"})
            self.grant_guard()

    def give_up_guard(self, process, call):
        """The client does not wait for the guard any more. It may have been granted a moment ago."""
        self.store.leave_queue(process.number, call)
        granted = [message for message in self.queue if message[0] is process and message[1].get("id") == call]
        if granted and self.store.guard == process.number:
            self.queue.remove(granted[0])
            self.store.give_back(process.number)
            self.grant_guard()

    def entry_of(self, tokens, is_first=False):
        """What another process would write over what is there."""
        self.outside_writes += 1
        reply = self.drivers.pipe(0).send({"do": "entry", "tokens": outward(tokens, self.timing),
                                           "version": f"other-{self.outside_writes}", "over": self.store.content(), "first": is_first})
        if "entry" not in reply or "version" not in reply:
            raise DriverError("the driver's reply to `entry` has no `entry` and `version`")
        named = {**tokens, "expires_at": tokens.get("expires_at")}
        return {"entry": reply["entry"], "version": reply["version"], "tokens": named}

    # --- time ---

    def advance(self, millis):
        target = self.mono + millis
        while True:
            goal = self.next_stop(target)
            for process in self.running():
                self.advance_process(process, goal)
            self.mono = goal
            if goal == target and not self.somebody_is_due():
                return

    def next_stop(self, target):
        """A process alone goes as far as it can. Several go from timer to timer."""
        running = self.running()
        if len(running) == 1:
            return target
        dues = [process.due for process in running]
        if UNKNOWN in dues:
            target = min(target, self.mono + TURN)
        known = [max(due, self.mono) for due in dues if due not in (None, UNKNOWN)]
        return min([target] + known)

    def somebody_is_due(self):
        return any(p.due not in (None, UNKNOWN) and p.due <= self.mono for p in self.running())

    def advance_process(self, process, goal):
        while True:
            reply = self.deliver(process, {"do": "advance", "mono": goal, "wall": START * 1000 + goal + self.wall_offset})
            if len(self.running()) == 1:
                self.mono = process.mono
            self.settle()
            if process.mono >= goal and not reply["notes"]:
                return

    def jump(self, millis):
        self.wall_offset += millis
        for process in self.processes.values():
            self.send(process, {"do": "wall_clock", "wall": self.wall()})
