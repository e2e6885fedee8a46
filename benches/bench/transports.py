"""(t) Notices a second where mails are signed, where the line is encrypted, and where it is slow."""

import contextlib
import os
import sys

from . import delay_proxy, delivery, processes
from .results import interleaved

ROUND_TRIP_MS = 20
# A slow line takes long.
SLOW_LINE_MOST = 2000
STUNNEL = """
foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[server]
protocol = smtp
accept = 127.0.0.1:{tls}
connect = 127.0.0.1:{sink}
cert = {folder}/cert.pem
key = {folder}/key.pem
[client]
client = yes
protocol = smtp
accept = 127.0.0.1:{plain}
connect = 127.0.0.1:{tls}
"""


@contextlib.contextmanager
def encrypted(bench):
    """An end with STARTTLS before the sink; its port, that of a way to it for programs without TLS, and the authority's file."""
    folder, tls, plain = bench.new_folder("tls"), processes.free_port(), processes.free_port()
    processes.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                   "-addext", "basicConstraints=critical,CA:FALSE",
                   "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"])
    config = os.path.join(folder, "stunnel.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(STUNNEL.format(tls=tls, plain=plain, sink=bench.sink.port, folder=folder))
    with open(os.path.join(folder, "log"), "wb") as log:
        child = processes.start(["stunnel4", config], stdout=log, stderr=log)
    try:
        for port in (tls, plain):
            processes.wait_for_port(port, child)
        yield tls, plain, f"{folder}/cert.pem"
    finally:
        processes.stop(child)


@contextlib.contextmanager
def slow_line(bench):
    """The port of a line to the sink that takes 20 ms for a round trip."""
    port = processes.free_port()
    child = processes.start([sys.executable, os.path.abspath(delay_proxy.__file__), str(port), str(bench.sink.port), str(ROUND_TRIP_MS)])
    try:
        processes.wait_for_port(port, child)
        yield port
    finally:
        processes.stop(child)


def signing(bench):
    """Settings to sign mails with an Ed25519 key."""
    key = os.path.join(bench.new_folder("dkim"), "key.pem")
    processes.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    return {"notices.dkim_keys": [f"bench:{key}"]}


def measure(bench):
    count, store = bench.options.count, bench.postgres
    slow = min(count, SLOW_LINE_MOST)
    dkim = signing(bench)
    plain, signed = delivery.real_message(bench, store), delivery.real_message(bench, store, dkim)
    with encrypted(bench) as (tls, tls_for_all, authority), slow_line(bench) as slow_port:
        tls_settings = {"smtp.url": f"smtp://localhost:{tls}", "smtp.tls": "required", "smtp.ca_file": authority}
        contestants = {
            "plain.smtp_source": lambda: delivery.smtp_source(bench, plain, count),
            "plain.daemon": lambda: delivery.deliver(bench, store, count),
            "dkim.smtp_source": lambda: delivery.smtp_source(bench, signed, count),
            "dkim.daemon": lambda: delivery.deliver(bench, store, count, dkim),
            "tls.smtp_source": lambda: delivery.smtp_source(bench, plain, count, tls_for_all),
            "tls.daemon": lambda: delivery.deliver(bench, store, count, tls_settings),
            "latency.smtp_source": lambda: delivery.smtp_source(bench, plain, slow, slow_port),
            "latency.daemon": lambda: delivery.deliver(bench, store, slow, port=slow_port),
        }
        values = interleaved(bench, "t", contestants)
    for name, of_one in values.items():
        bench.results.series(f"t.{name}", "messages/s", of_one)
    for way in ("plain", "dkim", "tls", "latency"):
        bench.results.ratio(f"t.{way}.daemon_per_smtp_source", values[f"{way}.daemon"], values[f"{way}.smtp_source"])
