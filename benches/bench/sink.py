"""The mail server that takes everything, and the fastest sender there is: Postfix's smtp-sink and smtp-source."""

import os
import re
import time

from . import processes
from .processes import BenchError


class Sink:
    """`smtp-sink`, which counts what it takes."""

    def __init__(self, folder):
        self.port = processes.free_port()
        self.counter = os.path.join(folder, "smtp-sink.out")
        self.child = None

    def start(self):
        as_nobody = [] if os.geteuid() else ["-u", "nobody"]
        command = ["/usr/sbin/smtp-sink", "-c", *as_nobody, "-m", "512", f"127.0.0.1:{self.port}", "1024"]
        with open(self.counter, "wb") as out:
            self.child = processes.start(command, cwd="/", stdout=out, stderr=out)
        processes.wait_for_port(self.port, self.child)
        return self

    def stop(self):
        processes.stop(self.child)

    def messages(self):
        """How many messages it has taken."""
        with open(self.counter, "rb") as out:
            out.seek(max(0, os.path.getsize(self.counter) - 4096))
            counts = re.findall(rb"mesg=(\d+)", out.read())
        return int(counts[-1]) if counts else 0


def source(port, message, count, sessions=20):
    """Sends one message again and again by `smtp-source -d`: messages a second."""
    command = ["/usr/sbin/smtp-source", "-d", "-4", "-N", "-s", str(sessions), "-m", str(count), "-F", message,
               f"127.0.0.1:{port}"]
    started = time.perf_counter()
    processes.run(command, timeout=600)
    return count / (time.perf_counter() - started)


def must_have_taken(sink, before, count):
    """The sink's own count agrees."""
    taken = sink.messages() - before
    if taken != count:
        raise BenchError(f"the sink took {taken} messages, not {count}")
