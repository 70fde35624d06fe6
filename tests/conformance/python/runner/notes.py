"""What a driver may reply. A mistake of the driver is said as such, and does not show as a difference."""

from .pipe import DriverError

# What each note has at least, and each call.
NOTES = {"call": ("id", "what"), "gave_up": ("id",), "got": ("caller",), "event": ("event",)}
CALLS = {"login": (), "refresh": ("refresh",), "revoke": ("access",), "load": (), "guard": (), "release": (),
         "write": ("entry", "version", "shows")}
OUTCOMES = ("access", "done", "error")


def check_reply(reply, message, before, now):
    """`before` is the time at which the driver was, and `now` that of the runner."""
    do = message["do"]
    for field in ("notes", "mono"):
        if field not in reply:
            raise DriverError(f"the driver's reply to `{do}` has no `{field}`")
    mono = reply["mono"]
    if not isinstance(mono, (int, float)) or isinstance(mono, bool) or mono != round(mono):
        raise DriverError(f"the driver's reply to `{do}` has the `mono` {mono!r}; it is a whole number of milliseconds")
    goal = message.get("mono", max(before, now))
    if not before <= mono <= goal:
        raise DriverError(f"the driver's reply to `{do}` has the `mono` {mono}; it was at {before}, and may go to {goal}")
    if do == "advance" and mono < goal and not reply["notes"] and "jump" not in message:
        raise DriverError(f"the driver's reply to `advance` has the `mono` {mono} and no notes; without one it goes on to {goal}")


def check_note(note, waiting):
    """`waiting` are the callers to whom something may come."""
    kind = note.get("note") if isinstance(note, dict) else None
    if kind not in NOTES or not all(field in note for field in NOTES[kind]):
        raise DriverError(f"the driver notes {note}; a note has `note` and the fields of its kind")
    if kind == "call":
        check_call(note)
    if kind == "got":
        if sum(outcome in note for outcome in OUTCOMES) != 1:
            raise DriverError(f"the driver notes {note}; a caller got one of `{'`, `'.join(OUTCOMES)}`")
        if note["caller"] not in waiting:
            raise DriverError(f"the driver notes {note}; these callers wait: {', '.join(sorted(waiting)) or 'none'}")


def check_call(note):
    if note["what"] not in CALLS:
        raise DriverError(f"the driver notes {note}; the calls are `{'`, `'.join(CALLS)}`")
    missing = [field for field in CALLS[note["what"]] if field not in note]
    if missing:
        raise DriverError(f"the driver notes {note}; that call has `{'`, `'.join(missing)}` too")
