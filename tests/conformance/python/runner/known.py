"""What this runner carries out. If schema.json has more, the runner is too old for the files, and must not skip what is new."""

from .compare import KEYS_OF_ANOTHER_PROCESS, KEYS_OF_THEN
from .steps import STEPS

# The keys of each part of a scenario, and its texts if these decide what the runner does.
KNOWN = {
    "Scenario": {"name", "about", "rules", "level", "needs", "setup", "steps", "sweep"},
    "Level": {"must", "should", "reauth"},
    "Setup": {"can_login", "can_refresh", "can_revoke", "initial", "refresh_without_store", "store", "timing"},
    "Store": {"guard_lapses", "holds"},
    "Settings": {"default_lifetime", "flight_deadline", "rejection_interval", "retry_after_max", "store_timeout", "terminal_memory"},
    "Tokens": {"access", "refresh", "lifetime", "expires_at", "jwt"},
    "Jwt": {"exp", "iat"},
    "Step": {"process", "then", "do", "caller", "token", "tokens", "times", "every", "with", "seconds", "to", "operation", "manner",
             "request", "nothing", "goes_on", *STEPS},
    "Response": {"with", "tokens", "retry_after", "refused", "inconclusive", "misconfigured", "unreached", "unavailable", "lost", "invalid",
                 "unsupported", "panic"},
    "Operation": {"load", "guard", "save", "clear"},
    "Manner": {"works", "fails", "hangs", "panics", "held", "read_only"},
    "Then": KEYS_OF_THEN | {"one_of"},
    "Came": KEYS_OF_ANOTHER_PROCESS | {"one_of"},
    "Call": {"login", "refresh", "revoke", "load", "guard", "save", "note", "clear"},
    "Outcome": {"done", "error", "retry_after"},
    "Stored": {"access", "refresh", "expires_at"},
    "EventFields": {"event", "cause", "kind", "callers", "attempt", "next_attempt"},
    "Sweep": {"crash", "provider", "always", "eventually"},
    "StatefulProvider": {"strict", "grace"},
    "Always": {"families_revoked", "sends_of_one_token"},
    "Eventually": {"process", "within", "logins", "error"},
}


def unknown_words(schema):
    """Each key and each text of these parts that the runner does not carry out, with the name of its part."""
    found = []
    for part, known in KNOWN.items():
        found += [f"{part}: {word}" for word in sorted(words(schema["$defs"][part]) - known - {None})]
    return found


def words(schema):
    """All keys and texts in a schema; not those of the definitions that it refers to."""
    if isinstance(schema, list):
        return set().union(set(), *map(words, schema))
    if not isinstance(schema, dict):
        return set()
    here = set(schema.get("properties", {})) | set(schema.get("enum", [])) | ({schema["const"]} if "const" in schema else set())
    below = [schema[key] for key in ("oneOf", "anyOf", "items", "additionalProperties") if key in schema]
    return here.union(*map(words, below + list(schema.get("properties", {}).values())))
