"""The driver: one line of JSON in, one line of JSON out. See PROTOCOL.md."""

import dataclasses
import json
import sys

from .client import Client
from .given_up import give_up
from .loop import Loop
from .settings import Settings
from .storage import Entry

# What this client can do, in the words of the scenarios. It has no events.
NEEDS = ["back_off", "background", "cancel", "clocks", "early", "guard", "inconclusive", "initial", "interrupt", "jwt", "log_out", "panic",
         "patience", "processes", "refresh", "reject", "retries", "retry_after", "revoke", "set_credentials", "settings", "store", "sweep"]


class Driver:
    def __init__(self, settings):
        self.defaults = settings
        self.loop = Loop()
        self.client = None

    def hello(self, message):
        timing = {name: seconds(name, value) for name, value in dataclasses.asdict(self.defaults).items()}
        del timing["refresh_deadlines"]
        timing["request_deadline"] = self.defaults.request_deadline() / 1000
        return {"client": "reference", "protocol": 1, "needs": NEEDS, "timing": timing}

    def start(self, message):
        self.loop = Loop()
        self.loop.mono = message["mono"]
        self.loop.wall_offset = message["wall"] - message["mono"]
        changed = {name: round(value * 1000) for name, value in message["setup"].get("timing", {}).items()}
        settings = dataclasses.replace(self.defaults, **changed)
        setup = dict(message["setup"])
        if setup.get("initial"):
            setup["initial"] = in_milliseconds(setup["initial"])
        self.client = Client(self.loop, settings, setup)
        self.client.name = message["name"]

    def kill(self, message):
        self.client = None
        self.loop = Loop()

    # --- what callers do ---

    def get(self, message):
        self.client.get(message["caller"])

    def refresh(self, message):
        self.client.refresh(message["caller"])

    def unauthorized(self, message):
        self.client.unauthorized(message["caller"], message["access"])

    def cancel(self, message):
        self.client.cancel(message["caller"])

    def log_out(self, message):
        self.client.log_out(message["caller"])

    def set_credentials(self, message):
        self.client.set_credentials(message["caller"], in_milliseconds(message["tokens"]))

    # --- what the world does ---

    def interrupt(self, message):
        give_up(self.client, message.get("request") == "goes_on")

    def answer(self, message):
        result = dict(message["result"])
        if "tokens" in result:
            result["tokens"] = in_milliseconds(result["tokens"])
        if "retry_after" in result:
            result["retry_after"] = round(result["retry_after"] * 1000)
        self.loop.answer(message["id"], result)

    def advance(self, message):
        """Goes on until something happens that the runner has to know, or until the time is reached."""
        target = message["mono"]
        if message.get("jump"):
            self.loop.mono = target
        while not self.loop.notes and self.loop.fire_one(target):
            pass
        if not self.loop.notes:
            self.loop.mono = target

    def wall_clock(self, message):
        self.loop.wall_offset = message["wall"] - self.loop.mono

    def entry(self, message):
        """What another process would write."""
        tokens = in_milliseconds(message["tokens"])
        return {"entry": Entry(tokens, message["version"]).text(), "version": message["version"]}

    def handle(self, message):
        step = getattr(self, message.pop("do"), None)
        if step is None:
            return {"error": "this client has no counterpart of that"}
        reply = step(message)
        if reply is not None:
            return reply
        notes, self.loop.notes = self.loop.notes, []
        return {"notes": [outward(note) for note in notes], "mono": self.loop.mono, "due": self.loop.due()}


def seconds(name, value):
    is_time = isinstance(value, int) and not isinstance(value, bool) and not name.endswith(("part", "attempts"))
    return value / 1000 if is_time else value


def in_milliseconds(tokens):
    times = {key: round(tokens[key] * 1000) for key in ("lifetime", "expires_at") if key in tokens}
    return {**tokens, **times}


def outward(note):
    if "retry_after" in note:
        note["retry_after"] /= 1000
    shows = note.get("shows")
    if isinstance(shows, dict) and "expires_at" in shows["save"]:
        note["shows"] = {"save": {**shows["save"], "expires_at": shows["save"]["expires_at"] / 1000}}
    return note


def main():
    """Each argument sets something: `advisory_part=0.5`."""
    values = (argument.split("=") for argument in sys.argv[1:])
    driver = Driver(Settings(**{name: json.loads(value) for name, value in values}))
    for line in sys.stdin:
        print(json.dumps(driver.handle(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
