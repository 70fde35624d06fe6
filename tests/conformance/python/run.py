#!/usr/bin/env python3
"""Plays the scenarios with a driver: run.py [options] -- DRIVER [ARGUMENT…]. The page is ../BEGIN.md."""

import argparse
import sys

from runner import pipe
from runner import scenarios as files
from runner.pipe import DriverError, Drivers
from runner.play import play
from runner.reading import Mistake, read
from runner.timing import TIMES, missing_times

# A driver that is silent in so many scenarios will be silent in the others.
MOST_SILENCES = 3


def main():
    parser = options_of_the_program()
    options = parser.parse_args()
    try:
        scenarios = read()
    except Mistake as mistake:
        parser.exit(2, f"error: {mistake}\n")
    levels = options.level.split(",")
    refuse_unknown(parser, "level", levels, files.LEVELS)
    refuse_unknown(parser, "scenario", options.name + options.without, [scenario["name"] for scenario in scenarios])
    refuse_unknown(parser, "need", options.needs.split(",") if options.needs else [], files.NEEDS)
    try:
        drivers = Drivers(options.driver)
    except DriverError as error:
        parser.exit(2, f"error: {error}\n")
    chosen = files.selected(scenarios, levels, wanted_needs(options, drivers.hello["needs"]), options.name)
    chosen = [scenario for scenario in chosen if scenario["name"] not in options.without]
    if missing := missing_times(chosen, drivers.hello["timing"]):
        drivers.close()
        parser.exit(2, f"error: your driver's `hello` must state in `timing`: `{'`, `'.join(missing)}`. State 0 for a wait that your client does"
                       f" not make{unknown_times(drivers.hello)}\n")
    passed, failed = play_all(chosen, drivers, options)
    drivers.close()
    left = len(chosen) - passed - failed
    if left:
        print(f"gave up: the driver was silent for {pipe.PATIENCE} s in {drivers.silences} scenarios, and {left} others were not played")
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; {drivers.hello['client']}")
    return 1 if failed or not chosen else 0


def options_of_the_program():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", default="must,should", help="must, should, reauth, separated by commas")
    parser.add_argument("--needs", help="only scenarios that need nothing else than these, separated by commas")
    parser.add_argument("--verbose", action="store_true", help="show each message to and from the driver")
    parser.add_argument("--passed", action="store_true", help="name the scenarios that pass, too")
    parser.add_argument("--name", action="append", default=[], help="play this scenario, whatever it needs")
    parser.add_argument("--profile", choices=files.PROFILES, help="instead of --needs: a profile of the page")
    parser.add_argument("--without", action="append", default=[], help="leave this scenario out")
    parser.add_argument("driver", nargs="+")
    return parser


def refuse_unknown(parser, what, names, known):
    """A name that is misspelt must not select nothing in silence."""
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        parser.exit(2, f"error: there is no {what} `{'`, `'.join(unknown)}`\n")


def unknown_times(hello):
    """A name that is misspelt explains one that is missing."""
    unknown = [name for name in hello["timing"] if name not in TIMES]
    return f". These are unknown: `{'`, `'.join(unknown)}`" if unknown else ""


def wanted_needs(options, needs):
    """What the client can do, or what the caller of this program names."""
    if options.profile:
        return files.PROFILES[options.profile]
    return needs if options.needs is None else options.needs.split(",") if options.needs else []


def play_all(chosen, drivers, options):
    """Prints what fails, and returns how many passed and failed. Those after too many silences are not played."""
    drivers.log = print if options.verbose else None
    is_exact = drivers.hello.get("store_calls") == "exact"
    passed = failed = 0
    for scenario in chosen:
        if drivers.silences == MOST_SILENCES:
            break
        failure = play(scenario, drivers, is_exact)
        if failure:
            failed += 1
            print(f"FAILED {scenario['file']}: {scenario['name']} ({files.level_of(scenario)})\n  {scenario['about']}\n{failure}")
        else:
            passed += 1
            if options.passed:
                print(f"passed {scenario['name']}")
    return passed, failed


if __name__ == "__main__":
    sys.exit(main())
