-- What was said about a mail beside its last answer: refusals before it was taken, and what came back after it was.
CREATE TABLE mail_history (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    mail_id text NOT NULL,
    at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(at, 1, 19), '+0 seconds') IS substr(at, 1, 19) AND substr(at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    attempt integer, -- which attempt it was; null: not an attempt of ours
    outcome text NOT NULL CHECK (outcome IN ('deferred', 'not_sent', 'failed', 'accepted', 'no_such_address', 'refused', 'delayed')),
    reply text NOT NULL                                          -- what the mail server, or whoever brought it back, said
) STRICT;
CREATE INDEX mail_history_mail ON mail_history (mail_id, at);
ALTER TABLE mails ADD COLUMN bounced_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(bounced_at, 1, 19), '+0 seconds') IS substr(bounced_at, 1, 19) AND substr(bounced_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'); -- when it was known that a mail which was taken came back for good

ALTER TABLE notices ADD COLUMN failed_mails text; -- the ids of mails that carried it before and failed, with spaces between them

-- Mail to a company's admins.
ALTER TABLE memberships ADD COLUMN admin_mail text NOT NULL DEFAULT 'all' CHECK (admin_mail IN ('all', 'decisions', 'none')); -- of an admin: what mail about the company's dates they want
ALTER TABLE enforcements ADD COLUMN report_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(report_at, 1, 19), '+0 seconds') IS substr(report_at, 1, 19) AND substr(report_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'); -- when the admins get their next digest, or the report of the day; null: to be computed
ALTER TABLE enforcements ADD COLUMN reported integer NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)); -- the admins have had the report of the day, or are to have none
UPDATE enforcements SET reported = 1 WHERE state NOT IN ('scheduled', 'held');
CREATE INDEX enforcements_report ON enforcements (report_at) WHERE state IN ('scheduled', 'in_force') AND NOT reported AND report_at IS NOT NULL;
CREATE INDEX enforcements_unplanned_report ON enforcements (id) WHERE state IN ('scheduled', 'in_force') AND NOT reported AND report_at IS NULL;
CREATE TABLE admin_mails (
    id text NOT NULL PRIMARY KEY CHECK (id GLOB '????????-????-????-????-????????????' AND length(replace(id, '-', '')) = 32 AND id NOT GLOB '*[^0-9a-f-]*'),
    kind text NOT NULL CHECK (kind IN ('decision', 'digest', 'day_report')),
    company_id text NOT NULL,
    enforcement_id text NOT NULL,
    user_id text NOT NULL,
    cause text NOT NULL, -- what it is about: an event of the audit trail, or a day
    event_seq integer, -- of a decision: its place on the audit trail
    due_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(due_at, 1, 19), '+0 seconds') IS substr(due_at, 1, 19) AND substr(due_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'skipped')),
    skip_reason text,
    attempts integer NOT NULL DEFAULT 0, -- how often sending it has begun
    next_attempt_at text NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(next_attempt_at, 1, 19), '+0 seconds') IS substr(next_attempt_at, 1, 19) AND substr(next_attempt_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- due_at, or later after a refusal
    claimed_by text, -- unique for each claim: fences its outcome
    claimed_until text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(claimed_until, 1, 19), '+0 seconds') IS substr(claimed_until, 1, 19) AND substr(claimed_until, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when the claim lapses
    address text, -- where it went
    locale text,
    message_id text, -- RFC 5322; one for all attempts
    sent_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(sent_at, 1, 19), '+0 seconds') IS substr(sent_at, 1, 19) AND substr(sent_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when the server accepted it
    server_reply text,
    content_sha256 text, -- of the whole message as sent, in hexadecimal
    bounced_at text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(bounced_at, 1, 19), '+0 seconds') IS substr(bounced_at, 1, 19) AND substr(bounced_at, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'), -- when it was known that it came back for good
    UNIQUE (cause, user_id)
) STRICT;
CREATE INDEX admin_mails_due ON admin_mails (next_attempt_at) WHERE state = 'pending';
CREATE INDEX admin_mails_claimed ON admin_mails (claimed_until) WHERE state = 'sending';
CREATE INDEX admin_mails_user ON admin_mails (user_id);

-- Who gets another address is looked at where mail did not reach the old one: it is due again.
DROP TRIGGER users_address_changed;
CREATE TRIGGER users_address_changed AFTER UPDATE OF email ON users
    WHEN lower(NEW.email) IS NOT lower(OLD.email)
BEGIN
    UPDATE users SET email_status = 'ok' WHERE id = NEW.id;
    UPDATE users SET reviewed = 0 WHERE id = NEW.id
        AND (EXISTS (SELECT 1 FROM notices WHERE user_id = NEW.id AND (state = 'failed' OR skip_reason = 'bounced'))
        OR EXISTS (SELECT 1 FROM admin_mails WHERE user_id = NEW.id AND (state = 'failed' OR skip_reason = 'bounced')));
END;

-- Decisions of before are not told any more.
INSERT INTO daemon_state (key, value) SELECT 'admins_told_until', CAST(seq AS text) FROM audit_head;
