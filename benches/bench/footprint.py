"""(g) What the daemon is when nothing is due: memory, CPU, time to its start, size. (Memory at work comes from the others.)"""

import os
import time

from . import idle, processes
from .daemon import Daemon

REST_SECONDS = 20


def stripped_size(bench):
    """Bytes of the program without symbols, however it was built."""
    stripped = os.path.join(bench.new_folder("stripped"), "mfa-enforcer")
    processes.run(["strip", "-o", stripped, bench.binary])
    return os.path.getsize(stripped)


def starts(bench, store, users, size):
    """Milliseconds from the start of the process until it tells that it is ready, and until /readyz does."""
    name = idle.make_template(bench, store, users)
    told, answered = [], []
    for _ in range(bench.options.rounds):
        with Daemon(bench, store.url(name)) as daemon:
            told.append(daemon.seconds_to_ready * 1000)
            until = time.monotonic() + 60
            while not daemon.answers_ready() and time.monotonic() < until:
                time.sleep(0.005)
            answered.append((time.perf_counter() - daemon.started) * 1000)
    bench.results.series(f"g.{store.name}.ready_ms.{size}", "ms", told)
    bench.results.series(f"g.{store.name}.readyz_ms.{size}", "ms", answered)


def rest(bench, store, users, size):
    """Memory and CPU at the default tick."""
    name = idle.make_template(bench, store, users)
    seconds = 3 if bench.options.quick else REST_SECONDS
    resident, highest, busy = [], [], []
    for _ in range(bench.options.rounds):
        with Daemon(bench, store.url(name)) as daemon:
            time.sleep(2)
            cpu, began = daemon.cpu_nanoseconds(), time.monotonic()
            time.sleep(seconds)
            busy.append((daemon.cpu_nanoseconds() - cpu) / 1e9 / (time.monotonic() - began) * 100)
            now, most = daemon.memory()
            resident.append(now)
            highest.append(most)
            daemon.must_be_content()
        bench.say(f"g {store.name} {size}: {resident[-1]:.1f} MB, {busy[-1]:.3f} % CPU")
    bench.results.series(f"g.{store.name}.rest_mb.{size}", "MB", resident)
    bench.results.series(f"g.{store.name}.rest_highest_mb.{size}", "MB", highest)
    bench.results.series(f"g.{store.name}.rest_cpu_percent.{size}", "%", busy)


def measure(bench):
    bench.results.series("g.binary_mb", "MB", [stripped_size(bench) / 1e6])
    for store in bench.stores():
        most = idle.USERS[-1] if store.name == "postgres" else idle.SQLITE_MOST
        for users, size in bench.sizes((idle.USERS[0], most)):
            starts(bench, store, users, size)
        # What may grow with them shows where they are most.
        rest(bench, store, users, size)
