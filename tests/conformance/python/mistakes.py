"""What the runner says of mistakes in the files. What it does not know is refused, and not skipped."""

import copy
import json
import shutil
import tempfile
from pathlib import Path

from runner.reading import Mistake, read
from runner.scenarios import FOLDER

GOOD = {
    "name": "x",
    "about": "Something.",
    "rules": ["R1"],
    "level": "must",
    "needs": ["store"],
    "setup": {"store": {"holds": {"access": "at-1"}}, "timing": {"store_timeout": 1}},
    "steps": [
        {"do": "get", "caller": "a", "then": {"calls": ["load", {"save": {"access": "at-1"}}], "got": {"a": "at-1"}, "others": {"2": {"got": {}}}}},
        {"do": "respond", "with": "lost", "retry_after": "deadline + 30"},
        {"do": "respond", "with": "tokens", "tokens": {"access": "at-1", "lifetime": 60}, "then": {"got": {"a": {"error": "transient"}}}},
        {"do": "store_behaves", "operation": "save", "manner": "hangs"},
        {"do": "advance", "seconds": "advisory(60) - 0.001", "then": {"events": [{"event": "refresh_failed", "kind": "transient"}]}},
    ],
    "sweep": {"crash": 1, "provider": "grace", "always": {"families_revoked": 0, "sends_of_one_token": 2},
              "eventually": {"process": 2, "within": 60, "logins": 1}},
}

NOTHING = object()

# A part of the scenario, what is written there, and what the runner says.
MISTAKES = [
    (("abuot",), "Something.", "x: the key `abuot` is unknown"),
    (("level",), "most", "x, level: `most` is unknown, and not one of `must`, `should`, `reauth`"),
    (("level",), ["must"], "x, level: ['must'] is not expected"),
    (("rules",), [], "x, rules: the list is too short"),
    (("rules", 0), "Rule 1", "`Rule 1` is not of the form"),
    (("needs", 0), "stores", "x, needs 1: `stores` is unknown, and not one of `log_out`, "),
    (("about",), NOTHING, "x: the key `about` is missing"),
    (("setup", "can_log_in"), True, "x, setup: the key `can_log_in` is unknown"),
    (("setup", "can_login"), "yes", "x, setup, can_login: `yes` is unknown, and not one of a value of the type boolean"),
    (("setup", "store", "hold"), {}, "x, setup, store: the key `hold` is unknown"),
    (("setup", "timing", "deadline"), 1, "x, setup, timing: the key `deadline` is unknown"),
    (("setup", "initial"), {"access": "at-1", "jwt": {"exp": 1, "nbf": 1}}, "x, setup, initial, jwt: the key `nbf` is unknown"),
    (("steps",), [], "x, steps: the list is too short"),
    (("steps", 0, "do"), "gets", "x, step 1, do: `gets` is unknown, and not one of `get`, `refresh`, "),
    (("steps", 0, "do"), NOTHING, "x, step 1: the key `do` is missing"),
    (("steps", 0, "caler"), "a", "x, step 1: the key `caler` is unknown"),
    (("steps", 0, "caller"), NOTHING, "x, step 1: the key `caller` is missing"),
    (("steps", 0, "token"), "at-1", "x, step 1: the key `token` is unknown"),
    (("steps", 0, "process"), 4, "x, step 1, process: 4 is more than 3"),
    (("steps", 0, "then", "gott"), {}, "x, step 1, then: the key `gott` is unknown"),
    (("steps", 0, "then", "requests"), 1, "x, step 1, then: must not have `calls` and `requests`"),
    (("steps", 0, "then", "waiting"), "a", "x, step 1, then, waiting: `a` is unknown, and not one of a value of the type array"),
    (("steps", 0, "then", "calls", 0), "lode", "x, step 1, then, calls 1: `lode` is unknown, and not one of `login`, "),
    (("steps", 0, "then", "calls", 1, "save", "lifetime"), 60, "x, step 1, then, calls 2, save: the key `lifetime` is unknown"),
    (("steps", 0, "then", "others", "4"), {}, "x, step 1, then, others: `4` is unknown, and not one of `1`, `2`, `3`"),
    (("steps", 0, "then", "others", "1"), {}, "x, step 1: its process is not another one"),
    (("steps", 1), {"do": "get", "caller": "a", "process": 2}, "x, step 2: `a` is a caller in another process"),
    (("steps", 0, "then", "others", "2", "waiting"), [], "x, step 1, then, others, 2: the key `waiting` is unknown"),
    (("steps", 0, "then", "got", "a"), "at_1", "x, step 1, then, got, a: `at_1` is not of the form"),
    (("steps", 0, "then", "got", "a"), {"one_of": ["at-1"]}, "x, step 1, then, got, a, one_of: the list is too short"),
    (("steps", 1, "with"), "loost", "x, step 2, with: `loost` is unknown, and not one of `unavailable`, `lost`"),
    (("steps", 1, "with"), "refused", "x, step 2: the key `retry_after` is unknown"),
    (("steps", 1, "retry_after"), "deadlines + 30", "`deadlines` in `deadlines + 30` is no time"),
    (("steps", 1, "retry_after"), "deadline(1) + 30", "`deadline(1)` in `deadline(1) + 30` is no time"),
    (("steps", 1, "retry_after"), "retry", "`retry` in `retry` is no time"),
    (("steps", 1, "retry_after"), "deadline+30", "`deadline+30` is no sum of times"),
    (("steps", 1, "retry_after"), "30 + 30", "`30 + 30` names no time"),
    (("steps", 1, "retry_after"), 0.0001, "0.0001 has more than three decimals"),
    (("steps", 1, "retry_after"), -1, "-1 is less than 0"),
    (("steps", 2, "tokens", "expires_in"), 60, "x, step 3, tokens: the key `expires_in` is unknown"),
    (("steps", 2, "tokens", "expires_at"), 60, "x, step 3, tokens: must not have `lifetime` and `expires_at`"),
    (("steps", 2, "tokens"), NOTHING, "x, step 3: the key `tokens` is missing"),
    (("steps", 2, "then", "got", "a", "error"), "Transient", "x, step 3, then, got, a, error: `Transient` is unknown, and not one of `login_required`, "),
    (("steps", 2, "then", "got", "a", "after"), 1, "x, step 3, then, got, a: the key `after` is unknown"),
    (("steps", 3, "operation"), "write", "x, step 4, operation: `write` is unknown, and not one of `load`, `guard`, `save`, `clear`"),
    (("steps", 3, "manner"), "hang", "x, step 4, manner: `hang` is unknown, and not one of `works`, "),
    (("steps", 4, "then", "events", 0, "kid"), 1, "x, step 5, then, events 1: the key `kid` is unknown"),
    (("steps", 4, "then", "events", 0, "event"), "failed", "x, step 5, then, events 1, event: `failed` is unknown, and not one of `refresh_started`, "),
    (("sweep", "provider"), "lenient", "x, sweep, provider: `lenient` is unknown, and not one of `strict`, `grace`"),
    (("sweep", "always", "logins"), 1, "x, sweep, always: the key `logins` is unknown"),
    (("sweep", "eventually", "process"), True, "x, sweep, eventually, process: True is not expected"),
]


def with_mistake(path, value):
    scenario = copy.deepcopy(GOOD)
    part = scenario
    for key in path[:-1]:
        part = part[key]
    if value is NOTHING:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return json.dumps([scenario])


# What a whole file is, and what the runner says.
FILES = [
    (json.dumps([GOOD, GOOD]), "two scenarios have the name x"),
    (json.dumps([GOOD])[:-1], "x.json: "),
    (json.dumps([GOOD]).replace('"level": "must"', '"level": "must", "level": "should"'), "the key `level` comes twice"),
    (json.dumps([1]), "scenario 1: 1 is not expected"),
]


def said_of(text, schema=None):
    """What the runner says of a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        if schema:
            (Path(folder) / "schema.json").write_text(json.dumps(schema))
        else:
            shutil.copy(FOLDER / "schema.json", folder)
        (Path(folder) / "x.json").write_text(text)
        try:
            return f"nothing of {len(read(Path(folder)))} scenario"
        except Mistake as mistake:
            return str(mistake)


def newer_schema():
    """One with an expectation that this runner does not know."""
    schema = json.loads((FOLDER / "schema.json").read_text())
    schema["$defs"]["Then"]["properties"]["logged"] = {"type": "string"}
    return schema


def check_mistakes():
    checks = [(said_of(json.dumps([GOOD])), "nothing of 1 scenario", "no mistake")]
    checks += [(said_of(with_mistake(path, value)), wanted, f"{path} = {value}") for path, value, wanted in MISTAKES]
    checks += [(said_of(text), wanted, text) for text, wanted in FILES]
    checks += [(said_of(json.dumps([GOOD]), newer_schema()), "does not know: Then: logged", "a newer schema")]
    return [(f"the runner, of a file with {name}", said) for said, wanted, name in checks if wanted not in said], len(checks)
