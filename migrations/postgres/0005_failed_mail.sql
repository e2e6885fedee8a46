-- Whom mail does not reach is found from the mail that failed, which is little, and not from all that was ever sent.
CREATE INDEX notices_failed ON notices (user_id) WHERE state = 'failed';
CREATE INDEX admin_mails_failed ON admin_mails (user_id) WHERE state = 'failed';
CREATE INDEX users_bounced ON users (id) WHERE email_status = 'bounced';
