"""(a) Notices a second from the table to the mail server and back into the table, against the fastest sender there is."""

import contextlib
import os

from . import seed, sink
from .daemon import Daemon
from .processes import BenchError
from .results import interleaved
from .store import wait_until

# By default there are as many connections as smtp-source gets.
TUNED = {"smtp.max_connections": 40}
NOTHING_DUE = """SELECT NOT EXISTS (SELECT 1 FROM notices WHERE state = 'pending' AND next_attempt_at <= '{now}')
    AND NOT EXISTS (SELECT 1 FROM notices WHERE state = 'sending')"""


def make_template(bench, store, count):
    """`count` members of up to 100 companies, who know their date and are due a reminder of it; its name."""
    name = f"due_{count}"
    if bench.is_new(store, name):
        plan = seed.Plan(companies=min(100, count), users=count, days_ahead=seed.DAYS_BEFORE, reminder="expanded")
        seed.template(bench, store, name,
                      seed.people(store, plan.companies, plan.users, f"'{seed.instant(plan.enforce_at)[:10]}'"),
                      seed.enforcements(store, plan), seed.announced(store, plan), seed.due_reminders(store, plan))
    return name


def real_message(bench, store, settings=None):
    """A file with one mail that the daemon wrote, byte for byte but for what is each reader's own."""
    name = make_template(bench, store, 1)
    folder = bench.new_folder("message")
    store.clone(name, "one")
    bench.command(store.url("one"), ["run", "--once", "--accept-backlog"], {**(settings or {}), "smtp.url": f"file:{folder}"})
    store.drop("one")
    mails = [entry for entry in os.listdir(folder) if entry.endswith(".eml")]
    if len(mails) != 1:
        raise BenchError(f"the daemon wrote {len(mails)} mails, not one")
    path = os.path.join(folder, mails[0])
    with open(path, "rb") as mail:
        content = mail.read()
    with open(path, "wb") as mail:
        # smtp-source writes the ends of lines itself.
        mail.write(content.replace(b"\r\n", b"\n"))
    bench.say(f"a mail has {len(content)} bytes")
    return path


def deliver(bench, store, count, settings=None, daemons=1, port=None):
    """Lets the daemon send `count` due notices: notices a second, from the beginning of the first claim until the recording of
    the last outcomes began, as the tables have it."""
    template = make_template(bench, store, count)
    store.clone(template, "deliver")
    before, began = bench.sink.messages(), seed.instant(seed.now())
    settings = {"smtp.url": f"smtp://127.0.0.1:{port or bench.sink.port}", **(settings or {})}
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(contextlib.closing(Daemon(bench, store.url("deliver"), settings)))
                   for _ in range(daemons)]
        for daemon in running:
            daemon.launch()
        for daemon in running:
            daemon.wait_until_ready()
        # The query goes through all that the claims left behind in the indexes: some hundredths of the work to be measured.
        wait_until(store, "deliver", NOTHING_DUE.format(now=seed.instant(seed.now())), 600, daemons=running,
                   worth_asking=lambda: bench.sink.messages() - before >= count)
        for daemon in running:
            bench.note_memory("delivery", store, daemon)
            daemon.must_be_content()
    sink.must_have_taken(bench.sink, before, count)
    check(store, count, began)
    first = f"(SELECT min(attempted_at) FROM mails WHERE attempted_at >= '{began}')"
    recorded = "(SELECT max(at) FROM audit_events WHERE action = 'notices_sent')"
    seconds = float(store.value("deliver", f"SELECT {store.epoch(recorded)} - {store.epoch(first)}"))
    store.drop("deliver")
    return count / seconds


def check(store, count, began):
    """Every notice is sent, by one mail to each reader."""
    sent = store.value("deliver", "SELECT count(*) FROM notices WHERE kind = 'reminder' AND state = 'sent' AND attempts = 1")
    mails = store.value("deliver", f"SELECT count(DISTINCT user_id) FROM mails WHERE state = 'sent' AND attempted_at >= '{began}'")
    rows = store.value("deliver", f"SELECT count(*) FROM mails WHERE attempted_at >= '{began}'")
    if not int(sent) == int(mails) == int(rows) == count:
        raise BenchError(f"of {count} notices {sent} are sent at the first attempt, in {rows} mails to {mails} people")


def measure(bench):
    count, postgres, sqlite = bench.options.count, bench.postgres, bench.sqlite
    message = real_message(bench, postgres)
    contestants = {
        "smtp_source": lambda: smtp_source(bench, message, count),
        "postgres": lambda: deliver(bench, postgres, count),
        "postgres_tuned": lambda: deliver(bench, postgres, count, TUNED),
        "sqlite": lambda: deliver(bench, sqlite, count),
        "sqlite_tuned": lambda: deliver(bench, sqlite, count, TUNED),
    }
    chosen = bench.chosen(contestants, postgres=["postgres", "postgres_tuned"], sqlite=["sqlite", "sqlite_tuned"])
    values = interleaved(bench, "a", chosen)
    for name, of_one in values.items():
        bench.results.series(f"a.{name}", "messages/s", of_one)
    for name in ("postgres", "postgres_tuned", "sqlite", "sqlite_tuned"):
        if name in values:
            bench.results.ratio(f"a.{name}.daemon_per_smtp_source", values[name], values["smtp_source"])


def smtp_source(bench, message, count, port=None):
    before = bench.sink.messages()
    rate = sink.source(port or bench.sink.port, message, count)
    sink.must_have_taken(bench.sink, before, count)
    return rate
