"""(f) Importing users from a file, against COPY of the same file into a bare table, and against the tables' own limit."""

import csv
import os

from . import seed
from .processes import BenchError
from .results import interleaved

COLUMNS = ["external_id", "email", "name", "locale", "time_zone", "country", "company", "role"]
COMPANIES = 100
# What the import leaves in the tables, made within the database by one statement from a bare table of the file. Ids grow,
# as the daemon's own do, which is kinder to indexes than random ones.
INTO_THE_TABLES = """
    WITH made AS MATERIALIZED (SELECT {id} AS id, * FROM (SELECT row_number() OVER () AS i, * FROM bare) AS numbered),
    users_made AS (
        INSERT INTO users (id, external_id, email, name, locale, time_zone, country)
        SELECT id, external_id, email, name, locale, time_zone, country FROM made)
    INSERT INTO memberships (company_id, user_id, role)
    SELECT c.id, made.id, made.role FROM made JOIN companies AS c ON c.external_id = made.company"""


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
    with_companies(bench, "import", companies)
    store.server.settle()
    seconds, peak = bench.command(store.url("import"), ["import", "users", people])
    bench.note_peak("import", store, peak)
    must_have(store, "import", users)
    store.drop("import")
    return seconds


def with_companies(bench, name, companies):
    """A database with the companies alone."""
    bench.postgres.create(name)
    bench.command(bench.postgres.url(name), ["migrate"])
    bench.command(bench.postgres.url(name), ["import", "companies", companies])


def must_have(store, name, users):
    found = int(store.value(name, "SELECT count(*) FROM users AS u JOIN memberships AS m ON m.user_id = u.id"))
    if found != users:
        raise BenchError(f"there are {found} users with a membership, not {users}")


def copy(bench, name, people):
    """Seconds of COPY into a new bare table."""
    bench.postgres.execute(name, f"CREATE TABLE bare ({', '.join(f'{column} text' for column in COLUMNS)})")
    bench.postgres.server.settle()
    return bench.postgres.server.seconds(name, f"\\copy bare FROM '{people}' WITH (FORMAT csv, HEADER true)")


def copy_alone(bench, people):
    bench.postgres.create("copy")
    seconds = copy(bench, "copy", people)
    bench.postgres.drop("copy")
    return seconds


def copy_into_the_tables(bench, companies, people, users):
    """Seconds of COPY and of one statement from there into the tables with their indexes, keys and triggers: what one connection can do."""
    store = bench.postgres
    with_companies(bench, "limit", companies)
    seconds = copy(bench, "limit", people)
    store.execute("limit", "ANALYZE bare")
    seconds += store.seconds("limit", INTO_THE_TABLES.format(id=store.id(seed.USER, "i")))
    must_have(store, "limit", users)
    store.drop("limit")
    return seconds


def measure(bench):
    for users, size in bench.sizes((1_000_000,)):
        companies, people = write_files(bench, users)
        contestants = {
            "import": lambda: import_users(bench, companies, people, users),
            "copy": lambda: copy_alone(bench, people),
            "limit": lambda: copy_into_the_tables(bench, companies, people, users),
        }
        values = interleaved(bench, f"f {size}", contestants)
        for name, of_one in values.items():
            bench.results.series(f"f.{size}.{name}", "s", of_one)
        bench.results.ratio(f"f.{size}.import_per_copy", values["import"], values["copy"])
        bench.results.ratio(f"f.{size}.import_per_limit", values["import"], values["limit"])
        os.remove(people)
