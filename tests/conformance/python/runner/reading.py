"""Reads the files, and refuses what is not known."""

import json
from collections import Counter

from .known import unknown_words
from .scenarios import FOLDER
from .schema import Schema
from .timing import terms


class Mistake(Exception):
    """The files are not what schema.json and the page of the suite say, or the runner is too old for them."""


def read(folder=FOLDER):
    """All scenarios, each with the name of its file. What the runner does not know is a mistake, and is not skipped."""
    schema = json.loads((folder / "schema.json").read_text())
    if unknown := unknown_words(schema):
        raise Mistake(f"schema.json has what this runner does not know: {', '.join(unknown)}")
    checked = Schema(schema, {"Seconds": wrong_time, "Moment": wrong_time})
    scenarios = []
    for path in sorted(folder.glob("*.json")):
        if path.name != "schema.json":
            found = load(path)
            if faults := checked.faults(found):
                raise Mistake(f"{path.name}: {described(faults[0], found)}")
            for scenario in found:
                check_processes(path.name, scenario)
            scenarios += [{"file": path.name, **scenario} for scenario in found]
    names = Counter(scenario["name"] for scenario in scenarios)
    if twice := [name for name, times in names.items() if times > 1]:
        raise Mistake(f"two scenarios have the name {twice[0]}")
    return scenarios


def check_processes(file, scenario):
    """Each caller belongs to one process, and the process of a step is none of the others."""
    process_of = {}
    for number, step in enumerate(scenario["steps"], 1):
        process, caller = step.get("process", 1), step.get("caller")
        if caller and process_of.setdefault(caller, process) != process:
            raise Mistake(f"{file}: {scenario['name']}, step {number}: `{caller}` is a caller in another process")
        if str(process) in step.get("then", {}).get("others", {}):
            raise Mistake(f"{file}: {scenario['name']}, step {number}: its process is not another one")


def load(path):
    try:
        return json.loads(path.read_text(), object_pairs_hook=without_repeated_keys)
    except ValueError as error:
        raise Mistake(f"{path.name}: {error}") from None


def without_repeated_keys(pairs):
    """Of two keys with the same name the first one would be lost."""
    keys = Counter(key for key, _ in pairs)
    if twice := [key for key, times in keys.items() if times > 1]:
        raise ValueError(f"the key `{twice[0]}` comes twice in {dict(pairs)}")
    return dict(pairs)


def wrong_time(value):
    """What the schema can't say of a time."""
    if isinstance(value, str):
        try:
            terms(value)
        except ValueError as error:
            return str(error)
    elif round(value, 3) != value:
        return f"{value} has more than three decimals"
    return None


def described(fault, scenarios):
    """Where a fault is, in the words of a report, and what would do there."""
    where = []
    for at, part in enumerate(fault.place):
        if at == 0:
            where.append(str(scenarios[part].get("name", f"scenario {part + 1}") if isinstance(scenarios[part], dict) else f"scenario {part + 1}"))
        elif isinstance(part, int):
            where[-1] = f"step {part + 1}" if where[-1] == "steps" else f"{where[-1]} {part + 1}"
        else:
            where.append(part)
    expected = f", and not one of {', '.join(fault.expected)}" if fault.expected else ""
    return f"{', '.join(where)}: {fault.text}{expected}"
