#!/usr/bin/env python3
"""Checks the suite itself with the reference client: over the protocol, in other variants, and broken in many ways.

With `--find` it says which scenario catches each mutant, and with `--count` it writes the table of the profiles anew. With `--chance`
it plays a thousand clients within the bounds of the page, and not a few.
"""

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bounds import client_by_chance
from caught_by import CAUGHT_BY
from mistakes import check_mistakes
from mutants import MUTANTS
from page import check_page, write_rows
from reference.driver import NEEDS, Driver
from reference.settings import Settings
from refusals import check_refusals
from runner import scenarios as files
from runner.inside import CRASHED, DriversInside
from runner.pipe import Drivers
from runner.play import play
from runner.reading import read
from runner.scenarios import selected
from variants import VARIANTS

HERE = Path(__file__).resolve().parent
LEVELS = ("must", "should")


def failures(scenarios, drivers):
    found = []
    for scenario in scenarios:
        failure = play(scenario, drivers, is_exact=False)
        if failure:
            found.append(f"{scenario['name']} ({files.level_of(scenario)})\n{failure}")
    return found


def check_reference(scenarios):
    drivers = Drivers([sys.executable, "-m", "reference.driver"])
    found = failures(selected(scenarios, LEVELS, drivers.hello["needs"]), drivers)
    drivers.close()
    return [("reference", failure) for failure in found], 1


def check_smallest(scenarios):
    """The client to begin with passes what its page says."""
    drivers = Drivers([sys.executable, "smallest.py"])
    found = failures(selected(scenarios, ["must", "should"], files.PROFILES["minimal"]), drivers)
    drivers.close()
    return [("the smallest client", failure) for failure in found], 1


def check_variants(scenarios):
    found = []
    for name, settings, lacks in VARIANTS:
        drivers = DriversInside(lambda: Driver(Settings(**settings)))
        needs = set(NEEDS) - set(lacks)
        found += [(f"the client that {name}", failure) for failure in failures(selected(scenarios, LEVELS, needs), drivers)]
    return found, len(VARIANTS)


def check_bounds(scenarios):
    """Whatever the times of a client are, within the bounds of the page."""
    found, clients = [], range(1_000 if "--chance" in sys.argv else 20)
    for seed in clients:
        settings, lacks = client_by_chance(seed)
        drivers = DriversInside(lambda: Driver(Settings(**settings)))
        failed = failures(selected(scenarios, LEVELS, set(NEEDS) - set(lacks)), drivers)
        found += [(f"client {seed}, which has {settings} and lacks {lacks}", failure) for failure in failed]
    return found, len(clients)


def broken_client(mutant, folder, number):
    """A copy of the reference client, with one text replaced."""
    name, file, old, new = mutant
    package = f"mutant_{number}"
    shutil.copytree(HERE / "reference", folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / package / file
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"the client that {name}: the text to replace is in {file} {text.count(old)} times")
    path.write_text(text.replace(old, new))
    driver = importlib.import_module(f"{package}.driver")
    settings = importlib.import_module(f"{package}.settings")
    return DriversInside(lambda: driver.Driver(settings.Settings()))


def catches(scenario, drivers):
    """A mutant that crashes breaks no rule: that a scenario notices it says nothing about the scenario."""
    failure = play(scenario, drivers, is_exact=False)
    return failure is not None and CRASHED not in failure


def check_mutants(scenarios, find=False):
    """Each mutant fails the scenario that is noted for it."""
    found, by_name = [], {scenario["name"]: scenario for scenario in selected(scenarios, LEVELS, NEEDS)}
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for number, mutant in enumerate(MUTANTS):
            drivers = broken_client(mutant, Path(folder), number)
            if find:
                first = next((name for name, scenario in by_name.items() if catches(scenario, drivers)), None)
                print(f"    {mutant[0]!r}: {first!r},")
                continue
            scenario = by_name.get(CAUGHT_BY.get(mutant[0]))
            if scenario is None or not catches(scenario, drivers):
                found.append((f"the client that {mutant[0]}", f"is not caught by {CAUGHT_BY.get(mutant[0])}"))
    return found, len(MUTANTS)


def main():
    os.chdir(HERE)
    scenarios = read()
    if "--find" in sys.argv:
        check_mutants(scenarios, find=True)
        return 0
    if "--count" in sys.argv:
        write_rows(scenarios)
        return 0
    passed = failed = 0
    page = [("the page", fault) for fault in check_page(scenarios, len(VARIANTS), len(MUTANTS))], 1
    checks = [page, check_mistakes(), check_refusals()]
    checks += [check(scenarios) for check in (check_reference, check_smallest, check_variants, check_bounds, check_mutants)]
    for found, count in checks:
        for who, failure in found:
            print(f"FAILED {who}: {failure}")
        bad = len({who for who, _ in found})
        passed, failed = passed + count - bad, failed + bad
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
