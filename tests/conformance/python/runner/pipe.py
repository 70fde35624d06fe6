"""A driver, as a process that reads and writes lines of JSON."""

import json
import subprocess


class DriverError(Exception):
    pass


class Pipe:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.log = None

    def send(self, message):
        line = json.dumps(message)
        if self.log:
            self.log(f"  > {line}")
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise DriverError(f"the driver has ended; the last message was {line}")
        if self.log:
            self.log(f"  < {answer.rstrip()}")
        reply = json.loads(answer)
        if "error" in reply:
            raise DriverError(reply["error"])
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Drivers:
    """One driver for each process of a scenario. They are started when they are needed, and used again."""

    def __init__(self, command):
        self.command = command
        self.pipes = []
        self.hello = self.pipe(0).send({"do": "hello", "protocol": 1})

    def pipe(self, index):
        while len(self.pipes) <= index:
            self.pipes.append(Pipe(self.command))
        return self.pipes[index]

    def restart(self):
        """After an error nothing is known about the state of the drivers."""
        self.close()

    def close(self):
        for pipe in self.pipes:
            pipe.close()
        self.pipes = []
