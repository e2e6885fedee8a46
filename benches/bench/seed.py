"""The rows that measurements start from, written with plain SQL as a vendor's application would."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

COMPANY, USER, ENFORCEMENT, NOTICE, MAIL = "9000", "8000", "a000", "b000", "c000"
WELCOME, ANNOUNCEMENT, REMINDER, NOW_REQUIRED = "a001", "a002", "a003", "a004"
DAYS_BEFORE = 14


def instant(at):
    """As both databases read it; text order is time order."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now():
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Plan:
    """Companies with one date each, and a single reminder 14 days before it."""

    companies: int
    users: int
    days_ahead: int
    reminder: str  # the state of its milestone

    @property
    def enforce_at(self):
        today = now().replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=self.days_ahead)


def people(store, companies, users, date="NULL"):
    """Companies and their members, whom the daemon has looked at already."""
    long_ago = instant(now() - timedelta(days=400))
    company_of = f"(i * {companies} / {users})"
    return [
        f"""INSERT INTO companies (id, external_id, name, time_zone, locale, enforcement_date, notice_days, revision, reconciled_revision)
            SELECT {store.id(COMPANY, "i")}, 'c' || i, 'Company ' || i, 'UTC', 'en', {date}, '[{DAYS_BEFORE}]', 1, 1
            FROM {store.series(companies)}""",
        f"""INSERT INTO users (id, external_id, email, name, locale, country, reviewed)
            SELECT {store.id(USER, "i")}, 'u' || i, 'user' || i || '@c' || {company_of} || '.test', 'José User ' || i, 'en', 'US', true
            FROM {store.series(users)}""",
        f"""INSERT INTO memberships (company_id, user_id, role, joined_at, reviewed, reviewed_as)
            SELECT {store.id(COMPANY, company_of)}, {store.id(USER, "i")}, 'member', '{long_ago}', true, 'subject'
            FROM {store.series(users)}""",
    ]


def enforcements(store, plan):
    """For each company the enforcement and milestones that the daemon would plan for its date: it finds nothing to change.

    No warning and no mail to admins is due, so that a measurement is of one thing.
    """
    at, made = instant(plan.enforce_at), instant(now() - timedelta(days=6))
    series = store.series(plan.companies)

    def milestone(kind, name, days, due, state):
        return f"""INSERT INTO milestones (id, enforcement_id, kind, days_before, due_at, state)
            SELECT {store.id(kind, "i")}, {store.id(ENFORCEMENT, "i")}, '{name}', {days}, '{instant(due)}', '{state}' FROM {series}"""

    # As domain::schedule::expand_reminder_at has it, where notices.send_at is 09:00.
    reminder_at = plan.enforce_at + timedelta(hours=9 - 3) - timedelta(days=DAYS_BEFORE + 1)
    return [
        f"""INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by,
                created_at, warned_days, reported)
            SELECT {store.id(ENFORCEMENT, "i")}, {store.id(COMPANY, "i")}, '{at[:10]}', 'UTC', 'UTC', '{at}', 'scheduled', 'sql',
                '{made}', 1, true FROM {series}""",
        milestone(WELCOME, "welcome", "NULL", now() - timedelta(days=6), "expanded"),
        milestone(ANNOUNCEMENT, "announcement", "NULL", now() - timedelta(days=6), "expanded"),
        milestone(REMINDER, "reminder", DAYS_BEFORE, reminder_at, plan.reminder),
        milestone(NOW_REQUIRED, "now_required", "NULL", plan.enforce_at, "pending"),
    ]


def announced(store, plan):
    """Everybody has been sent the announcement, six days ago."""
    at = now() - timedelta(days=6)
    company_of = f"(i * {plan.companies} / {plan.users})"
    return [
        f"""INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at, sent_at,
                server_reply, content_sha256)
            SELECT {store.id(MAIL, "i")}, {store.id(USER, "i")}, 'user' || i || '@c' || {company_of} || '.test', 'en',
                '<' || i || '@bench.test>', 'sent', true, '{at:%Y-%m-%d}', '{instant(at)}', '{instant(at)}', '250 2.0.0 Ok',
                '{"0" * 64}' FROM {store.series(plan.users)}""",
        f"""INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, attempts, next_attempt_at, mail_id, told_at)
            SELECT {store.id(NOTICE, "i")}, 'announcement', {store.id(ANNOUNCEMENT, company_of)}, {store.id(ENFORCEMENT, company_of)},
                {store.id(USER, "i")}, '{instant(at)}', 'sent', 1, '{instant(at)}', {store.id(MAIL, "i")}, '{instant(plan.enforce_at)}'
            FROM {store.series(plan.users)}""",
    ]


def due_reminders(store, plan):
    """Everybody's reminder is due since a minute ago."""
    at = instant(now() - timedelta(minutes=1))
    company_of = f"(i * {plan.companies} / {plan.users})"
    return [
        f"""INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, next_attempt_at)
            SELECT {store.id(NOTICE, f"i + {plan.users}")}, 'reminder', {store.id(REMINDER, company_of)},
                {store.id(ENFORCEMENT, company_of)}, {store.id(USER, "i")}, '{at}', '{at}' FROM {store.series(plan.users)}"""
    ]


def template(bench, store, name, *groups):
    """A database with the current schema and these rows, from which others are cloned."""
    store.create(name)
    bench.command(store.url(name), ["migrate"])
    for statements in groups:
        store.fill(name, *statements)
    store.seal(name)
