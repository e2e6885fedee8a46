"""(e) Making the notices of a milestone, against the bare INSERT of the same rows."""

from . import seed
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved
from .setwise import Watched

EXPANDED = "SELECT state = 'expanded' FROM milestones WHERE kind = 'reminder'"


def make_template(bench, store, users):
    name = f"to_expand_{users}"
    if bench.is_new(store, name):
        plan = seed.Plan(companies=1, users=users, days_ahead=30, reminder="pending")
        seed.template(bench, store, name, seed.people(store, 1, users, f"'{seed.instant(plan.enforce_at)[:10]}'"),
                      seed.enforcements(store, plan))
    return name


def expand(bench, store, users):
    """Seconds from the beginning of the first chunk until the milestone is expanded; leaves the database."""
    store.clone(make_template(bench, store, users), "expand")
    with Daemon(bench, store.url("expand"), {"schedule.tick": "1s"}) as daemon:
        # The milestone is due now, its notices only in two weeks: nothing is sent meanwhile.
        now = seed.instant(seed.now())
        watched = Watched(store, "expand", daemon, EXPANDED, "milestones", "kind = 'reminder'")
        store.execute("expand", f"UPDATE milestones SET due_at = '{now}' WHERE kind = 'reminder'")
        ended = watched.end(bench.options.patience)
        bench.note_memory("expand", store, daemon)
        daemon.must_be_content()
    began = float(store.value("expand", f"SELECT {store.epoch('min(at)')} FROM audit_events WHERE action = 'milestone_expanded'"))
    made = int(store.value("expand", "SELECT count(*) FROM notices WHERE state = 'pending'"))
    if made != users:
        raise BenchError(f"{made} notices were made, not {users}")
    return ended - began


def bare_insert(store):
    """Seconds of inserting what the daemon has just made, into the same table, emptied, with its indexes."""
    store.execute("expand", "CREATE TABLE made AS SELECT * FROM notices")
    store.empty("expand", "notices")
    seconds = store.seconds("expand", "INSERT INTO notices SELECT * FROM made")
    store.drop("expand")
    return seconds


def measure(bench):
    for users, size in bench.sizes((1_000_000,)):
        for store in bench.stores():
            def turn(what, *arguments):
                return lambda: what(*arguments)

            contestants = {"expand": turn(expand, bench, store, users), "insert": turn(bare_insert, store)}
            values = interleaved(bench, f"e {store.name} {size}", contestants)
            for name, of_one in values.items():
                bench.results.series(f"e.{store.name}.{size}.{name}", "s", of_one)
            bench.results.ratio(f"e.{store.name}.{size}.expand_per_insert", values["expand"], values["insert"])
            bench.drop_template(store, f"to_expand_{users}")
