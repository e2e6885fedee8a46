-- The tables of the MFA enforcement scheduler, for SQLite 3.37 or newer (STRICT). postgres/0001_initial.sql has the same
-- tables. Ids are hyphenated lower-case text, instants RFC 3339 UTC text with six decimals and Z (text order is time
-- order), dates ISO text, booleans 0 and 1. The vendor's instants may come in any ISO form: triggers below normalise them.
-- Its dates and instants lie in the years 2 to 9998, so that there is room to compute with them.

CREATE TABLE companies (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    external_id text UNIQUE, -- the vendor's own key
    name text NOT NULL,
    time_zone text NOT NULL, -- IANA name; judged when a date is planned
    locale text NOT NULL DEFAULT 'en', -- BCP 47
    mfa_available integer NOT NULL DEFAULT 1 CHECK (mfa_available IN (0, 1)), -- MFA is rolled out to companies step by step
    enforcement_date text CHECK (date(enforcement_date, '+0 days') IS enforcement_date AND substr(enforcement_date, 1, 4) BETWEEN '0002' AND '9998'), -- from this day on, in time_zone; null: no date
    enforcement_set_by text, -- who set it, for people to read
    notice_days text CHECK (notice_days IS NULL OR json_valid(notice_days)), -- days before, such as [30,7,1]; null: notices.days_before
    new_member_grace_days integer CHECK (new_member_grace_days BETWEEN 0 AND 365), -- null: enforcement.new_member_grace_days
    support_contact text, -- whom readers may ask
    revision integer NOT NULL DEFAULT 1, -- raised by a trigger when a column that matters changes
    reconciled_revision integer NOT NULL DEFAULT 0 -- the revision that the daemon last acted on
) STRICT;
CREATE INDEX companies_unreconciled ON companies (id) WHERE revision > reconciled_revision;

CREATE TABLE users (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    external_id text UNIQUE, -- the vendor's own key
    email text NOT NULL, -- where notices go; not unique
    name text NOT NULL,
    locale text, -- BCP 47; null: the company's
    time_zone text, -- IANA name; null or unknown: the company's
    country text, -- ISO 3166-1 alpha-2; null: unknown
    kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
    active integer NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    sso integer NOT NULL DEFAULT 0 CHECK (sso IN (0, 1)), -- signs in through the company's identity provider
    payee integer NOT NULL DEFAULT 0 CHECK (payee IN (0, 1)), -- receives payments
    mfa_enrolled_at text CHECK (date(substr(mfa_enrolled_at, 1, 10), '+0 days') IS substr(mfa_enrolled_at, 1, 10) AND (julianday(mfa_enrolled_at) IS NULL) = (mfa_enrolled_at IS NULL) AND substr(mfa_enrolled_at, 1, 4) BETWEEN '0002' AND '9998'), -- null: not enrolled
    mfa_method text CHECK (mfa_method IN ('authenticator', 'sms')),
    mfa_required_at text CHECK (date(substr(mfa_required_at, 1, 10), '+0 days') IS substr(mfa_required_at, 1, 10) AND (julianday(mfa_required_at) IS NULL) = (mfa_required_at IS NULL) AND substr(mfa_required_at, 1, 4) BETWEEN '0002' AND '9998'), -- the earliest uncleared requirement's; the daemon's to write
    email_status text NOT NULL DEFAULT 'ok' CHECK (email_status IN ('ok', 'bounced')),
    reviewed integer NOT NULL DEFAULT 0 CHECK (reviewed IN (0, 1)) -- false: the daemon has yet to look
) STRICT;
CREATE INDEX users_email ON users (lower(email));
CREATE INDEX users_unreviewed ON users (id) WHERE NOT reviewed;

CREATE TABLE memberships (
    company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin')),
    joined_at text CHECK (date(substr(joined_at, 1, 10), '+0 days') IS substr(joined_at, 1, 10) AND (julianday(joined_at) IS NULL) = (joined_at IS NULL) AND substr(joined_at, 1, 4) BETWEEN '0002' AND '9998'), -- null: when the daemon first sees it
    exempt_until text CHECK (date(substr(exempt_until, 1, 10), '+0 days') IS substr(exempt_until, 1, 10) AND (julianday(exempt_until) IS NULL) = (exempt_until IS NULL) AND substr(exempt_until, 1, 4) BETWEEN '0002' AND '9998'), -- left out of the company's enforcement until then
    exempt_reason text,
    exempt_by text,
    require_at text CHECK (date(substr(require_at, 1, 10), '+0 days') IS substr(require_at, 1, 10) AND (julianday(require_at) IS NULL) = (require_at IS NULL) AND substr(require_at, 1, 4) BETWEEN '0002' AND '9998'), -- not required before; the daemon's to write
    reviewed integer NOT NULL DEFAULT 0 CHECK (reviewed IN (0, 1)), -- false: the daemon has yet to look
    reviewed_as text CHECK (reviewed_as IN ('subject', 'left_out')), -- what the daemon found when it looked last; null: it never has
    PRIMARY KEY (company_id, user_id)
) STRICT;
CREATE INDEX memberships_user ON memberships (user_id);
CREATE INDEX memberships_unreviewed ON memberships (company_id, user_id) WHERE NOT reviewed;
CREATE INDEX memberships_exempt ON memberships (exempt_until) WHERE exempt_until IS NOT NULL;
CREATE INDEX memberships_require_at ON memberships (require_at) WHERE require_at IS NOT NULL;

-- History keeps plain ids without foreign keys: proof outlives what was deleted.
CREATE TABLE enforcements (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    company_id text, -- null: the payee mandate
    enforcement_date text NOT NULL CHECK (date(enforcement_date, '+0 days') IS enforcement_date), -- copy of the company's, from which it was planned
    time_zone text NOT NULL, -- copy of the company's, from which it was planned
    planned_time_zone text NOT NULL, -- the known zone its instants were computed in
    enforce_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(enforce_at, 1, 19), '+0 seconds') IS substr(enforce_at, 1, 19) AND substr(enforce_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- the first instant of the date
    state text NOT NULL CHECK (state IN ('scheduled', 'in_force', 'held', 'cancelled', 'superseded', 'reverted')),
    notice_overridden integer NOT NULL DEFAULT 0 CHECK (notice_overridden IN (0, 1)), -- somebody allowed less than the minimum notice
    set_by text NOT NULL, -- a person, or sql
    created_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(created_at, 1, 19), '+0 seconds') IS substr(created_at, 1, 19) AND substr(created_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    closed_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(closed_at, 1, 19), '+0 seconds') IS substr(closed_at, 1, 19) AND substr(closed_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when it was cancelled, superseded or reverted
    reason text, -- why it is held, or a person's words
    flip_cursor text, -- the last member that the flip has been through
    flipped_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(flipped_at, 1, 19), '+0 seconds') IS substr(flipped_at, 1, 19) AND substr(flipped_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when the flip had been through all members
    company_deleted integer NOT NULL DEFAULT 0 CHECK (company_deleted IN (0, 1)) -- set by a trigger while it is open or in force
) STRICT;
CREATE UNIQUE INDEX enforcements_open ON enforcements (company_id) WHERE state IN ('scheduled', 'held');
CREATE UNIQUE INDEX enforcements_in_force ON enforcements (company_id) WHERE state = 'in_force';
CREATE INDEX enforcements_due ON enforcements (enforce_at) WHERE state = 'scheduled';
CREATE INDEX enforcements_flipping ON enforcements (id) WHERE state = 'in_force' AND flipped_at IS NULL;
CREATE INDEX enforcements_orphaned ON enforcements (id) WHERE company_deleted AND state IN ('scheduled', 'held', 'in_force');
CREATE INDEX enforcements_company ON enforcements (company_id, created_at);

CREATE TABLE milestones (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    enforcement_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('announcement', 'reminder', 'final_reminder', 'now_required', 'cancelled', 'welcome')),
    days_before integer, -- of a reminder
    due_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(due_at, 1, 19), '+0 seconds') IS substr(due_at, 1, 19) AND substr(due_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when to make its notices
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'expanded', 'dropped')),
    cursor text -- the last member that has been through
) STRICT;
CREATE UNIQUE INDEX milestones_once ON milestones (enforcement_id, kind, COALESCE(days_before, 0));
CREATE INDEX milestones_due ON milestones (due_at) WHERE state = 'pending';
CREATE INDEX milestones_unexpanded ON milestones (enforcement_id, due_at) WHERE state = 'pending';

CREATE TABLE notices (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    kind text NOT NULL CHECK (kind IN ('announcement', 'reminder', 'final_reminder', 'now_required', 'rescheduled', 'cancelled', 'welcome')),
    milestone_id text NOT NULL,
    enforcement_id text NOT NULL,
    user_id text NOT NULL,
    due_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(due_at, 1, 19), '+0 seconds') IS substr(due_at, 1, 19) AND substr(due_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when to send it, in the reader's zone
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'skipped')),
    skip_reason text,
    attempts integer NOT NULL DEFAULT 0, -- how often sending it has begun
    next_attempt_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(next_attempt_at, 1, 19), '+0 seconds') IS substr(next_attempt_at, 1, 19) AND substr(next_attempt_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- due_at, or later after a refusal
    claimed_by text, -- unique for each claim: fences its outcome
    claimed_until text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(claimed_until, 1, 19), '+0 seconds') IS substr(claimed_until, 1, 19) AND substr(claimed_until, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when the claim lapses
    mail_id text, -- the mail that carries it
    told_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(told_at, 1, 19), '+0 seconds') IS substr(told_at, 1, 19) AND substr(told_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when MFA becomes required, as that mail told it
    UNIQUE (milestone_id, user_id)
) STRICT;
CREATE INDEX notices_due ON notices (next_attempt_at, user_id) WHERE state = 'pending';
CREATE INDEX notices_claimed ON notices (claimed_until) WHERE state = 'sending';
CREATE INDEX notices_open ON notices (enforcement_id) WHERE state = 'pending';
CREATE INDEX notices_user ON notices (user_id);

CREATE TABLE mails (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    user_id text NOT NULL,
    address text NOT NULL,
    locale text NOT NULL,
    message_id text NOT NULL, -- RFC 5322; one for all attempts
    state text NOT NULL CHECK (state IN ('sending', 'sent', 'deferred', 'failed')),
    maybe_received integer NOT NULL CHECK (maybe_received IN (0, 1)), -- sent, being sent, or of unknown outcome
    sent_day text NOT NULL CHECK (date(sent_day, '+0 days') IS sent_day), -- the reader's local day of the last attempt
    attempted_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(attempted_at, 1, 19), '+0 seconds') IS substr(attempted_at, 1, 19) AND substr(attempted_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    sent_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(sent_at, 1, 19), '+0 seconds') IS substr(sent_at, 1, 19) AND substr(sent_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when the server accepted it
    server_reply text,
    content_sha256 text -- of the whole message as sent, in hexadecimal
) STRICT;
CREATE UNIQUE INDEX mails_one_a_day ON mails (user_id, sent_day) WHERE maybe_received;

CREATE TABLE requirements (
    user_id text NOT NULL,
    enforcement_id text NOT NULL,
    required_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(required_at, 1, 19), '+0 seconds') IS substr(required_at, 1, 19) AND substr(required_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    cleared_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(cleared_at, 1, 19), '+0 seconds') IS substr(cleared_at, 1, 19) AND substr(cleared_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z')
) STRICT;
CREATE UNIQUE INDEX requirements_once ON requirements (user_id, enforcement_id) WHERE cleared_at IS NULL;

CREATE TABLE audit_events (
    seq integer NOT NULL PRIMARY KEY, -- 1, 2, 3 without a gap
    at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(at, 1, 19), '+0 seconds') IS substr(at, 1, 19) AND substr(at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    actor text NOT NULL, -- a person, sql, or daemon
    action text NOT NULL,
    company_id text,
    subject text, -- the id of what it was done to
    detail text NOT NULL CHECK (json_valid(detail)), -- ids and counts, no names or addresses
    prev_hash text NOT NULL, -- hash of seq - 1
    hash text NOT NULL -- SHA-256 over all of the above, in hexadecimal
) STRICT;
CREATE INDEX audit_events_company ON audit_events (company_id, seq);
CREATE TABLE audit_head (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    seq integer NOT NULL,
    hash text NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE task_runs (
    task text NOT NULL PRIMARY KEY,
    started_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(started_at, 1, 19), '+0 seconds') IS substr(started_at, 1, 19) AND substr(started_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- of its last run
    finished_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(finished_at, 1, 19), '+0 seconds') IS substr(finished_at, 1, 19) AND substr(finished_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    last_success_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(last_success_at, 1, 19), '+0 seconds') IS substr(last_success_at, 1, 19) AND substr(last_success_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    errors integer NOT NULL DEFAULT 0, -- failed runs since the last success
    last_error text,
    report text NOT NULL CHECK (json_valid(report)) -- what its last run did
) STRICT;

CREATE TABLE daemon_state (
    key text NOT NULL PRIMARY KEY, -- clock, last_instant, first_run, sso_users
    value text NOT NULL
) STRICT;

-- The payee mandate: an enforcement without a company, always in force.
INSERT INTO enforcements (id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at, flipped_at)
VALUES ('00000000-0000-0000-0000-000000000001', '1970-01-01', 'UTC', 'UTC', '1970-01-01T00:00:00.000000Z', 'in_force', 'payee mandate', '1970-01-01T00:00:00.000000Z', '1970-01-01T00:00:00.000000Z');
INSERT INTO milestones (id, enforcement_id, kind, due_at, state)
VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'now_required', '1970-01-01T00:00:00.000000Z', 'expanded');

-- The revision counts changes that matter. It is nobody's to write: a full-row save cannot turn it back.
CREATE TRIGGER companies_revision AFTER UPDATE ON companies
    WHEN NEW.revision IS NOT OLD.revision
        OR NEW.enforcement_date IS NOT OLD.enforcement_date OR NEW.time_zone IS NOT OLD.time_zone
        OR NEW.mfa_available IS NOT OLD.mfa_available OR json(NEW.notice_days) IS NOT json(OLD.notice_days)
BEGIN
    UPDATE companies SET revision = OLD.revision + (
        NEW.enforcement_date IS NOT OLD.enforcement_date OR NEW.time_zone IS NOT OLD.time_zone
        OR NEW.mfa_available IS NOT OLD.mfa_available OR json(NEW.notice_days) IS NOT json(OLD.notice_days))
    WHERE id = NEW.id;
END;
CREATE TRIGGER companies_deleted BEFORE DELETE ON companies
BEGIN
    UPDATE enforcements SET company_deleted = 1 WHERE company_id = OLD.id AND state IN ('scheduled', 'held', 'in_force');
END;
CREATE TRIGGER users_unreview AFTER UPDATE OF payee, active, kind, sso ON users
    WHEN NEW.payee IS NOT OLD.payee OR NEW.active IS NOT OLD.active OR NEW.kind IS NOT OLD.kind OR NEW.sso IS NOT OLD.sso
BEGIN
    UPDATE users SET reviewed = 0 WHERE id = NEW.id;
END;
-- Who un-enrolls is back on the schedule.
CREATE TRIGGER users_unenrolled AFTER UPDATE OF mfa_enrolled_at ON users
    WHEN NEW.mfa_enrolled_at IS NULL AND OLD.mfa_enrolled_at IS NOT NULL
BEGIN
    UPDATE users SET reviewed = 0 WHERE id = NEW.id;
END;
CREATE TRIGGER memberships_unreview AFTER UPDATE OF exempt_until ON memberships
    WHEN julianday(NEW.exempt_until) IS NOT julianday(OLD.exempt_until)
BEGIN
    UPDATE memberships SET reviewed = 0 WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;
-- Somebody else's save of mfa_required_at is one that does not agree with the requirements.
CREATE TRIGGER users_required_elsewhere AFTER UPDATE OF mfa_required_at ON users
    WHEN julianday(NEW.mfa_required_at) IS NOT julianday(OLD.mfa_required_at)
        AND julianday(NEW.mfa_required_at) IS NOT
            (SELECT julianday(min(required_at)) FROM requirements WHERE user_id = NEW.id AND cleared_at IS NULL)
BEGIN
    UPDATE users SET reviewed = 0 WHERE id = NEW.id;
END;
CREATE TRIGGER users_address_changed AFTER UPDATE OF email ON users
    WHEN lower(NEW.email) IS NOT lower(OLD.email)
BEGIN
    UPDATE users SET email_status = 'ok' WHERE id = NEW.id;
END;

-- Instants that the vendor wrote in another ISO form (an offset, a space, fewer decimals, a date alone) become the one form
-- in which text order is time order. The fraction is set aside and put back as it was: SQLite counts in milliseconds.
-- A row that is inserted is updated with its own values, so that each form stands here once.
CREATE TRIGGER users_mfa_enrolled_at_form AFTER UPDATE OF mfa_enrolled_at ON users
    WHEN NEW.mfa_enrolled_at NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        OR substr(NEW.mfa_enrolled_at, 12, 2) = '24'
BEGIN
    UPDATE users SET mfa_enrolled_at = (
        SELECT strftime('%Y-%m-%dT%H:%M:%S', whole_seconds, '+0 seconds') || substr(printf('%.6f', '0' || substr(given, 20, 7)), -7) || 'Z'
        FROM (SELECT NEW.mfa_enrolled_at AS given, CASE substr(NEW.mfa_enrolled_at, 20, 1)
            WHEN '.' THEN substr(NEW.mfa_enrolled_at, 1, 19) || ltrim(substr(NEW.mfa_enrolled_at, 21), '0123456789')
            ELSE NEW.mfa_enrolled_at END AS whole_seconds))
    WHERE id = NEW.id;
END;
CREATE TRIGGER users_mfa_required_at_form AFTER UPDATE OF mfa_required_at ON users
    WHEN NEW.mfa_required_at NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        OR substr(NEW.mfa_required_at, 12, 2) = '24'
BEGIN
    UPDATE users SET mfa_required_at = (
        SELECT strftime('%Y-%m-%dT%H:%M:%S', whole_seconds, '+0 seconds') || substr(printf('%.6f', '0' || substr(given, 20, 7)), -7) || 'Z'
        FROM (SELECT NEW.mfa_required_at AS given, CASE substr(NEW.mfa_required_at, 20, 1)
            WHEN '.' THEN substr(NEW.mfa_required_at, 1, 19) || ltrim(substr(NEW.mfa_required_at, 21), '0123456789')
            ELSE NEW.mfa_required_at END AS whole_seconds))
    WHERE id = NEW.id;
END;
CREATE TRIGGER users_instants_inserted AFTER INSERT ON users
    WHEN COALESCE(NEW.mfa_enrolled_at, NEW.mfa_required_at) IS NOT NULL
BEGIN
    UPDATE users SET mfa_enrolled_at = NEW.mfa_enrolled_at, mfa_required_at = NEW.mfa_required_at WHERE id = NEW.id;
END;
CREATE TRIGGER memberships_joined_at_form AFTER UPDATE OF joined_at ON memberships
    WHEN NEW.joined_at NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        OR substr(NEW.joined_at, 12, 2) = '24'
BEGIN
    UPDATE memberships SET joined_at = (
        SELECT strftime('%Y-%m-%dT%H:%M:%S', whole_seconds, '+0 seconds') || substr(printf('%.6f', '0' || substr(given, 20, 7)), -7) || 'Z'
        FROM (SELECT NEW.joined_at AS given, CASE substr(NEW.joined_at, 20, 1)
            WHEN '.' THEN substr(NEW.joined_at, 1, 19) || ltrim(substr(NEW.joined_at, 21), '0123456789')
            ELSE NEW.joined_at END AS whole_seconds))
    WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER memberships_exempt_until_form AFTER UPDATE OF exempt_until ON memberships
    WHEN NEW.exempt_until NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        OR substr(NEW.exempt_until, 12, 2) = '24'
BEGIN
    UPDATE memberships SET exempt_until = (
        SELECT strftime('%Y-%m-%dT%H:%M:%S', whole_seconds, '+0 seconds') || substr(printf('%.6f', '0' || substr(given, 20, 7)), -7) || 'Z'
        FROM (SELECT NEW.exempt_until AS given, CASE substr(NEW.exempt_until, 20, 1)
            WHEN '.' THEN substr(NEW.exempt_until, 1, 19) || ltrim(substr(NEW.exempt_until, 21), '0123456789')
            ELSE NEW.exempt_until END AS whole_seconds))
    WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER memberships_require_at_form AFTER UPDATE OF require_at ON memberships
    WHEN NEW.require_at NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        OR substr(NEW.require_at, 12, 2) = '24'
BEGIN
    UPDATE memberships SET require_at = (
        SELECT strftime('%Y-%m-%dT%H:%M:%S', whole_seconds, '+0 seconds') || substr(printf('%.6f', '0' || substr(given, 20, 7)), -7) || 'Z'
        FROM (SELECT NEW.require_at AS given, CASE substr(NEW.require_at, 20, 1)
            WHEN '.' THEN substr(NEW.require_at, 1, 19) || ltrim(substr(NEW.require_at, 21), '0123456789')
            ELSE NEW.require_at END AS whole_seconds))
    WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER memberships_instants_inserted AFTER INSERT ON memberships
    WHEN COALESCE(NEW.joined_at, NEW.exempt_until, NEW.require_at) IS NOT NULL
BEGIN
    UPDATE memberships SET joined_at = NEW.joined_at, exempt_until = NEW.exempt_until, require_at = NEW.require_at WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;
