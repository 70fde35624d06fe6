"""Plays one scenario."""

from .compare import Comparison
from .pipe import DriverError
from .steps import perform
from .store import SharedStore
from .sweep import play_sweep
from .timing import MissingTime, Timing, with_numbers
from .world import Broken, World


def play(scenario, drivers, is_exact):
    """Returns nothing, or what is wrong with the first step that fails: later failures would follow from it."""
    if "sweep" in scenario:
        return play_sweep(scenario, drivers)
    timing = Timing(drivers.hello["timing"])
    comparison = Comparison(timing, is_exact)
    comparison.has_events = "events" in drivers.hello["needs"]
    try:
        world = World(drivers, scenario.get("setup", {}), timing)
    except (Broken, DriverError, MissingTime) as error:
        return f"  setup:\n    {failed(drivers, error)}"
    for index, step in enumerate(scenario["steps"]):
        try:
            perform(world, step)
            seen = {number: process.take_seen() for number, process in world.processes.items()}
            waiting = {caller for process in world.processes.values() for caller in process.waiting}
            differences = comparison.step(step, seen, waiting, world.store or SharedStore(guard_lapses=False))
        except (Broken, DriverError, MissingTime) as error:
            differences = [failed(drivers, error)]
        if differences:
            return f"  step {index + 1}, {shown(step, timing)}:\n    " + "\n    ".join(differences + world.hints)
    return None


def shown(step, timing):
    """The step without its expectations. A time that the driver has not stated has no number."""
    step = {key: value for key, value in step.items() if key != "then"}
    try:
        return with_numbers(step, timing)
    except MissingTime:
        return step


def failed(drivers, error):
    """What to say of an error that ends the scenario. The next one begins with new drivers, if one of them failed."""
    if isinstance(error, DriverError):
        drivers.restart(error)
    return str(error)
