"""A driver in the same process, without a pipe: for many clients in a short time. It must be written in Python."""

import json

from .pipe import DriverError


# What a failure says if the client has crashed.
CRASHED = "the driver has failed"


class Inside:
    log = None

    def __init__(self, driver):
        self.driver = driver

    def send(self, message):
        """As over a pipe: what is sent and received is JSON."""
        try:
            reply = json.loads(json.dumps(self.driver.handle(json.loads(json.dumps(message)))))
        except Exception as error:
            raise DriverError(f"{CRASHED}: {error!r}") from error
        if "error" in reply:
            raise DriverError(reply["error"])
        return reply

    def close(self):
        pass


class DriversInside:
    """One driver for each process of a scenario, made by `make`."""

    def __init__(self, make):
        self.make = make
        self.pipes = []
        self.hello = self.pipe(0).send({"do": "hello", "protocol": 1})

    def pipe(self, index):
        while len(self.pipes) <= index:
            self.pipes.append(Inside(self.make()))
        return self.pipes[index]

    def restart(self, error):
        self.pipes = []
