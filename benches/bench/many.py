"""(m) One, two and four daemons on one database: together they do more, and nothing twice."""

import contextlib

from . import delivery, flip, seed
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved
from .store import wait_until

DAEMONS = (1, 2, 4)
COMPANIES, MEMBERS = 100, 1000


def flip_all(bench, daemons):
    """Accounts a second that so many daemons make required, of a hundred companies due at once."""
    store, users = bench.postgres, min(COMPANIES * MEMBERS, bench.options.users_most)
    store.clone(flip.make_template(bench, store, users, COMPANIES), "flip")
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(contextlib.closing(Daemon(bench, store.url("flip"), {"schedule.tick": "1s"})))
                   for _ in range(daemons)]
        for daemon in running:
            daemon.launch()
        for daemon in running:
            daemon.wait_until_ready()
        now = seed.instant(seed.now())
        store.execute("flip", f"UPDATE enforcements SET enforce_at = '{now}' WHERE state = 'scheduled'")
        done = "SELECT NOT EXISTS (SELECT 1 FROM enforcements WHERE flipped_at IS NULL)"
        wait_until(store, "flip", done, bench.options.patience, daemons=running)
        for daemon in running:
            daemon.must_be_content()
    check_flips(store, users)
    last = store.epoch("max(pg_xact_commit_timestamp(xmin))")
    seconds = float(store.value("flip", f"""SELECT (SELECT {last} FROM enforcements WHERE company_id IS NOT NULL)
        - (SELECT {store.epoch("min(required_at)")} FROM requirements)"""))
    store.drop("flip")
    return users / seconds


def check_flips(store, users):
    """Every company was put in force once, and every account was required once, also by what the audit trail says."""
    found = store.value("flip", """SELECT (SELECT count(*) FROM audit_events WHERE action = 'enforcement_in_force') || ' '
        || (SELECT count(DISTINCT subject) FROM audit_events WHERE action = 'enforcement_in_force') || ' '
        || (SELECT sum(CAST(detail ->> 'required' AS bigint)) FROM audit_events WHERE action = 'users_required') || ' '
        || (SELECT count(*) FROM requirements) || ' ' || (SELECT count(*) FROM users WHERE mfa_required_at IS NOT NULL)""")
    if found != f"{COMPANIES} {COMPANIES} {users} {users} {users}":
        raise BenchError(f"put in force, distinct, required by the audit trail, requirements, required users: {found}")


def measure(bench):
    count, store = bench.options.count, bench.postgres

    def sending(daemons):
        return lambda: delivery.deliver(bench, store, count, daemons=daemons)

    def flipping(daemons):
        return lambda: flip_all(bench, daemons)

    values = interleaved(bench, "m sending", {f"{many}_daemons": sending(many) for many in DAEMONS})
    for name, of_one in values.items():
        bench.results.series(f"m.sending.{name}", "messages/s", of_one)
    values = interleaved(bench, "m flipping", {f"{many}_daemons": flipping(many) for many in DAEMONS})
    for name, of_one in values.items():
        bench.results.series(f"m.flipping.{name}", "accounts/s", of_one)
