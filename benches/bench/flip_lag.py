"""(h) How long after the instant accounts become required, where a thousand companies are due at the same midnight."""

import time
from datetime import timedelta

from . import flip, seed
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved
from .store import wait_until

COMPANIES, MEMBERS = 1000, 1000
AHEAD_SECONDS = 3


def lags(bench, tick):
    """Seconds from the instant until the first account and until the last."""
    store, users = bench.postgres, min(COMPANIES * MEMBERS, bench.options.users_most)
    store.clone(flip.make_template(bench, store, users, COMPANIES), "lag")
    with Daemon(bench, store.url("lag"), {"schedule.tick": tick}) as daemon:
        # Now, and not before: at its start the daemon computes the instant from the date again.
        at = seed.instant(seed.now() + timedelta(seconds=AHEAD_SECONDS))
        store.execute("lag", f"UPDATE enforcements SET enforce_at = '{at}' WHERE state = 'scheduled'")
        time.sleep(AHEAD_SECONDS)
        done = "SELECT NOT EXISTS (SELECT 1 FROM enforcements WHERE flipped_at IS NULL)"
        wait_until(store, "lag", done, bench.options.patience, daemons=[daemon])
        bench.note_memory("flip_of_many_companies", store, daemon)
        daemon.must_be_content()
    committed = "pg_xact_commit_timestamp(xmin)"
    early, first, last, required = store.value("lag", f"""SELECT count(*) FILTER (WHERE required_at < '{at}'),
        {store.epoch(f"min({committed}) - CAST('{at}' AS timestamptz)")},
        {store.epoch(f"max({committed}) - CAST('{at}' AS timestamptz)")}, count(*) FROM requirements""").split("|")
    if int(early) or int(required) != users:
        raise BenchError(f"{required} of {users} accounts are required, {early} of them too early")
    store.drop("lag")
    return float(first), float(last)


def measure(bench):
    firsts, lasts = [], []

    def turn():
        first, last = lags(bench, "10s")
        firsts.append(first)
        lasts.append(last)
        return last

    interleaved(bench, "h", {"last": turn})
    bench.results.series("h.lag.first", "s", firsts)
    bench.results.series("h.lag.last", "s", lasts)
    # The tick comes first; this is the work.
    bench.results.series("h.lag.first_to_last", "s", [last - first for first, last in zip(firsts, lasts)])
    bench.drop_template(bench.postgres, flip.template_name(min(COMPANIES * MEMBERS, bench.options.users_most), COMPANIES))
