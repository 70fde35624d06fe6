"""What each step of a scenario does to the world."""

from .texts import outward
from .world import Broken

# What may happen to a process that stands still.
FROM_OUTSIDE = {"respond", "respond_late", "respond_to_all", "advance", "wall_clock_jump", "store_changed",
                "store_set_back", "store_behaves", "store_responds", "store_responds_late", "kill", "go_on"}


def perform(world, step):
    """Performs a step and lets everything run until nothing moves."""
    number = step.get("process", 1)
    stopped = number in world.processes and world.processes[number].is_stopped
    if stopped and step["do"] not in FROM_OUTSIDE:
        raise Broken("the process stands still")
    # A write that was left open needs no process.
    process = None if step["do"] == "store_responds_late" else world.process(number)
    STEPS[step["do"]](world, process, step)
    world.settle()


def call(world, process, step, message):
    if step["caller"] in process.waiting:
        raise Broken(f"{step['caller']} waits already")
    process.waiting.add(step["caller"])
    world.send(process, {**message, "caller": step["caller"]})


def get(world, process, step):
    call(world, process, step, {"do": "get"})


def refresh(world, process, step):
    call(world, process, step, {"do": "refresh"})


def unauthorized(world, process, step):
    if step["token"] not in world.given:
        raise Broken(f"no caller got {step['token']}")
    call(world, process, step, {"do": "unauthorized", "access": world.given[step["token"]]})


def cancel(world, process, step):
    if step["caller"] not in process.waiting:
        raise Broken(f"{step['caller']} does not wait")
    process.waiting.discard(step["caller"])
    world.send(process, {"do": "cancel", "caller": step["caller"]})


def log_out(world, process, step):
    process.overtake()
    call(world, process, step, {"do": "log_out"})


def set_credentials(world, process, step):
    process.overtake()
    call(world, process, step, {"do": "set_credentials", "tokens": outward(step["tokens"], world.timing)})


def loop(world, process, step):
    for _ in range(step["times"]):
        if step["caller"] not in process.waiting:
            get(world, process, step)
            world.settle()
        world.advance(world.timing.millis(step["every"]))


def respond(world, process, step):
    if not process.open:
        raise Broken("there is no open request")
    if len(process.open) > 1:
        world.hints = [f"the response went to the call {process.open[0]}, and {process.open[1]} is open too: a request that the client"
                       " does not wait for any more needs the note `gave_up`"]
    world.answer(process, process.open.pop(0), world.result_of(step))


def respond_late(world, process, step):
    if process.overtaken:
        world.answer(process, process.overtaken.pop(), world.result_of(step))
    elif process.given_up:
        process.given_up -= 1
    else:
        raise Broken("no request was overtaken or given up")


def respond_to_all(world, process, step):
    process.standing = None if step["with"] == "nothing" else step


def advance(world, process, step):
    millis = world.timing.millis(step["seconds"])
    if millis < 0:
        raise Broken("with the times of this client the clocks would go back")
    world.advance(millis)


def wall_clock_jump(world, process, step):
    world.jump(world.timing.millis(step["seconds"]))


def store_changed(world, process, step):
    world.store.change(world.entry_of(step["to"]) if step["to"] else None)
    world.store_has_changed()


def store_set_back(world, process, step):
    world.store.set_back()
    world.store_has_changed()


def store_behaves(world, process, step):
    process.manners[step["operation"]] = step["manner"]


def store_responds(world, process, step):
    if not process.hanging:
        raise Broken("no call of the store hangs")
    world.carry_out(process, process.hanging.pop(0))


def store_responds_late(world, process, step):
    world.land(step.get("process", 1))


def interrupt(world, process, step):
    if "request" in step:
        process.overtake()
        world.send(process, {"do": "interrupt", "request": step["request"]})
        return
    world.send(process, {"do": "interrupt"})
    for number in list(process.open):
        process.forget_call(number)


def kill(world, process, step):
    world.processes.pop(process.number)
    for note in process.hanging:
        world.leave_open(process, note)
    world.queue = [message for message in world.queue if message[0] is not process]
    process.pipe.send({"do": "kill"})
    if world.store:
        world.store.leave_queue(process.number)
        world.store.give_back(process.number)
        world.grant_guard()


def stop(world, process, step):
    process.is_stopped = True
    if world.store and world.store.guard_lapses and world.store.guard == process.number:
        world.lose_guard(process)


def go_on(world, process, step):
    """What came meanwhile is there before anything that is due."""
    if not process.is_stopped:
        raise Broken("the process was not stopped")
    process.is_stopped = False
    world.send(process, {"do": "advance", "mono": world.mono, "wall": world.wall(), "jump": True})
    world.queue += [(process, message) for message in process.backlog]
    process.backlog = []
    world.send(process, {"do": "advance", "mono": world.mono, "wall": world.wall()})
    if world.store:
        world.grant_guard()


STEPS = {step.__name__: step for step in (
    get, refresh, unauthorized, cancel, log_out, set_credentials, loop, respond, respond_late, respond_to_all, advance,
    wall_clock_jump, store_changed, store_set_back, store_behaves, store_responds, store_responds_late, interrupt, kill, stop, go_on)}
