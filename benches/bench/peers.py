"""(b) Notices a second, against what a vendor would otherwise use to send them from a database: benches/peers/."""

import os
import re

from . import delivery, processes, requirements, sink
from .processes import BenchError
from .results import interleaved
from .workshop import TOP

# Slow enough that fewer will do.
MESSAGES_MOST = 5000
FOLDER = os.path.join(TOP, "benches", "peers")
# Processes, threads of each, batch, and whether to render when it is sent: as it comes, and as it is fastest.
DJANGO = {"default": ["1", "5", "100", "0"], "tuned": ["4", "5", "1000", "0"]}
# Connections, and whether each row is marked by itself.
NODE = {"default": ["5", "row"], "tuned": ["40", "batch"]}


def run_peer(bench, command, database, count):
    """Messages a second, as the peer says; all are marked as sent, and the sink has them."""
    bench.server.create(database)
    bench.server.settle()
    before = bench.sink.messages()
    environment = {"PATH": os.environ["PATH"], "PGPORT": str(bench.server.port), "PGUSER": "postgres",
                   "SMTP_PORT": str(bench.sink.port), "NODE_PATH": os.path.join(requirements.PEERS, "node_modules"),
                   "HOME": bench.folder}
    said = processes.run(command, env=environment, cwd=bench.folder)
    found = re.search(r"([\d.]+) msg/s;.* sent rows (\d+)", said)
    if not found or int(found[2]) != count:
        raise BenchError(f"the peer has not sent {count} messages: {said}")
    sink.must_have_taken(bench.sink, before, count)
    bench.server.drop(database)
    return float(found[1])


def measure(bench):
    count = min(bench.options.count, MESSAGES_MOST)
    python = requirements.ensure_peers()

    def django(options):
        command = [python, os.path.join(FOLDER, "django_post_office.py"), "pg", str(count), *options]
        return lambda: run_peer(bench, command, "dj", count)

    def node(options):
        command = ["node", os.path.join(FOLDER, "nodemailer.js"), str(count), *options]
        return lambda: run_peer(bench, command, "nd", count)

    contestants = {
        "daemon.default": lambda: delivery.deliver(bench, bench.postgres, bench.options.count),
        "daemon.tuned": lambda: delivery.deliver(bench, bench.postgres, bench.options.count, delivery.TUNED),
        **{f"django_post_office.{name}": django(options) for name, options in DJANGO.items()},
        **{f"nodemailer.{name}": node(options) for name, options in NODE.items()},
    }
    values = interleaved(bench, "b", contestants)
    for name, of_one in values.items():
        bench.results.series(f"b.{name}", "messages/s", of_one)
    for peer in ("django_post_office", "nodemailer"):
        for name in ("default", "tuned"):
            bench.results.ratio(f"b.daemon_per_{peer}.{name}", values[f"daemon.{name}"], values[f"{peer}.{name}"])
