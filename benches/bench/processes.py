"""Programs that the bench starts: stopped whatever happens, on free loopback ports, and looked at in /proc."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

STOP_SECONDS = 20
_started = []


class BenchError(Exception):
    """A measurement that could not be made, and why."""


# Whatever can keep a measurement from being made: the others go on.
FAILURES = (BenchError, sqlite3.Error, subprocess.SubprocessError, OSError, ValueError, LookupError, ArithmeticError)


def start(command, **options):
    """Starts a program that ends with the bench. In a session of its own: Ctrl-C is the bench's, which stops it in order."""
    child = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)
    _started.append(child)
    return child


def stop(child, by=signal.SIGTERM):
    """Ends a program, by force if it does not listen."""
    if child.poll() is None:
        child.send_signal(by)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    forget(child)


def forget(child):
    """It has ended."""
    if child in _started:
        _started.remove(child)


def run(command, timeout=600, **options):
    """Runs a program to its end; its output, or an error with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[0]} did not end within {timeout} s") from error
    if done.returncode != 0:
        raise BenchError(f"{os.path.basename(command[0])} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


@atexit.register
def _stop_all():
    for child in reversed(list(_started)):
        stop(child)


def end_in_order_on_signals():
    """A signal ends the bench as an exception does: everything that was started is stopped."""

    def end(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)


def temporary_folder():
    """A folder for one run, gone with it, that other users can pass through: PostgreSQL refuses to run as root."""
    folder = tempfile.mkdtemp(prefix="mfa-enforcer-bench-")
    os.chmod(folder, 0o711)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def unprivileged(command):
    """The command as PostgreSQL's user, where the bench runs as root."""
    return command if os.geteuid() else ["runuser", "-u", "postgres", "--", *command]


def give_to_postgres(path):
    if not os.geteuid():
        entry = pwd.getpwnam("postgres")
        os.chown(path, entry.pw_uid, entry.pw_gid)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for_port(port, child, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.poll() is not None:
            raise BenchError(f"{child.args[0]} ended with {child.returncode} at its start")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise BenchError(f"{child.args[0]} does not listen on its port")


def memory(pid):
    """Resident memory now and at its highest, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def cpu_nanoseconds(pid):
    """What all of its threads have run for; /proc/PID/stat counts in hundredths of a second, too coarse for a tick."""
    spent = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
            spent += int(schedstat.read().split()[0])
    return spent
