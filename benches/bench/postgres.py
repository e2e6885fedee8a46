"""A private PostgreSQL with default durability, and databases in it that are made from templates."""

import os
import re
import subprocess
import time
from pathlib import Path

from . import processes
from .processes import BenchError

# The same for all contestants. Durability stays as it is by default: fsync, synchronous_commit and full_page_writes on.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "1GB",
    # A checkpoint in the middle of one contestant's turn would be luck.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    # When exactly the last row was committed, without asking while it is measured.
    "track_commit_timestamp": "on",
    "shared_preload_libraries": "pg_stat_statements",
    # Switched on for the one measurement that reads it.
    "pg_stat_statements.track": "none",
    # Not the daemon's: the bench's own bulk loads.
    "maintenance_work_mem": "512MB",
}


SMALL_BYTES = 200_000_000


def programs():
    """The folder of the newest PostgreSQL server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise BenchError("there is no PostgreSQL server")
    return found[-1].parent


class Postgres:
    """The server. Statements are run by psql, so that nothing but Python and PostgreSQL is needed."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgres")
        os.mkdir(self.folder)
        processes.give_to_postgres(self.folder)
        self.port = processes.free_port()
        self.child = None

    def start(self):
        data = os.path.join(self.folder, "data")
        command = [str(programs() / "initdb"), f"--pgdata={data}", "--username=postgres", "--auth=trust",
                   "--encoding=UTF8", "--locale=C.UTF-8"]
        processes.run(processes.unprivileged(command), cwd=self.folder)
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [str(programs() / "postgres"), "-D", data, "-p", str(self.port), *settings]
        with open(os.path.join(os.path.dirname(self.folder), "postgres.log"), "wb") as log:
            self.child = processes.start(processes.unprivileged(command), cwd=self.folder, stdout=log, stderr=log)
        processes.wait_for_port(self.port, self.child, 60)
        until = time.monotonic() + 60
        while True:
            try:
                return self.run("postgres", "CREATE EXTENSION pg_stat_statements")
            except BenchError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def stop(self):
        processes.stop(self.child)

    def version(self):
        return self.run("postgres", "SHOW server_version").strip()

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def command(self, database):
        return ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
                f"--dbname={self.url(database)}"]

    def run(self, database, sql, timeout=3600):
        """Runs statements; what they print, columns with | between them."""
        command = [*self.command(database), "--file=-"]
        try:
            done = subprocess.run(command, input=sql, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"a statement took more than {timeout} s: {sql[:200]}") from error
        if done.returncode != 0:
            raise BenchError(f"PostgreSQL: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def value(self, database, sql):
        return self.run(database, sql).strip()

    def seconds(self, database, sql):
        """How long one statement takes, its commit included, as psql measures it."""
        printed = self.run(database, f"\\timing on\n{sql};\n")
        times = re.findall(r"^Time: ([\d.]+) ms", printed, re.MULTILINE)
        if len(times) != 1:
            raise BenchError(f"psql measured {len(times)} statements, not one")
        return float(times[0]) / 1000

    def create(self, database, template="template0"):
        self.drop(database)
        # A small one page by page, which needs no checkpoints; a large one by copying its files.
        small = int(self.value("postgres", f"SELECT pg_database_size('{template}') < {SMALL_BYTES}") == "t")
        strategy = ("", "") if int(self.version().split(".")[0]) < 15 else (" STRATEGY file_copy", " STRATEGY wal_log")
        self.run("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}"{strategy[small]}')

    def drop(self, database):
        self.run("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def settle(self):
        """Everything written before is on the disk, so that nobody pays for another's work."""
        self.run("postgres", "CHECKPOINT")
