"""Compares what came of a step with what the scenario expects."""

from .timing import with_numbers

SOURCE = ("login", "refresh", "revoke")
WRITES = ("save", "clear")
# What a step may say of another process, and of its own.
KEYS_OF_ANOTHER_PROCESS = {"got", "calls", "requests", "events"}
KEYS_OF_THEN = KEYS_OF_ANOTHER_PROCESS | {"waiting", "others", "stored", "guarded_by"}
# Characters of a list in a report.
MOST_SHOWN = 600


def name_of(call):
    return call if isinstance(call, str) else next(iter(call))


class Comparison:
    """`is_exact`: the calls of the store are compared one by one, and not only by what they must achieve."""

    def __init__(self, timing, is_exact):
        self.timing = timing
        self.is_exact = is_exact

    def step(self, step, seen, waiting, store):
        """The differences, as texts. `seen` has what was seen of each process, by its number."""
        then, number = step.get("then", {}), step.get("process", 1)
        differences = self.came(then, seen.pop(number, None), step["do"] == "loop")
        others = {int(other): came for other, came in then.get("others", {}).items()}
        for other in sorted(set(others) | set(seen)):
            for difference in self.came(others.get(other, {}), seen.get(other), False):
                differences.append(f"process {other}: {difference}")
        if "waiting" in then and set(then["waiting"]) != waiting:
            differences.append(different("waiting", sorted(then["waiting"]), sorted(waiting)))
        if "stored" in then and not one_of(self.same_stored, then["stored"], store.stored()):
            differences.append(different("stored", then["stored"], store.stored()))
        if "guarded_by" in then and then["guarded_by"] != store.guard:
            differences.append(different("guarded_by", then["guarded_by"], store.guard))
        return differences

    def came(self, then, seen, is_loop):
        got, calls, events = (seen.got, seen.calls, seen.events) if seen else ([], [], [])
        differences = []
        if not self.same_outcomes(then.get("got", {}), got, is_loop):
            differences.append(different("got", self.shown(then.get("got", {})), got))
        if "requests" in then:
            count = sum(name_of(call) in ("login", "refresh") for call in calls)
            if count != then["requests"]:
                differences.append(different("requests", then["requests"], count))
        elif not self.same_calls(then.get("calls", []), calls):
            differences.append(different("calls", then.get("calls", []), calls))
        if "events" in then and self.has_events and not self.same_events(then["events"], events):
            differences.append(different("events", self.shown(then["events"]), events))
        if not self.is_exact and seen:
            differences += self.saved_before_published(then, seen)
        return differences

    has_events = False

    def shown(self, expected):
        return with_numbers(expected, self.timing)

    # --- outcomes ---

    def same_outcomes(self, expected, seen, is_loop):
        names = [caller for caller, _ in seen]
        if set(expected) != set(names) or (not is_loop and len(names) != len(expected)):
            return False
        return all(one_of(self.same_outcome, expected[caller], outcome) for caller, outcome in seen)

    def same_outcome(self, expected, seen):
        if isinstance(expected, str) or isinstance(seen, str):
            return expected == seen
        if expected["error"] != seen["error"]:
            return False
        return "retry_after" not in expected or (
            "retry_after" in seen and self.same_time(expected["retry_after"], seen["retry_after"]))

    def same_time(self, expected, seen):
        return abs(self.timing.seconds(expected) - seen) < 0.0006

    # --- calls ---

    def same_calls(self, expected, seen):
        if not self.is_exact:
            expected, seen = without_reads(expected), without_reads(seen)
        return len(expected) == len(seen) and all(map(self.same_call, expected, seen))

    def same_call(self, expected, seen):
        if name_of(expected) == name_of(seen) == "save":
            return self.same_stored(expected["save"], seen["save"])
        return expected == seen

    def same_stored(self, expected, seen):
        if not expected or not seen:
            return expected == seen
        if expected["access"] != seen["access"] or expected.get("refresh") != seen.get("refresh"):
            return False
        return "expires_at" not in expected or (
            seen.get("expires_at") is not None and self.same_time(expected["expires_at"], seen["expires_at"]))

    def saved_before_published(self, then, seen):
        """A token that is saved in this step is saved before a caller gets it."""
        saves = [call for call in then.get("calls", []) if name_of(call) == "save"]
        got = {caller: outcome for caller, outcome in seen.got}
        for save in saves:
            for caller, outcome in got.items():
                if outcome == save["save"]["access"] and not in_order(save, {"got": caller}, seen.all):
                    return [different("order", f"{save} before {caller} got it", seen.all)]
        return []

    # --- events ---

    def same_events(self, expected, seen):
        return len(expected) == len(seen) and all(map(self.same_event, expected, seen))

    def same_event(self, expected, seen):
        if isinstance(expected, str):
            return expected == seen["event"]
        for field, value in expected.items():
            if field == "next_attempt":
                if field not in seen or not self.same_time(value, seen[field]):
                    return False
            elif seen.get(field) != value:
                return False
        return True


def one_of(is_same, expected, seen):
    """Whether this was seen, or one of those if the scenario leaves a choice."""
    choice = expected["one_of"] if isinstance(expected, dict) and "one_of" in expected else [expected]
    return any(is_same(wanted, seen) for wanted in choice)


def without_reads(calls):
    """Requests, and what was written; the same write twice in a row counts once."""
    kept = []
    for call in calls:
        if name_of(call) in SOURCE or (name_of(call) in WRITES and (not kept or not is_same_write(kept[-1], call))):
            kept.append(call)
    return kept


def is_same_write(one, other):
    if name_of(one) != name_of(other) or name_of(one) not in WRITES:
        return False
    return one == other or one["save"]["access"] == other["save"]["access"]


def in_order(first, second, seen):
    """Whether the first of the one comes before the first of the other."""
    at = [next((index for index, one in enumerate(seen) if matches(wanted, one)), None) for wanted in (first, second)]
    return None not in at and at[0] < at[1]


def matches(wanted, seen):
    if name_of(wanted) == name_of(seen) == "save":
        return wanted["save"]["access"] == seen["save"]["access"]
    return wanted == seen


def different(what, expected, seen):
    return f"{what}\n      expected {str(expected)[:MOST_SHOWN]}\n      seen     {str(seen)[:MOST_SHOWN]}"
