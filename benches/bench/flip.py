"""(c) Making accounts required, with the records of it, against a plain UPDATE of the same rows, and against the rows' own limit."""

from . import seed
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved
from .setwise import Watched

FLIPPED = "SELECT flipped_at IS NOT NULL FROM enforcements WHERE company_id IS NOT NULL"


def template_name(users, companies=1):
    return f"to_flip_{users}_of_{companies}"


def make_template(bench, store, users, companies=1):
    """Companies whose date is a month ahead, with so many members in all; its name."""
    name = template_name(users, companies)
    if bench.is_new(store, name):
        plan = seed.Plan(companies=companies, users=users, days_ahead=30, reminder="expanded")
        seed.template(bench, store, name, seed.people(store, companies, users, f"'{seed.instant(plan.enforce_at)[:10]}'"),
                      seed.enforcements(store, plan))
    return name


def flip(bench, store, users):
    """Seconds from the beginning of the first chunk until `flipped_at` is committed."""
    store.clone(make_template(bench, store, users), "flip")
    with Daemon(bench, store.url("flip"), {"schedule.tick": "1s"}) as daemon:
        # Now, and not before: at its start the daemon computes the instant from the date again.
        now = seed.instant(seed.now())
        watched = Watched(store, "flip", daemon, FLIPPED, "enforcements", "company_id IS NOT NULL")
        store.execute("flip", f"UPDATE enforcements SET enforce_at = '{now}' WHERE state = 'scheduled'")
        ended = watched.end(bench.options.patience)
        bench.note_memory("flip", store, daemon)
        daemon.must_be_content()
    began = float(store.value("flip", f"SELECT {store.epoch('min(required_at)')} FROM requirements"))
    required = int(store.value("flip", """SELECT count(*) FROM users AS u JOIN requirements AS r ON r.user_id = u.id
        WHERE u.mfa_required_at = r.required_at AND u.reviewed"""))
    if required != users:
        raise BenchError(f"{required} users are required, not {users}")
    store.drop("flip")
    return ended - began


def plain_update(bench, store, users):
    """Seconds of the UPDATE alone, without triggers, on a copy of the table with its indexes; leaves the database."""
    store.clone(make_template(bench, store, users), "update")
    store.without_triggers("update", "users")
    return store.seconds("update", f"UPDATE users SET mfa_required_at = '{seed.instant(seed.now())}'")


def limit(bench, store, users):
    """Seconds of the UPDATE and of one INSERT of each account's record: the same rows cannot be written faster."""
    return plain_update(bench, store, users) + store.seconds("update", """INSERT INTO requirements (user_id, enforcement_id, required_at)
        SELECT u.id, e.id, u.mfa_required_at FROM users AS u CROSS JOIN enforcements AS e WHERE e.company_id IS NOT NULL""")


def measure(bench):
    for users, size in bench.sizes((100_000, 1_000_000)):
        for store in bench.stores():
            def turn(what, store=store, users=users):
                return lambda: what(bench, store, users)

            contestants = {"flip": turn(flip), "update": turn(plain_update), "limit": turn(limit)}
            values = interleaved(bench, f"c {store.name} {size}", contestants)
            for name, of_one in values.items():
                bench.results.series(f"c.{store.name}.{size}.{name}", "s", of_one)
            bench.results.ratio(f"c.{store.name}.{size}.flip_per_update", values["flip"], values["update"])
            bench.results.ratio(f"c.{store.name}.{size}.flip_per_limit", values["flip"], values["limit"])
            store.drop("update")
            bench.drop_template(store, template_name(users))
