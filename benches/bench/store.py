"""The two databases that the daemon runs on, behind the few things that measurements ask of them."""

import os
import shutil
import sqlite3
import time
from contextlib import closing

from .processes import BenchError


class PostgresStore:
    """Databases on the bench's server."""

    name = "postgres"

    def __init__(self, server):
        self.server = server

    def url(self, name):
        return self.server.url(name)

    def create(self, name):
        self.server.create(name)

    def clone(self, template, name):
        """A fresh copy, with nothing left to be written by anybody else."""
        self.server.create(name, template)
        self.server.settle()

    def drop(self, name):
        self.server.drop(name)

    def seal(self, name):
        """Makes a template of it: statistics are there, and no row is looked at for the first time."""
        self.server.run(name, "VACUUM (ANALYZE, FREEZE)")

    def execute(self, name, *statements):
        self.server.run(name, "BEGIN;\n" + ";\n".join(statements) + ";\nCOMMIT;\n")

    def fill(self, name, *statements):
        """Makes rows whose references are known to be right: unchecked, which is most of the time."""
        self.execute(name, "SET LOCAL session_replication_role = replica", *statements)

    def value(self, name, sql):
        return self.server.value(name, sql)

    def seconds(self, name, sql):
        self.server.settle()
        return self.server.seconds(name, sql)

    def without_triggers(self, name, table):
        self.execute(name, f"ALTER TABLE {table} DISABLE TRIGGER USER")

    def empty(self, name, table):
        self.execute(name, f"TRUNCATE {table}")

    @staticmethod
    def id(kind, number):
        """An id that grows with its number, as the daemon's own do."""
        return f"CAST('01900000-0000-7000-{kind}-' || lpad(to_hex({number}), 12, '0') AS uuid)"

    @staticmethod
    def series(count):
        return f"generate_series(0::bigint, {count - 1}) AS s(i)"

    @staticmethod
    def epoch(expression):
        """Seconds since 1970 of an instant."""
        return f"EXTRACT(EPOCH FROM {expression})"


class SqliteStore:
    """Files in the bench's folder, opened as the daemon opens them."""

    name = "sqlite"

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, f"{name}.db")

    def url(self, name):
        return f"sqlite://{self.path(name)}"

    def connect(self, name):
        connection = sqlite3.connect(self.path(name), timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def create(self, name):
        self.drop(name)

    def clone(self, template, name):
        self.drop(name)
        shutil.copyfile(self.path(template), self.path(name))
        os.sync()

    def drop(self, name):
        for ending in ("", "-wal", "-shm", ".lock"):
            if os.path.exists(self.path(name) + ending):
                os.remove(self.path(name) + ending)

    def seal(self, name):
        with closing(self.connect(name)) as connection:
            connection.execute("ANALYZE")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fill(self, name, *statements):
        """Makes rows whose references are known to be right, unchecked."""
        self.execute(name, *statements, references=False)

    def execute(self, name, *statements, references=True):
        with closing(self.connect(name)) as connection:
            connection.execute(f"PRAGMA foreign_keys = {references}")
            # Python's SQLite may be older than the daemon's, and take a NULL for invalid JSON. (Timed statements keep the checks.)
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")

    def value(self, name, sql):
        with closing(self.connect(name)) as connection:
            row = connection.execute(sql).fetchone()
            return "" if row is None or row[0] is None else str(row[0])

    def seconds(self, name, sql):
        os.sync()
        with closing(self.connect(name)) as connection:
            started = time.perf_counter()
            connection.execute(sql)
            return time.perf_counter() - started

    def without_triggers(self, name, table):
        with closing(self.connect(name)) as connection:
            triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table])
            for (trigger,) in triggers.fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")

    def empty(self, name, table):
        """Without a trace of what was there."""
        with closing(self.connect(name)) as connection:
            connection.execute(f"DELETE FROM {table}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @staticmethod
    def id(kind, number):
        return f"printf('01900000-0000-7000-{kind}-%012x', {number})"

    @staticmethod
    def series(count):
        return f"(WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {count - 1}) SELECT i FROM s) AS s"

    @staticmethod
    def epoch(expression):
        return f"(julianday({expression}) - 2440587.5) * 86400.0"


def wait_until(store, name, sql, seconds, every=0.5, daemons=(), worth_asking=lambda: True):
    """Waits until a query gives 1; asks seldom, and only where it is worth asking, so as not to disturb."""
    until = time.monotonic() + seconds
    while not worth_asking() or store.value(name, sql) not in ("1", "t"):
        for daemon in daemons:
            daemon.must_live()
            daemon.must_be_content()
        if time.monotonic() > until:
            raise BenchError(f"not done within {seconds} s: {sql}")
        time.sleep(every)
