"""The daemon under test: started, waited for, looked at and stopped as a service manager would."""

import json
import os
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request

from . import processes
from .processes import BenchError

SLOW_STATEMENT = "slow statement: "


class Daemon:
    """One `mfa-enforcer run`."""

    def __init__(self, bench, url, settings=None, backlog=True):
        self.folder = bench.new_folder("daemon")
        self.port = processes.free_port()
        self.notify = os.path.join(self.folder, "notify")
        values = {"http.listen": f"127.0.0.1:{self.port}", **(settings or {})}
        self.environment = environment(url, values)
        self.environment["NOTIFY_SOCKET"] = self.notify
        self.command = [bench.binary, "run", *(["--accept-backlog"] if backlog else [])]
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.child = None
        self.started = None
        self.seconds_to_ready = None

    def __enter__(self):
        self.launch()
        self.wait_until_ready()
        return self

    def __exit__(self, *_):
        self.close()

    def launch(self):
        """Starts it."""
        self.told.bind(self.notify)
        self.told.settimeout(0.2)
        with open(self.log, "wb") as log:
            self.started = time.perf_counter()
            self.child = processes.start(self.command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def wait_until_ready(self, seconds=600):
        """Waits until it tells the service manager that it is ready."""
        while True:
            try:
                if b"READY=1" in self.told.recv(1024):
                    break
            except TimeoutError:
                self.must_live()
                if time.perf_counter() - self.started > seconds:
                    raise BenchError(f"the daemon is not ready after {seconds} s") from None
        self.seconds_to_ready = time.perf_counter() - self.started

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    def must_live(self):
        if self.child.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise BenchError(f"the daemon ended with {self.child.returncode}: {log.read().strip()[-1500:]}")

    def answers_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def memory(self):
        return processes.memory(self.child.pid)

    def cpu_nanoseconds(self):
        return processes.cpu_nanoseconds(self.child.pid)

    def close(self):
        """Ends it as a service manager would."""
        if self.child:
            processes.stop(self.child)
        self.told.close()

    def must_be_content(self):
        """It has logged nothing at warn level or above: what it did was what was meant to be measured.

        But for statements that take long: how long is what is measured.
        """
        with open(self.log, encoding="utf-8", errors="replace") as log:
            lines = [line for line in log.read().splitlines() if SLOW_STATEMENT not in line]
        if lines:
            raise BenchError(f"the daemon complained {len(lines)} times, first: {lines[0][:1000]}")


def environment(url, settings):
    """The settings as environment variables, and nothing of the caller's that could change them."""
    values = {
        "database.url": url,
        "smtp.url": "smtp://127.0.0.1:9",
        "notices.from": "Bench Security <security@bench.internal>",
        "notices.product_name": "Bench",
        "notices.sign_in_url": "https://login.bench.internal/sign-in",
        "notices.support_contact": "help@bench.internal",
        "telemetry.log": "warn",
        **settings,
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    for key, value in values.items():
        kept["MFA_ENFORCER__" + key.upper().replace(".", "__")] = value if isinstance(value, str) else json.dumps(value)
    return kept


def command(binary, url, arguments, settings=None, timeout=3600):
    """Runs a command of the program to its end: how many seconds it took, and its highest resident memory in MB."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = processes.start([binary, *arguments], env=environment(url, settings or {}), stdout=said, stderr=said)
        ended = threading.Timer(timeout, child.kill)
        ended.start()
        # wait4 rather than wait: it tells what the program has used.
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        ended.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        processes.forget(child)
        if child.returncode != 0:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[-1500:]
            raise BenchError(f"mfa-enforcer {' '.join(arguments)} ended with {child.returncode}: {words}")
    return seconds, usage.ru_maxrss / 1024
