"""When a daemon has ended a piece of set-wise work, to the millisecond and without disturbing it."""

import sqlite3
import time
from contextlib import closing

from .processes import BenchError
from .store import wait_until


class Watched:
    """Work whose end is seen in one row."""

    def __init__(self, store, name, daemon, done, table, row):
        self.store, self.name, self.daemon, self.done, self.table, self.row = store, name, daemon, done, table, row

    def end(self, patience):
        """Waits for it; when it was committed, in seconds since 1970."""
        if self.store.name == "postgres":
            # The server knows, so that it need not be asked often.
            wait_until(self.store, self.name, self.done, patience, daemons=[self.daemon])
            committed = self.store.epoch("pg_xact_commit_timestamp(xmin)")
            return float(self.store.value(self.name, f"SELECT {committed} FROM {self.table} WHERE {self.row}"))
        # Readers do not hold up the writer of a WAL, and one row by its key costs next to nothing.
        with closing(sqlite3.connect(f"file:{self.store.path(self.name)}?mode=ro", uri=True, timeout=30)) as connection:
            until = time.monotonic() + patience
            while not connection.execute(self.done).fetchone()[0]:
                self.daemon.must_live()
                if time.monotonic() > until:
                    raise BenchError(f"not done within {patience} s: {self.done}")
                time.sleep(0.005)
            return time.time()
