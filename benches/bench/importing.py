"""(f) Importing users from a file, against COPY of the same file into a bare table."""

import csv
import os

from .processes import BenchError
from .results import interleaved

COLUMNS = ["external_id", "email", "name", "locale", "time_zone", "country", "company", "role"]
COMPANIES = 100


def write_files(bench, users):
    folder = bench.new_folder("import")
    companies, people = os.path.join(folder, "companies.csv"), os.path.join(folder, "users.csv")
    with open(companies, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["external_id", "name", "time_zone", "locale"])
        writer.writerows([f"c{i}", f"Company {i}", "Europe/Berlin", "de"] for i in range(COMPANIES))
    with open(people, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            [f"u{i}", f"user{i}@c{i % COMPANIES}.test", f"José User {i}", "de", "Europe/Berlin", "DE", f"c{i % COMPANIES}",
             "admin" if i < COMPANIES else "member"] for i in range(users))
    return companies, people


def import_users(bench, companies, people, users):
    """Seconds of the whole command, from its start to its end."""
    store = bench.postgres
    store.create("import")
    bench.command(store.url("import"), ["migrate"])
    bench.command(store.url("import"), ["import", "companies", companies])
    store.server.settle()
    seconds, peak = bench.command(store.url("import"), ["import", "users", people])
    bench.note_peak("import", store, peak)
    imported = int(store.value("import", "SELECT count(*) FROM users AS u JOIN memberships AS m ON m.user_id = u.id"))
    if imported != users:
        raise BenchError(f"{imported} users were imported, not {users}")
    store.drop("import")
    return seconds


def copy(bench, people):
    store = bench.postgres
    store.create("copy")
    store.execute("copy", f"CREATE TABLE bare ({', '.join(f'{column} text' for column in COLUMNS)})")
    store.server.settle()
    seconds = store.server.seconds("copy", f"\\copy bare FROM '{people}' WITH (FORMAT csv, HEADER true)")
    store.drop("copy")
    return seconds


def measure(bench):
    for users, size in bench.sizes((1_000_000,)):
        companies, people = write_files(bench, users)
        contestants = {"import": lambda: import_users(bench, companies, people, users), "copy": lambda: copy(bench, people)}
        values = interleaved(bench, f"f {size}", contestants)
        for name, of_one in values.items():
            bench.results.series(f"f.{size}.{name}", "s", of_one)
        bench.results.ratio(f"f.{size}.import_per_copy", values["import"], values["copy"])
        os.remove(people)
