-- What was said about a mail beside its last answer: refusals before it was taken, and what came back after it was.
CREATE TABLE mail_history (
    id uuid PRIMARY KEY,
    mail_id uuid NOT NULL,
    at timestamptz NOT NULL,
    attempt bigint,                                              -- which attempt it was; null: not an attempt of ours
    outcome text NOT NULL CHECK (outcome IN ('deferred', 'not_sent', 'failed', 'accepted', 'no_such_address', 'refused', 'delayed')),
    reply text NOT NULL                                          -- what the mail server, or whoever brought it back, said
);
CREATE INDEX mail_history_mail ON mail_history (mail_id, at);
ALTER TABLE mails ADD COLUMN bounced_at timestamptz; -- when it was known that a mail which was taken came back for good

ALTER TABLE notices ADD COLUMN failed_mails text; -- the ids of mails that carried it before and failed, with spaces between them

-- Mail to a company's admins.
ALTER TABLE memberships ADD COLUMN admin_mail text NOT NULL DEFAULT 'all' CHECK (admin_mail IN ('all', 'decisions', 'none')); -- of an admin: what mail about the company's dates they want
ALTER TABLE enforcements ADD COLUMN report_at timestamptz; -- when the admins get their next digest, or the report of the day; null: to be computed
ALTER TABLE enforcements ADD COLUMN reported boolean NOT NULL DEFAULT false; -- the admins have had the report of the day, or are to have none
UPDATE enforcements SET reported = true WHERE state NOT IN ('scheduled', 'held');
CREATE INDEX enforcements_report ON enforcements (report_at) WHERE state IN ('scheduled', 'in_force') AND NOT reported AND report_at IS NOT NULL;
CREATE INDEX enforcements_unplanned_report ON enforcements (id) WHERE state IN ('scheduled', 'in_force') AND NOT reported AND report_at IS NULL;
CREATE TABLE admin_mails (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('decision', 'digest', 'day_report')),
    company_id uuid NOT NULL,
    enforcement_id uuid NOT NULL,
    user_id uuid NOT NULL,
    cause text NOT NULL,                                         -- what it is about: an event of the audit trail, or a day
    event_seq bigint,                                            -- of a decision: its place on the audit trail
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'skipped')),
    skip_reason text,
    attempts bigint NOT NULL DEFAULT 0,                         -- how often sending it has begun
    next_attempt_at timestamptz NOT NULL,                        -- due_at, or later after a refusal
    claimed_by uuid,                                             -- unique for each claim: fences its outcome
    claimed_until timestamptz,                                   -- when the claim lapses
    address text,                                                -- where it went
    locale text,
    message_id text,                                             -- RFC 5322; one for all attempts
    sent_at timestamptz,                                         -- when the server accepted it
    server_reply text,
    content_sha256 text,                                         -- of the whole message as sent, in hexadecimal
    bounced_at timestamptz,                                      -- when it was known that it came back for good
    UNIQUE (cause, user_id)
);
CREATE INDEX admin_mails_due ON admin_mails (next_attempt_at) WHERE state = 'pending';
CREATE INDEX admin_mails_claimed ON admin_mails (claimed_until) WHERE state = 'sending';
CREATE INDEX admin_mails_user ON admin_mails (user_id);

-- Who gets another address is looked at where mail did not reach the old one: it is due again.
CREATE OR REPLACE FUNCTION mfa_enforcer_address_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email_status := 'ok';
    IF (EXISTS (SELECT 1 FROM notices WHERE user_id = NEW.id AND (state = 'failed' OR skip_reason = 'bounced'))
        OR EXISTS (SELECT 1 FROM admin_mails WHERE user_id = NEW.id AND (state = 'failed' OR skip_reason = 'bounced'))) THEN
        NEW.reviewed := false;
    END IF;
    RETURN NEW;
END $$;

-- Decisions of before are not told any more.
INSERT INTO daemon_state (key, value) SELECT 'admins_told_until', CAST(seq AS text) FROM audit_head;
