"""What the runner says of mistakes: of its own arguments, and of a driver. None of them ends it with a traceback."""

import argparse
import contextlib
import io
import subprocess
import sys

import run
from runner import pipe
from runner.pipe import DriverError, Drivers
from runner.play import play, shown
from runner.timing import Timing

ARGUMENTS = [
    (["--name", "no-such-scenario"], "no scenario `no-such-scenario`"),
    (["--without", "no-such-scenario"], "no scenario `no-such-scenario`"),
    (["--level", "most"], "no level `most`"),
    (["--needs", "stores"], "no need `stores`"),
]

HELLO = '{"client": "x", "protocol": 1, "needs": [], "timing": {}}'
REPLY = '{"notes": [], "mono": 0}'

# What the driver writes, line by line. Then it ends, unless the last line is "silent". And what the runner says of it.
DRIVERS = [
    ([], "the driver has ended"),
    (["silent"], "has not answered"),
    (["Hello!"], "no object of JSON: Hello!"),
    (["[]"], "no object of JSON: []"),
    (["{}"], "`hello` must state `client`"),
    (['{"client": "x", "needs": ["stores"], "timing": {}}'], "has a need that there is not: `stores`"),
    (['{"client": "x", "protocol": 2, "needs": [], "timing": {}}'], "states the protocol 2; this runner has 1"),
    (['{"client": "x", "protocol": 1, "needs": [], "timing": {"store_timeout": "5"}}'], "states '5' for `store_timeout`"),
    ([HELLO, '{"error": "no entry"}'], "no entry"),
    ([HELLO, REPLY], "no `entry` and `version`"),
    ([HELLO, '{"entry": "", "version": ""}', "{}"], "has no `notes`"),
    ([HELLO, '{"entry": "", "version": ""}', '{"notes": [{}], "mono": 0}'], "a note has `note`"),
    *[([HELLO, '{"entry": "", "version": ""}', REPLY, reply], said) for reply, said in [
        ('{"notes": []}', "to `get` has no `mono`"),
        ('{"notes": [], "mono": "0"}', "has the `mono` '0'; it is a whole number"),
        ('{"notes": [], "mono": 0.5}', "has the `mono` 0.5; it is a whole number"),
        ('{"notes": [], "mono": 1}', "has the `mono` 1; it was at 0, and may go to 0"),
        ('{"notes": [{"note": "call", "id": 1, "what": "log-in"}], "mono": 0}', "the calls are `login`, `refresh`"),
        ('{"notes": [{"note": "call", "id": 1, "what": "refresh"}], "mono": 0}', "that call has `refresh` too"),
        ('{"notes": [{"note": "got", "caller": "b", "access": "at-1"}], "mono": 0}', "these callers wait: a"),
        ('{"notes": [{"note": "got", "caller": "a"}], "mono": 0}', "a caller got one of `access`, `done`, `error`"),
    ]],
    ([HELLO, '{"entry": "", "version": ""}', REPLY, "silent"], "has not answered"),
    ([HELLO, '{"entry": "", "version": ""}', REPLY, '{"notes": [{"note": "got", "caller": "a", "access": "at-1"}], "mono": 0}', REPLY],
     "`hello` must state `advisory_part`"),
]

SCENARIO = {
    "setup": {"store": {"holds": {"access": "at-1"}}},
    "steps": [{"do": "get", "caller": "a", "then": {"got": {"a": "at-1"}}}, {"do": "advance", "seconds": "advisory(60)"}],
}

PROGRAM = """
import sys, time
for line in sys.argv[1:]:
    if line == "silent":
        time.sleep(60)
    sys.stdin.readline()
    print(line, flush=True)
sys.stdin.readline()
"""


def said_of(lines, scenario=SCENARIO):
    """What the runner says of a driver that writes these lines."""
    try:
        drivers = Drivers([sys.executable, "-c", PROGRAM, *lines])
    except DriverError as error:
        return str(error)
    said = play(scenario, drivers, is_exact=False)
    drivers.close()
    return said or "nothing"


# A driver that says what it is like, and nothing else.
SILENT = f"""
import sys, time
for line in sys.stdin:
    if '"hello"' not in line:
        time.sleep(60)
    print({HELLO!r}, flush=True)
"""


def check_silence():
    """The runner does not wait for a silent driver in each scenario."""
    drivers = Drivers([sys.executable, "-c", SILENT])
    options = argparse.Namespace(verbose=False, passed=False)
    scenario = {"name": "x", "file": "x.json", "about": "", "steps": SCENARIO["steps"]}
    with contextlib.redirect_stdout(io.StringIO()):
        played = run.play_all([scenario] * 10, drivers, options)
    drivers.close()
    return [] if played == (0, run.MOST_SILENCES) else [("a driver that is silent", f"{played} passed and failed")]


# A driver that states no times.
MINIMAL = f"""
import sys
for line in sys.stdin:
    print({HELLO!r}, flush=True)
"""


def check_times():
    """All times that are missing are named at once, and those that are misspelt."""
    command = [sys.executable, "run.py", "--name", "source-hangs", "--", sys.executable, "-c", MINIMAL.replace("{}", '{"deadline": 1}')]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    wanted = "`flight_deadline`, `urgent_first`, `urgent_max`", "These are unknown: `deadline`"
    return [] if all(text in said for text in wanted) else [("a driver that states no times", said)]


def check_given_up():
    """A request that the client has given up without a note is named where the next response goes astray."""
    request = '{"notes": [{"note": "call", "id": %d, "what": "login"}], "mono": 0}'
    steps = [{"do": "get", "caller": caller, "then": {"calls": ["login"]}} for caller in "ab"]
    steps.append({"do": "respond", "with": "lost", "then": {"got": {"b": {"error": "transient"}}}})
    said = said_of([HELLO, REPLY, request % 1, request % 2, REPLY], {"steps": steps})
    return [] if "went to the call 1, and 2 is open too" in said else [("a driver that does not note what it gave up", said)]


def check_numbers():
    """A report shows the number of each sum of times."""
    step, timing = {"do": "advance", "seconds": "deadline - 0.001"}, Timing({"flight_deadline": 30})
    said = str(shown(step, timing))
    return [] if "deadline - 0.001 = 29.999" in said else [("a step in a report", said)]


def check_refusals():
    found = check_times() + check_given_up() + check_numbers()
    for arguments, wanted in ARGUMENTS:
        run = subprocess.run([sys.executable, "run.py", *arguments, "--", sys.executable, "-c", ""], capture_output=True, text=True, check=False)
        if run.returncode != 2 or wanted not in run.stderr or "Traceback" in run.stderr:
            found.append((f"the runner with {arguments}", run.stderr))
    patience = pipe.PATIENCE
    for lines, wanted in DRIVERS:
        pipe.PATIENCE = 0.5 if "silent" in lines else patience
        said = said_of(lines)
        if wanted not in said:
            found.append((f"a driver that writes {lines}", said))
    pipe.PATIENCE = 0.2
    found += check_silence()
    pipe.PATIENCE = patience
    return found, len(ARGUMENTS) + len(DRIVERS) + 4
