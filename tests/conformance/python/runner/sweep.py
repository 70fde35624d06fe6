"""Plays a scenario once for each call that a process makes, and kills the process at that call."""

from .pipe import DriverError
from .provider import LIFETIME, Provider
from .steps import kill, perform
from .timing import MissingTime, Timing
from .world import Broken, World


class Crash(Exception):
    """The process is gone from here on."""


class Run:
    """One run of a sweep. `boundary` is the number of the call boundary at which the process is killed."""

    def __init__(self, scenario, drivers, boundary):
        self.scenario = scenario
        self.sweep = scenario["sweep"]
        self.boundary = boundary
        self.passed = 0
        self.where = None
        # A write of the process that was killed, which is carried out later.
        self.late_write = None
        self.provider = Provider(self.sweep["provider"])
        self.world = World(drivers, scenario.get("setup", {}), Timing(drivers.hello["timing"]), self.provider)
        self.world.on_call = self.at_call

    def at_call(self, process, call, when, note):
        """Each call has a boundary before it and one after it. A write has a third: it is carried out long after the crash."""
        if process.number != self.sweep["crash"] or self.where:
            return
        is_write = note["what"] == "write" and when == "before"
        for late_write in [None, note] if is_write else [None]:
            if self.passed == self.boundary:
                self.where = f"killed {when} {call}" + (", which is carried out later" if late_write else "")
                self.late_write = late_write
                raise Crash
            self.passed += 1

    def play(self):
        for step in self.scenario["steps"]:
            if self.where and step.get("process", 1) == self.sweep["crash"]:
                continue
            self.guarded(lambda: perform(self.world, step))
        differences = self.always() + self.eventually()
        if self.late_write:
            self.world.write_to_store(self.late_write)
            self.world.store_has_changed()
            self.world.settle()
            self.world.advance(LIFETIME * 1000)
            differences += self.eventually()
        return differences

    def guarded(self, act):
        try:
            act()
        except Crash:
            kill(self.world, self.world.processes[self.sweep["crash"]], {})
            self.world.settle()

    def always(self):
        limits, differences = self.sweep["always"], []
        if self.provider.revoked > limits["families_revoked"]:
            differences.append(f"{self.provider.revoked} families of refresh tokens were revoked")
        if self.provider.most_sends() > limits["sends_of_one_token"]:
            differences.append(f"a refresh token was sent {self.provider.most_sends()} times")
        return differences

    def eventually(self):
        """The other process asks each second until it gets what it should."""
        wanted = self.sweep["eventually"]
        end = self.world.mono + self.world.timing.millis(wanted["within"])
        outcome = None
        while self.world.mono <= end:
            outcome = self.ask(wanted["process"])
            if self.is_wanted(outcome, wanted):
                break
            self.world.advance(1000)
        differences = self.always()
        if not self.is_wanted(outcome, wanted):
            differences.append(f"process {wanted['process']} got {outcome} in the end")
        if self.provider.logins > wanted["logins"]:
            differences.append(f"there were {self.provider.logins} log-ins")
        return differences

    def ask(self, number):
        process = self.world.process(number)
        if "sweep" not in process.waiting:
            perform(self.world, {"do": "get", "caller": "sweep", "process": number})
        got = [outcome for caller, outcome in process.take_seen().got if caller == "sweep"]
        return got[-1] if got else None

    def is_wanted(self, outcome, wanted):
        if "error" in wanted:
            return isinstance(outcome, dict) and outcome["error"] == wanted["error"]
        return isinstance(outcome, str)


def play_sweep(scenario, drivers):
    """Returns nothing, or what was wrong in the first run that failed."""
    boundary, boundaries = -1, None
    while boundaries is None or boundary < boundaries:
        run = None
        try:
            run = Run(scenario, drivers, boundary)
            differences = run.play()
        except (Broken, DriverError, MissingTime) as error:
            if isinstance(error, DriverError):
                drivers.restart(error)
            differences = [str(error)]
        if differences:
            return f"  {run and run.where or 'without a crash'}:\n    " + "\n    ".join(differences)
        if boundaries is None:
            boundaries = run.passed
            if boundaries == 0:
                return "  the process makes no call"
        boundary += 1
    return None
