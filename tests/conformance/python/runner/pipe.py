"""A driver, as a process that reads and writes lines of JSON."""

import json
import queue
import subprocess
import threading

from .scenarios import NEEDS
from .timing import TIMES

PROTOCOL = 1

# Seconds until a driver that says nothing is given up. Time in a scenario does not pass by itself: an answer takes moments.
PATIENCE = 10


class DriverError(Exception):
    pass


class Silence(DriverError):
    """The driver has not answered."""


class Pipe:
    def __init__(self, command):
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise DriverError(f"the driver can't be started: {error}") from error
        self.log = None
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Puts each line of the driver in the queue. An empty text is the end."""
        try:
            for line in self.process.stdout:
                self.lines.put(line)
        except ValueError:
            pass  # The runner has closed the pipe, or the driver writes something that is no text.
        self.lines.put("")

    def send(self, message):
        line = json.dumps(message)
        if self.log:
            self.log(f"  > {line}")
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise DriverError(f"the driver has ended; the last message was {line}") from error
        answer = self.answer_to(line)
        if self.log:
            self.log(f"  < {answer.rstrip()}")
        return checked(answer, line)

    def answer_to(self, line):
        try:
            answer = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise Silence(f"the driver has not answered for {PATIENCE} s; the last message was {line}") from None
        if not answer:
            raise DriverError(f"the driver has ended; the last message was {line}")
        return answer

    def close(self, patience=1):
        """A driver ends when its input ends. One that does not is ended."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def checked(answer, line):
    """The reply, if it is one."""
    try:
        reply = json.loads(answer)
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        raise DriverError(f"the driver's answer is no object of JSON: {answer.rstrip()[:200]}; the last message was {line}")
    if "error" in reply:
        raise DriverError(reply["error"])
    return reply


class Drivers:
    """One driver for each process of a scenario. They are started when they are needed, and used again."""

    def __init__(self, command):
        self.command = command
        self.pipes = []
        self.log = None
        # In how many scenarios a driver was silent.
        self.silences = 0
        try:
            self.hello = checked_hello(self.pipe(0).send({"do": "hello", "protocol": PROTOCOL}))
        except DriverError:
            self.close()
            raise

    def pipe(self, index):
        while len(self.pipes) <= index:
            self.pipes.append(Pipe(self.command))
        self.pipes[index].log = self.log
        return self.pipes[index]

    def restart(self, error):
        """After an error nothing is known about the state of the drivers."""
        is_silent = isinstance(error, Silence)
        self.silences += is_silent
        self.close(patience=0 if is_silent else 1)

    def close(self, patience=1):
        for pipe in self.pipes:
            pipe.close(patience)
        self.pipes = []


def checked_hello(hello):
    """What the driver says of its client, if it says what it must."""
    for name, kind, text in (("client", str, "a text"), ("needs", list, "a list"), ("timing", dict, "an object")):
        if not isinstance(hello.get(name), kind):
            raise DriverError(f"your driver's `hello` must state `{name}`, {text}")
    unknown = [str(need) for need in hello["needs"] if need not in NEEDS]
    if unknown:
        raise DriverError(f"your driver's `hello` has a need that there is not: `{'`, `'.join(unknown)}`")
    if hello.get("protocol") != PROTOCOL:
        raise DriverError(f"your driver's `hello` states the protocol {hello.get('protocol')!r}; this runner has {PROTOCOL}")
    for name, value in hello["timing"].items():
        if name in TIMES and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            raise DriverError(f"your driver's `hello` states {value!r} for `{name}`; a time is a number of seconds")
    return hello
