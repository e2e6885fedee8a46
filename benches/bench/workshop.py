"""What all measurements work with: the servers, the databases, the binary, the options, and where results go."""

import os
import shutil
import sys
import time

from . import daemon, postgres, processes, sink, store
from .results import Results

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Workshop:
    """One run of the bench."""

    def __init__(self, options):
        self.options = options
        self.binary = os.path.abspath(options.binary)
        self.results = Results()
        self.peaks = {}
        self.folders = 0
        self.folder = processes.temporary_folder()
        self.server = postgres.Postgres(self.folder)
        self.postgres = store.PostgresStore(self.server)
        self.sqlite = store.SqliteStore(self.new_folder("sqlite"))
        self.sink = sink.Sink(self.folder)
        self.templates = set()
        self.began = time.monotonic()

    def start(self):
        self.server.start()
        self.sink.start()

    def say(self, words):
        print(f"[{time.monotonic() - self.began:6.0f} s] {words}", file=sys.stderr, flush=True)

    def new_folder(self, name):
        self.folders += 1
        path = os.path.join(self.folder, f"{name}-{self.folders}")
        os.mkdir(path)
        return path

    def command(self, url, arguments, settings=None):
        return daemon.command(self.binary, url, arguments, settings)

    def stores(self):
        return [one for one in (self.postgres, self.sqlite) if one.name in self.options.stores]

    def chosen(self, contestants, **of_store):
        """Without the contestants of a database that was not asked for."""
        without = {name for database, names in of_store.items() if database not in self.options.stores for name in names}
        return {name: turn for name, turn in contestants.items() if name not in without}

    def sizes(self, numbers):
        """How many users a measurement has, each with its short name: as many as were asked for, where that is less."""
        return {number: short(number) for number in (min(number, self.options.users_most) for number in numbers)}.items()

    def is_new(self, of, name):
        """Whether a template has yet to be made; from now on it counts as made."""
        new = (of.name, name) not in self.templates
        if new:
            self.say(f"making {of.name} template {name}")
            self.templates.add((of.name, name))
        return new

    def drop_template(self, of, name):
        if (of.name, name) in self.templates:
            of.drop(name)
            self.templates.discard((of.name, name))

    def note_memory(self, work, of, one):
        self.note_peak(work, of, one.memory()[1])

    def note_peak(self, work, of, megabytes):
        """The highest resident memory that some work has needed."""
        self.peaks.setdefault(f"g.memory.{of.name}.{work}", []).append(megabytes)

    def note_peaks(self, measurement):
        """Makes figures of the memory that one measurement's work has needed."""
        for name, peaks in self.peaks.items():
            self.results.series(f"{name}.during_{measurement}", "MB", peaks)
        self.peaks.clear()

    def close(self):
        self.server.stop()
        self.sink.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def short(number):
    for size, letter in ((1_000_000, "m"), (1000, "k")):
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return str(number)
