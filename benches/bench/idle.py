"""(d) What a tick costs when nothing is due, with few and with many users; and the template that (g) rests on."""

import time

from . import seed
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved

USERS = (10_000, 1_000_000, 10_000_000)
# An SQLite file of more users than this takes longer to make than to learn from.
SQLITE_MOST = 1_000_000
MEMBERS = 1000
TICKS = 12
# What runs at the start, and the first ticks, which prepare their statements.
WARM_UP_SECONDS = 3
TASKS = "SELECT count(*) FROM task_runs"


def template_name(users):
    return f"idle_{users}"


def make_template(bench, store, users):
    """Companies of a thousand members, all with a date that is two months ahead; its name."""
    name = template_name(users)
    if bench.is_new(store, name):
        plan = seed.Plan(companies=max(1, users // MEMBERS), users=users, days_ahead=60, reminder="pending")
        seed.template(bench, store, name, *[[statement] for statement in (
            *seed.people(store, plan.companies, users, f"'{seed.instant(plan.enforce_at)[:10]}'"),
            *seed.enforcements(store, plan))])
        if store.name == "postgres":
            for setting in ("track = 'top'", "track_planning = 'on'"):
                store.execute(name, f"ALTER DATABASE \"{name}\" SET pg_stat_statements.{setting}")
    return name


def measure_ticks(bench, store, users):
    """A tick's cost: (the database's milliseconds, its statements, the daemon's CPU in milliseconds)."""
    name = make_template(bench, store, users)
    with Daemon(bench, store.url(name), {"schedule.tick": "1s"}) as daemon:
        time.sleep(WARM_UP_SECONDS)
        if store.name == "postgres":
            store.server.run("postgres", f"SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = '{name}'), 0)")
        cpu, began = daemon.cpu_nanoseconds(), time.monotonic()
        time.sleep(TICKS)
        cpu, seconds = daemon.cpu_nanoseconds() - cpu, time.monotonic() - began
        spent, statements = database_cost(store, name) if store.name == "postgres" else (None, None)
        daemon.must_be_content()
    return spent, statements, cpu / 1e6 / seconds


def database_cost(store, name):
    """What the server spent on planning and executing, and for how many statements, by the number of ticks that it saw."""
    tasks = int(store.value(name, TASKS))
    spent, statements, runs = store.server.value("postgres", f"""SELECT sum(total_plan_time + total_exec_time), sum(calls),
        sum(calls) FILTER (WHERE query LIKE '%INSERT INTO task_runs%')
        FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = '{name}'
            AND query <> '{TASKS}'""").split("|")
    if not runs or int(runs) < tasks:
        raise BenchError("no tick came while it was measured")
    ticks = int(runs) / tasks
    return float(spent) / ticks, int(statements) / ticks


def measure(bench):
    for store in bench.stores():
        most = bench.options.users_most if store.name == "postgres" else min(SQLITE_MOST, bench.options.users_most)
        sizes = dict(bench.sizes([users for users in USERS if users <= max(most, USERS[0])]))
        of_database, of_statements, of_daemon = ({size: [] for size in sizes.values()} for _ in range(3))

        def turn(users, size, store=store, of_database=of_database, of_statements=of_statements, of_daemon=of_daemon):
            def measured():
                spent, statements, cpu = measure_ticks(bench, store, users)
                of_daemon[size].append(cpu)
                if spent is None:
                    return cpu
                of_database[size].append(spent)
                of_statements[size].append(statements)
                return spent

            return measured

        interleaved(bench, f"d {store.name}", {size: turn(users, size) for users, size in sizes.items()})
        for what, unit, values in (("database_ms_per_tick", "ms", of_database), ("statements_per_tick", "", of_statements),
                                   ("cpu_ms_per_tick", "ms", of_daemon)):
            smallest = next(iter(values))
            for size, of_one in values.items():
                bench.results.series(f"d.{store.name}.{what}.{size}", unit, of_one)
                if size != smallest and of_one:
                    bench.results.ratio(f"d.{store.name}.{what}.{size}_per_{smallest}", of_one, values[smallest])
