-- A vendor with three large companies, whose notices had all been sent, and whose members had been looked at, when the tables
-- were looked at last.
SET session_replication_role = replica;
INSERT INTO companies (id, external_id, name, time_zone, enforcement_date)
SELECT gen_random_uuid(), 'company-' || n, 'Company ' || n, 'Europe/Berlin', '2027-01-15' FROM generate_series(1, 3) AS n;
INSERT INTO enforcements (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
SELECT gen_random_uuid(), id, '2027-01-15', 'Europe/Berlin', 'Europe/Berlin', '2027-01-14T23:00:00Z', 'scheduled', 'cli',
    '2026-11-01T00:00:00Z'
FROM companies;
INSERT INTO milestones (id, enforcement_id, kind, due_at, state)
SELECT gen_random_uuid(), id, 'announcement', '2026-11-10T00:00:00Z', 'expanded' FROM enforcements;
INSERT INTO users (id, external_id, email, name)
SELECT gen_random_uuid(), 'user-' || n, 'user' || n || '@example.com', 'User ' || n FROM generate_series(1, 20000) AS n;
INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, next_attempt_at, state)
SELECT gen_random_uuid(), 'announcement', s.id, s.enforcement_id, u.id, s.due_at, s.due_at, 'sent'
FROM milestones AS s CROSS JOIN users AS u;
INSERT INTO memberships (company_id, user_id, reviewed) SELECT c.id, u.id, true FROM companies AS c CROSS JOIN users AS u;
UPDATE users SET reviewed = true;
ANALYZE;
UPDATE notices SET state = 'pending';
UPDATE memberships SET reviewed = false;
