"""Runs generators in simulated time. A generator yields a request and is resumed with its result."""

from collections import namedtuple

Now = namedtuple("Now", "mono wall")

# What a generator may yield.
Call = namedtuple("Call", "what fields limit")
Sleep = namedtuple("Sleep", "until")

# The result of a call that took too long.
LATE = {"late": True}


class Task:
    def __init__(self, generator):
        self.generator = generator
        self.call = None
        self.timer = None
        self.is_over = False


class Loop:
    def __init__(self):
        self.mono = self.wall_offset = 0
        self.timers = []
        self.notes = []
        self.calls = {}
        self.last_call = 0
        self.order = 0

    @property
    def now(self):
        return Now(self.mono, self.mono + self.wall_offset)

    def note(self, note, **fields):
        self.notes.append({"note": note, **fields})

    # --- timers ---

    def at(self, moment, action):
        self.order += 1
        timer = (max(moment, self.mono), self.order, action)
        self.timers.append(timer)
        return timer

    def drop(self, timer):
        if timer in self.timers:
            self.timers.remove(timer)

    def due(self):
        return min((timer[0] for timer in self.timers), default=None)

    def fire_one(self, target):
        """Goes to the next timer that is due by then, and fires it."""
        timer = min(self.timers, key=lambda timer: timer[:2], default=None)
        if timer is None or timer[0] > target:
            return False
        self.timers.remove(timer)
        self.mono = max(self.mono, timer[0])
        timer[2]()
        return True

    # --- tasks ---

    def start(self, generator):
        task = Task(generator)
        self.resume(task, None)
        return task

    def stop(self, task):
        """Ends a task. A call of it is given up, and nobody hears of its result."""
        task.is_over = True
        if task.timer:
            self.drop(task.timer)
        if task.call is not None:
            self.calls.pop(task.call, None)
            self.note("gave_up", id=task.call)
        task.generator.close()

    def resume(self, task, result):
        if task.is_over:
            return
        if task.timer:
            self.drop(task.timer)
        task.call = task.timer = None
        try:
            wanted = task.generator.send(result)
        except StopIteration:
            task.is_over = True
            return
        if isinstance(wanted, Sleep):
            task.timer = self.at(wanted.until, lambda: self.resume(task, None))
        else:
            self.make(task, wanted)

    def make(self, task, wanted):
        self.last_call += 1
        number = self.last_call
        task.call = number
        self.calls[number] = task
        self.note("call", id=number, what=wanted.what, **wanted.fields)
        if wanted.limit is not None:
            task.timer = self.at(wanted.limit, lambda: self.give_up(task, number))

    def give_up(self, task, number):
        self.calls.pop(number, None)
        self.note("gave_up", id=number)
        self.resume(task, LATE)

    def answer(self, number, result):
        task = self.calls.pop(number, None)
        if task is None or task.is_over:
            return
        self.resume(task, result)

    def tell(self, what, **fields):
        """A call whose result nobody waits for."""
        self.last_call += 1
        self.note("call", id=self.last_call, what=what, **fields)
