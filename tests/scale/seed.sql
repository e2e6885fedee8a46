-- A vendor with a million users in ten thousand companies, the first of which has two hundred thousand, some years into it.
CREATE FUNCTION pg_temp.id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (to_hex(kind) || lpad(to_hex(n), 31, '0'))::uuid $$;
-- Keys are right as they are.
SET session_replication_role = replica;

INSERT INTO companies (id, external_id, name, time_zone, enforcement_date, revision, reconciled_revision)
SELECT pg_temp.id(1, n), 'company-' || n, 'Company ' || n, 'Europe/Berlin', '2027-01-15', 2, CASE WHEN n % 1000 = 0 THEN 1 ELSE 2 END
FROM generate_series(1, 10000) AS n;

INSERT INTO users (id, external_id, email, name, payee, mfa_enrolled_at, mfa_method, mfa_required_at, email_status, reviewed)
SELECT pg_temp.id(2, n), 'user-' || n, 'user' || n || '@example.com', 'User ' || n, n % 50 = 0,
    CASE WHEN n % 2 = 0 THEN timestamptz '2026-05-01T09:00:00Z' END, CASE WHEN n % 2 = 0 THEN 'authenticator' END,
    CASE WHEN n % 2 = 0 THEN timestamptz '2026-06-01T00:00:00Z' END,
    CASE WHEN n % 200 = 0 THEN 'bounced' ELSE 'ok' END, n % 5000 <> 0
FROM generate_series(1, 1000000) AS n;

INSERT INTO memberships (company_id, user_id, role, joined_at, exempt_until, exempt_reason, exempt_by, require_at, reviewed, reviewed_as)
SELECT pg_temp.id(1, CASE WHEN n <= 200000 THEN 1 ELSE 2 + n % 9999 END), pg_temp.id(2, n),
    CASE WHEN n % 40 = 0 THEN 'admin' ELSE 'member' END, '2026-01-01T00:00:00Z',
    CASE WHEN n % 300 = 0 THEN timestamptz '2027-03-01T00:00:00Z' END, CASE WHEN n % 300 = 0 THEN 'away' END,
    CASE WHEN n % 300 = 0 THEN 'admin' END,
    CASE WHEN n % 150 = 0 THEN timestamptz '2027-02-01T00:00:00Z' END, n % 5000 <> 0, 'subject'
FROM generate_series(1, 1000000) AS n;

-- Each company has had three dates: the first was moved, the second is in force, the third is to come.
INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at,
    closed_at, flipped_at, reported, report_at)
SELECT pg_temp.id(3, n), pg_temp.id(1, 1 + n % 10000), '2027-01-15', 'Europe/Berlin', 'Europe/Berlin',
    timestamptz '2027-01-14T23:00:00Z' + n % 365 * interval '1 day',
    CASE n / 10000 WHEN 0 THEN 'superseded' WHEN 1 THEN 'in_force' ELSE CASE WHEN n % 100 = 0 THEN 'held' ELSE 'scheduled' END END,
    'admin', '2026-01-01T00:00:00Z', CASE WHEN n < 10000 THEN timestamptz '2026-02-01T00:00:00Z' END,
    CASE WHEN n / 10000 = 1 THEN timestamptz '2026-06-01T00:00:00Z' END, n < 20000, '2027-01-04T08:00:00Z'
FROM generate_series(0, 29999) AS n;

INSERT INTO milestones (id, enforcement_id, kind, days_before, due_at, state)
SELECT pg_temp.id(4, n * 6 + k), pg_temp.id(3, n),
    CASE k WHEN 0 THEN 'announcement' WHEN 5 THEN 'final_reminder' ELSE 'reminder' END,
    CASE WHEN k BETWEEN 1 AND 4 THEN k * 7 END, timestamptz '2027-01-01T08:00:00Z' + n % 365 * interval '1 day',
    CASE WHEN n < 20000 OR n % 365 < 2 THEN 'expanded' ELSE 'pending' END
FROM generate_series(0, 29999) AS n, generate_series(0, 5) AS k;

INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, state, skip_reason, attempts, next_attempt_at, mail_id, told_at,
    claimed_by, claimed_until)
SELECT pg_temp.id(5, n), 'reminder', pg_temp.id(4, 60000 + n % 60000), pg_temp.id(3, 10000 + n % 10000), pg_temp.id(2, n),
    timestamptz '2026-05-01T08:00:00Z' + n % 200 * interval '1 day',
    CASE WHEN n % 200 = 0 THEN 'pending' WHEN n % 2000 = 1 THEN 'sending' WHEN n % 100 = 3 THEN 'failed' WHEN n % 100 = 4 THEN 'skipped' ELSE 'sent' END,
    CASE WHEN n % 100 = 4 THEN 'enrolled' END, 1, timestamptz '2026-05-01T08:00:00Z' + n % 200 * interval '1 day',
    CASE WHEN n % 200 <> 0 THEN pg_temp.id(6, n) END, '2026-06-01T00:00:00Z',
    CASE WHEN n % 2000 = 1 THEN pg_temp.id(7, n) END, CASE WHEN n % 2000 = 1 THEN timestamptz '2027-01-01T00:00:00Z' END
FROM generate_series(1, 1000000) AS n;

INSERT INTO mails (id, user_id, address, locale, message_id, state, maybe_received, sent_day, attempted_at, sent_at, server_reply, content_sha256)
SELECT pg_temp.id(6, n), pg_temp.id(2, n), 'user' || n || '@example.com', 'en', '<' || n || '@example.com>',
    CASE WHEN n % 100 = 3 THEN 'failed' WHEN n % 2000 = 1 THEN 'sending' ELSE 'sent' END, n % 100 <> 3,
    date '2026-05-01' + (n % 200)::int, timestamptz '2026-05-01T08:00:00Z' + n % 200 * interval '1 day',
    timestamptz '2026-05-01T08:00:00Z' + n % 200 * interval '1 day', '250 2.0.0 Ok', repeat('0', 64)
FROM generate_series(1, 1000000) AS n;

INSERT INTO mail_history (id, mail_id, at, attempt, outcome, reply)
SELECT pg_temp.id(7, n), pg_temp.id(6, n), '2026-05-01T08:00:00Z', 1, 'deferred', '450 4.2.0 later'
FROM generate_series(1, 1000000, 5) AS n;

INSERT INTO requirements (user_id, enforcement_id, required_at, cleared_at)
SELECT pg_temp.id(2, n), pg_temp.id(3, 10000 + n % 10000), '2026-06-01T00:00:00Z',
    CASE WHEN n % 100 = 0 THEN timestamptz '2026-07-01T00:00:00Z' END
FROM generate_series(2, 1000000, 2) AS n;

INSERT INTO audit_events (seq, at, actor, action, company_id, subject, detail, prev_hash, hash)
SELECT n, '2026-05-01T08:00:00Z', 'daemon', 'chunk_required', pg_temp.id(1, 1 + n % 10000), pg_temp.id(3, n % 30000)::text,
    '{"users": 5000}', repeat('0', 64), repeat('1', 64)
FROM generate_series(1, 1000000) AS n;
UPDATE audit_head SET seq = 1000000, hash = repeat('1', 64);

INSERT INTO admin_mails (id, kind, company_id, enforcement_id, user_id, cause, due_at, state, attempts, next_attempt_at, sent_at)
SELECT pg_temp.id(8, n), 'digest', pg_temp.id(1, 1 + n % 10000), pg_temp.id(3, 10000 + n % 10000), pg_temp.id(2, 40 * (1 + n % 25000)),
    'day-' || n, '2026-05-01T08:00:00Z', CASE WHEN n % 1000 = 0 THEN 'pending' ELSE 'sent' END, 1, '2026-05-01T08:00:00Z',
    '2026-05-01T08:00:00Z'
FROM generate_series(1, 200000) AS n;

SET session_replication_role = DEFAULT;
ANALYZE;
