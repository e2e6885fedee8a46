-- The tables of the MFA enforcement scheduler, for PostgreSQL 13 or newer. sqlite/0001_initial.sql has the same tables.
-- The vendor's dates and instants lie in the years 2 to 9998, so that there is room to compute with them: infinity is none.

CREATE TABLE companies (
    id uuid PRIMARY KEY,
    external_id text UNIQUE,                                     -- the vendor's own key
    name text NOT NULL,
    time_zone text NOT NULL,                                     -- IANA name; judged when a date is planned
    locale text NOT NULL DEFAULT 'en',                           -- BCP 47
    mfa_available boolean NOT NULL DEFAULT true,                 -- MFA is rolled out to companies step by step
    enforcement_date date CHECK (enforcement_date BETWEEN '0002-01-01' AND '9998-12-31'), -- from this day on, in time_zone; null: no date
    enforcement_set_by text,                                     -- who set it, for people to read
    notice_days jsonb,                                           -- days before, such as [30,7,1]; null: notices.days_before
    new_member_grace_days bigint CHECK (new_member_grace_days BETWEEN 0 AND 365), -- null: enforcement.new_member_grace_days
    support_contact text,                                        -- whom readers may ask
    revision bigint NOT NULL DEFAULT 1,                          -- raised by a trigger when a column that matters changes
    reconciled_revision bigint NOT NULL DEFAULT 0                -- the revision that the daemon last acted on
);
CREATE INDEX companies_unreconciled ON companies (id) WHERE revision > reconciled_revision;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    external_id text UNIQUE,                                     -- the vendor's own key
    email text NOT NULL,                                         -- where notices go; not unique
    name text NOT NULL,
    locale text,                                                 -- BCP 47; null: the company's
    time_zone text,                                              -- IANA name; null or unknown: the company's
    country text,                                                -- ISO 3166-1 alpha-2; null: unknown
    kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
    active boolean NOT NULL DEFAULT true,
    sso boolean NOT NULL DEFAULT false,                          -- signs in through the company's identity provider
    payee boolean NOT NULL DEFAULT false,                        -- receives payments
    mfa_enrolled_at timestamptz CHECK (mfa_enrolled_at BETWEEN '0002-01-01T00:00:00Z' AND '9998-12-31T23:59:59.999999Z'), -- null: not enrolled
    mfa_method text CHECK (mfa_method IN ('authenticator', 'sms')),
    mfa_required_at timestamptz CHECK (mfa_required_at BETWEEN '0002-01-01T00:00:00Z' AND '9998-12-31T23:59:59.999999Z'), -- the earliest uncleared requirement's; the daemon's to write
    email_status text NOT NULL DEFAULT 'ok' CHECK (email_status IN ('ok', 'bounced')),
    reviewed boolean NOT NULL DEFAULT false                      -- false: the daemon has yet to look
);
CREATE INDEX users_email ON users (lower(email));
CREATE INDEX users_unreviewed ON users (id) WHERE NOT reviewed;

CREATE TABLE memberships (
    company_id uuid NOT NULL REFERENCES companies ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    joined_at timestamptz CHECK (joined_at BETWEEN '0002-01-01T00:00:00Z' AND '9998-12-31T23:59:59.999999Z'), -- null: when the daemon first sees it
    exempt_until timestamptz CHECK (exempt_until BETWEEN '0002-01-01T00:00:00Z' AND '9998-12-31T23:59:59.999999Z'), -- left out of the company's enforcement until then
    exempt_reason text,
    exempt_by text,
    require_at timestamptz CHECK (require_at BETWEEN '0002-01-01T00:00:00Z' AND '9998-12-31T23:59:59.999999Z'), -- not required before; the daemon's to write
    reviewed boolean NOT NULL DEFAULT false,                     -- false: the daemon has yet to look
    reviewed_as text CHECK (reviewed_as IN ('subject', 'left_out')), -- what the daemon found when it looked last; null: it never has
    PRIMARY KEY (company_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
CREATE INDEX memberships_unreviewed ON memberships (company_id, user_id) WHERE NOT reviewed;
CREATE INDEX memberships_exempt ON memberships (exempt_until) WHERE exempt_until IS NOT NULL;
CREATE INDEX memberships_require_at ON memberships (require_at) WHERE require_at IS NOT NULL;

-- History keeps plain ids without foreign keys: proof outlives what was deleted.
CREATE TABLE enforcements (
    id uuid PRIMARY KEY,
    company_id uuid,                                             -- null: the payee mandate
    enforcement_date date NOT NULL,                              -- copy of the company's, from which it was planned
    time_zone text NOT NULL,                                     -- copy of the company's, from which it was planned
    planned_time_zone text NOT NULL,                             -- the known zone its instants were computed in
    enforce_at timestamptz NOT NULL,                             -- the first instant of the date
    state text NOT NULL CHECK (state IN ('scheduled', 'in_force', 'held', 'cancelled', 'superseded', 'reverted')),
    notice_overridden boolean NOT NULL DEFAULT false,            -- somebody allowed less than the minimum notice
    set_by text NOT NULL,                                        -- a person, or sql
    created_at timestamptz NOT NULL,
    closed_at timestamptz,                                       -- when it was cancelled, superseded or reverted
    reason text,                                                 -- why it is held, or a person's words
    flip_cursor uuid,                                            -- the last member that the flip has been through
    flipped_at timestamptz,                                      -- when the flip had been through all members
    company_deleted boolean NOT NULL DEFAULT false               -- set by a trigger while it is open or in force
);
CREATE UNIQUE INDEX enforcements_open ON enforcements (company_id) WHERE state IN ('scheduled', 'held');
CREATE UNIQUE INDEX enforcements_in_force ON enforcements (company_id) WHERE state = 'in_force';
CREATE INDEX enforcements_due ON enforcements (enforce_at) WHERE state = 'scheduled';
CREATE INDEX enforcements_flipping ON enforcements (id) WHERE state = 'in_force' AND flipped_at IS NULL;
CREATE INDEX enforcements_orphaned ON enforcements (id) WHERE company_deleted AND state IN ('scheduled', 'held', 'in_force');
CREATE INDEX enforcements_company ON enforcements (company_id, created_at);

CREATE TABLE milestones (
    id uuid PRIMARY KEY,
    enforcement_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('announcement', 'reminder', 'final_reminder', 'now_required', 'cancelled', 'welcome')),
    days_before bigint,                                         -- of a reminder
    due_at timestamptz NOT NULL,                                 -- when to make its notices
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'expanded', 'dropped')),
    cursor uuid                                                  -- the last member that has been through
);
CREATE UNIQUE INDEX milestones_once ON milestones (enforcement_id, kind, COALESCE(days_before, 0));
CREATE INDEX milestones_due ON milestones (due_at) WHERE state = 'pending';
CREATE INDEX milestones_unexpanded ON milestones (enforcement_id, due_at) WHERE state = 'pending';

CREATE TABLE notices (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('announcement', 'reminder', 'final_reminder', 'now_required', 'rescheduled', 'cancelled', 'welcome')),
    milestone_id uuid NOT NULL,
    enforcement_id uuid NOT NULL,
    user_id uuid NOT NULL,
    due_at timestamptz NOT NULL,                                 -- when to send it, in the reader's zone
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'skipped')),
    skip_reason text,
    attempts bigint NOT NULL DEFAULT 0,                         -- how often sending it has begun
    next_attempt_at timestamptz NOT NULL,                        -- due_at, or later after a refusal
    claimed_by uuid,                                             -- unique for each claim: fences its outcome
    claimed_until timestamptz,                                   -- when the claim lapses
    mail_id uuid,                                                -- the mail that carries it
    told_at timestamptz,                                         -- when MFA becomes required, as that mail told it
    UNIQUE (milestone_id, user_id)
);
CREATE INDEX notices_due ON notices (next_attempt_at, user_id) WHERE state = 'pending';
CREATE INDEX notices_claimed ON notices (claimed_until) WHERE state = 'sending';
CREATE INDEX notices_open ON notices (enforcement_id) WHERE state = 'pending';
CREATE INDEX notices_user ON notices (user_id);

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    address text NOT NULL,
    locale text NOT NULL,
    message_id text NOT NULL,                                    -- RFC 5322; one for all attempts
    state text NOT NULL CHECK (state IN ('sending', 'sent', 'deferred', 'failed')),
    maybe_received boolean NOT NULL,                             -- sent, being sent, or of unknown outcome
    sent_day date NOT NULL,                                      -- the reader's local day of the last attempt
    attempted_at timestamptz NOT NULL,
    sent_at timestamptz,                                         -- when the server accepted it
    server_reply text,
    content_sha256 text                                          -- of the whole message as sent, in hexadecimal
);
CREATE UNIQUE INDEX mails_one_a_day ON mails (user_id, sent_day) WHERE maybe_received;

CREATE TABLE requirements (
    user_id uuid NOT NULL,
    enforcement_id uuid NOT NULL,
    required_at timestamptz NOT NULL,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX requirements_once ON requirements (user_id, enforcement_id) WHERE cleared_at IS NULL;

CREATE TABLE audit_events (
    seq bigint PRIMARY KEY,                                      -- 1, 2, 3 without a gap
    at timestamptz NOT NULL,
    actor text NOT NULL,                                         -- a person, sql, or daemon
    action text NOT NULL,
    company_id uuid,
    subject text,                                                -- the id of what it was done to
    detail jsonb NOT NULL,                                       -- ids and counts, no names or addresses
    prev_hash text NOT NULL,                                     -- hash of seq - 1
    hash text NOT NULL                                           -- SHA-256 over all of the above, in hexadecimal
);
CREATE INDEX audit_events_company ON audit_events (company_id, seq);
CREATE TABLE audit_head (
    id integer PRIMARY KEY CHECK (id = 1),
    seq bigint NOT NULL,
    hash text NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, repeat('0', 64));

CREATE TABLE task_runs (
    task text PRIMARY KEY,
    started_at timestamptz NOT NULL,                             -- of its last run
    finished_at timestamptz NOT NULL,
    last_success_at timestamptz,
    errors bigint NOT NULL DEFAULT 0,                           -- failed runs since the last success
    last_error text,
    report jsonb NOT NULL                                        -- what its last run did
);

CREATE TABLE daemon_state (
    key text PRIMARY KEY,                                        -- clock, last_instant, first_run, sso_users
    value text NOT NULL
);

-- The payee mandate: an enforcement without a company, always in force.
INSERT INTO enforcements (id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at, flipped_at)
VALUES ('00000000-0000-0000-0000-000000000001', '1970-01-01', 'UTC', 'UTC', '1970-01-01T00:00:00Z', 'in_force', 'payee mandate', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z');
INSERT INTO milestones (id, enforcement_id, kind, due_at, state)
VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'now_required', '1970-01-01T00:00:00Z', 'expanded');

-- The revision counts changes that matter. It is nobody's to write: a full-row save cannot turn it back.
CREATE FUNCTION mfa_enforcer_company_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision;
    IF (NEW.enforcement_date, NEW.time_zone, NEW.mfa_available, NEW.notice_days)
        IS DISTINCT FROM (OLD.enforcement_date, OLD.time_zone, OLD.mfa_available, OLD.notice_days) THEN
        NEW.revision := OLD.revision + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER companies_revision BEFORE UPDATE ON companies
    FOR EACH ROW EXECUTE FUNCTION mfa_enforcer_company_revision();

CREATE FUNCTION mfa_enforcer_company_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE enforcements SET company_deleted = true WHERE company_id = OLD.id AND state IN ('scheduled', 'held', 'in_force');
    RETURN OLD;
END $$;
CREATE TRIGGER companies_deleted BEFORE DELETE ON companies
    FOR EACH ROW EXECUTE FUNCTION mfa_enforcer_company_deleted();

CREATE FUNCTION mfa_enforcer_unreview() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reviewed := false;
    RETURN NEW;
END $$;
CREATE TRIGGER users_unreview BEFORE UPDATE OF payee, active, kind, sso ON users FOR EACH ROW
    WHEN ((NEW.payee, NEW.active, NEW.kind, NEW.sso) IS DISTINCT FROM (OLD.payee, OLD.active, OLD.kind, OLD.sso))
    EXECUTE FUNCTION mfa_enforcer_unreview();
-- Who un-enrolls is back on the schedule.
CREATE TRIGGER users_unenrolled BEFORE UPDATE OF mfa_enrolled_at ON users FOR EACH ROW
    WHEN (NEW.mfa_enrolled_at IS NULL AND OLD.mfa_enrolled_at IS NOT NULL)
    EXECUTE FUNCTION mfa_enforcer_unreview();
CREATE TRIGGER memberships_unreview BEFORE UPDATE OF exempt_until ON memberships FOR EACH ROW
    WHEN (NEW.exempt_until IS DISTINCT FROM OLD.exempt_until)
    EXECUTE FUNCTION mfa_enforcer_unreview();

-- Somebody else's save of mfa_required_at is one that does not agree with the requirements.
CREATE FUNCTION mfa_enforcer_required_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mfa_required_at IS DISTINCT FROM
        (SELECT min(required_at) FROM requirements WHERE user_id = NEW.id AND cleared_at IS NULL) THEN
        NEW.reviewed := false;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_required_elsewhere BEFORE UPDATE OF mfa_required_at ON users FOR EACH ROW
    WHEN (NEW.mfa_required_at IS DISTINCT FROM OLD.mfa_required_at)
    EXECUTE FUNCTION mfa_enforcer_required_elsewhere();

CREATE FUNCTION mfa_enforcer_address_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email_status := 'ok';
    RETURN NEW;
END $$;
CREATE TRIGGER users_address_changed BEFORE UPDATE OF email ON users FOR EACH ROW
    WHEN (lower(NEW.email) IS DISTINCT FROM lower(OLD.email))
    EXECUTE FUNCTION mfa_enforcer_address_changed();
