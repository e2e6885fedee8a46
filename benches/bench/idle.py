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
# What runs at the start, and the first ticks: each of the daemon's connections, which take turns, plans its statements once. Where
# one has come to its turn only while ticks were measured, the next ones are measured instead, so often at most.
WARM_UP_SECONDS = 30
WINDOWS_MOST = 5
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
    """What a tick costs, by the names of the costs; the one to be told first, first."""
    name = make_template(bench, store, users)
    with Daemon(bench, store.url(name), {"schedule.tick": "1s"}) as daemon:
        time.sleep(WARM_UP_SECONDS)
        for _ in range(WINDOWS_MOST):
            costs = measure_window(store, name, daemon)
            if not costs.get("planning_ms"):
                break
        daemon.must_be_content()
    return costs


def measure_window(store, name, daemon):
    """What a tick costs in the next ticks."""
    if store.name == "postgres":
        store.server.run("postgres", f"SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = '{name}'), 0)")
    cpu, began = daemon.cpu_nanoseconds(), time.monotonic()
    time.sleep(TICKS)
    cpu, seconds = daemon.cpu_nanoseconds() - cpu, time.monotonic() - began
    costs = of_database(store, name) if store.name == "postgres" else {}
    return {**costs, "cpu_ms": cpu / 1e6 / seconds}


def of_database(store, name):
    """What the server spent, and on how many statements, by the number of ticks that it saw."""
    tasks = int(store.value(name, TASKS))
    planning, execution, statements, runs = store.server.value("postgres", f"""SELECT sum(total_plan_time), sum(total_exec_time),
        sum(calls), sum(calls) FILTER (WHERE query LIKE '%INSERT INTO task_runs%')
        FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = '{name}'
            AND query <> '{TASKS}'""").split("|")
    if not runs or int(runs) < tasks:
        raise BenchError("no tick came while it was measured")
    ticks = int(runs) / tasks
    planning, execution = float(planning) / ticks, float(execution) / ticks
    return {"database_ms": planning + execution, "execution_ms": execution, "planning_ms": planning,
            "statements": int(statements) / ticks}


def measure(bench):
    for store in bench.stores():
        most = bench.options.users_most if store.name == "postgres" else min(SQLITE_MOST, bench.options.users_most)
        sizes = dict(bench.sizes([users for users in USERS if users <= max(most, USERS[0])]))
        found = {size: [] for size in sizes.values()}

        def turn(users, size, store=store, found=found):
            def measured():
                found[size].append(measure_ticks(bench, store, users))
                return next(iter(found[size][-1].values()))

            return measured

        interleaved(bench, f"d {store.name}", {size: turn(users, size) for users, size in sizes.items()})
        tell(bench, store, found)


def tell(bench, store, found):
    """Makes figures of the costs, and of how they grow from the smallest database on."""
    smallest = next(iter(found))
    for what in next((costs[0] for costs in found.values() if costs), {}):
        name = f"d.{store.name}.{what}_per_tick"
        for size, costs in found.items():
            values = [one[what] for one in costs]
            bench.results.series(f"{name}.{size}", "" if what == "statements" else "ms", values)
            # What is planned once is nothing in most ticks: that grows from nothing, or to nothing.
            if size != smallest and what != "planning_ms":
                bench.results.ratio(f"{name}.{size}_per_{smallest}", values, [one[what] for one in found[smallest]])
