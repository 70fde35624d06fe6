"""Whether a value is what a JSON Schema says, for the keywords that schema.json has. It says what is wrong, and where."""

import re

NAMES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}


class Fault:
    """What is wrong at a place. `expected` are the texts that would do there, if it has none of them."""

    def __init__(self, place, text, expected=()):
        self.place = place
        self.text = text
        self.expected = expected


class Schema:
    """`formats` has a function for each definition about which the schema can't say all: it returns what is wrong, or nothing."""

    def __init__(self, schema, formats):
        self.root = schema
        self.formats = formats

    def faults(self, value, schema=None, place=()):
        return self.look(value, self.root if schema is None else schema, place)[0]

    def look(self, value, schema, place):
        """The faults of a value, and which of its keys the schema names."""
        faults, named = [], set()
        for keyword in schema:
            if keyword not in KEYWORDS:
                raise ValueError(f"schema.json has the keyword `{keyword}`, which the runner does not know")
            # This one is about what all others have named.
            if keyword != "unevaluatedProperties":
                more, names = KEYWORDS[keyword](self, value, schema[keyword], schema, place)
                faults, named = faults + more, named | names
        if schema.get("unevaluatedProperties") is False and isinstance(value, dict):
            faults += unknown_keys(set(value) - named, place)
        return faults, named

    # --- parts of a schema ---

    def reference(self, value, target, schema, place):
        name = target.removeprefix("#/$defs/")
        faults, named = self.look(value, self.root["$defs"][name], place)
        wrong = self.formats[name](value) if name in self.formats and not faults else None
        return faults + ([Fault(place, wrong)] if wrong else []), named

    def all_that_fit(self, value, branches, schema, place):
        possible = [branch for branch in branches if not is_for_others(branch, value)] or branches
        looks = [self.look(value, branch, place) for branch in possible]
        fitting = [named for faults, named in looks if not faults]
        if "oneOf" in schema and len(fitting) > 1:
            return [Fault(place, "may be read in two ways")], set()
        return ([], set().union(*fitting)) if fitting else closest(looks)

    def negation(self, value, branch, schema, place):
        is_so = not self.look(value, branch, place)[0]
        return ([Fault(place, f"must not have `{'` and `'.join(branch['required'])}`")] if is_so else []), set()

    # --- objects and lists ---

    def properties(self, value, properties, schema, place):
        if not isinstance(value, dict):
            return [], set()
        named = set(properties) & set(value)
        return [fault for key in sorted(named) for fault in self.faults(value[key], properties[key], place + (key,))], named

    def additional(self, value, rest, schema, place):
        keys = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
        if rest is False:
            return unknown_keys(keys, place), set()
        return [fault for key in sorted(keys) for fault in self.faults(value[key], rest, place + (key,))], keys

    def names_of_properties(self, value, names, schema, place):
        return [fault for key in value for fault in self.faults(key, names, place)], set()

    def items(self, value, item, schema, place):
        if not isinstance(value, list):
            return [], set()
        return [fault for at, one in enumerate(value) for fault in self.faults(one, item, place + (at,))], set()


def unknown_keys(keys, place):
    return [Fault(place, f"the key `{key}` is unknown") for key in sorted(keys)]


def is_for_others(branch, value):
    """Whether the branch is for objects that say something else: `do` is `get`, for instance."""
    if not isinstance(value, dict):
        return False
    return any(key in value and value[key] != part["const"] for key, part in branch.get("properties", {}).items() if "const" in part)


def closest(looks):
    """What to say if no branch fits: the faults of the one that knows most of the keys. If several do, all texts that would have done."""
    most = max(len(named) for _, named in looks)
    meant = [look for look in looks if len(look[1]) == most]
    clear = [look for look in meant if not any(fault.expected for fault in look[0])]
    if clear or len(meant) == 1:
        return min(clear or meant, key=lambda look: len(look[0]))
    faults, named = min(meant, key=lambda look: len(look[0]))
    first = next(fault for fault in faults if fault.expected)
    expected = [text for faults, _ in meant for fault in faults if fault.place == first.place for text in fault.expected]
    return [Fault(first.place, first.text, tuple(dict.fromkeys(expected)))], named


def check(is_so, text, expected=()):
    """A keyword that is about the value alone."""
    def keyword(schema, value, argument, whole, place):
        if is_so(value, argument):
            return [], set()
        return [Fault(place, text(value, argument), expected(argument) if expected else ())], set()
    return keyword


def is_of_type(value, name):
    return isinstance(value, NAMES[name]) and (name == "boolean" or not isinstance(value, bool))


def is_none_of_them(value, argument):
    return f"`{value}` is unknown" if isinstance(value, str) else f"{value!r} is not expected"


def annotation(schema, value, argument, whole, place):
    return [], set()


KEYWORDS = {
    **dict.fromkeys(("$schema", "$defs", "title", "description", "default", "unevaluatedProperties"), annotation),
    "$ref": Schema.reference,
    "anyOf": Schema.all_that_fit,
    "oneOf": Schema.all_that_fit,
    "not": Schema.negation,
    "properties": Schema.properties,
    "additionalProperties": Schema.additional,
    "propertyNames": Schema.names_of_properties,
    "items": Schema.items,
    "type": check(is_of_type, is_none_of_them, lambda name: (f"a value of the type {name}",)),
    "const": check(lambda value, const: value == const, is_none_of_them, lambda const: (f"`{const}`",)),
    "enum": check(lambda value, texts: value in texts, is_none_of_them, lambda texts: tuple(f"`{text}`" for text in texts)),
    "required": check(lambda value, keys: not isinstance(value, dict) or set(keys) <= set(value),
                      lambda value, keys: f"the key `{'`, `'.join(key for key in keys if key not in value)}` is missing"),
    "pattern": check(lambda value, pattern: not isinstance(value, str) or re.search(pattern, value) is not None,
                     lambda value, pattern: f"`{value}` is not of the form `{pattern}`"),
    "minimum": check(lambda value, least: not is_of_type(value, "number") or value >= least, lambda value, least: f"{value} is less than {least}"),
    "maximum": check(lambda value, most: not is_of_type(value, "number") or value <= most, lambda value, most: f"{value} is more than {most}"),
    "minLength": check(lambda value, least: not isinstance(value, str) or len(value) >= least, lambda value, least: "the text is too short"),
    "minItems": check(lambda value, least: not isinstance(value, list) or len(value) >= least, lambda value, least: "the list is too short"),
    "uniqueItems": check(lambda value, _: not isinstance(value, list) or all(one not in value[:at] for at, one in enumerate(value)),
                         lambda value, _: "the list has something twice"),
}
