-- What the role that runs may do: as the owner, after each `mfa-enforcer migrate`. Granting again does no harm.
SET search_path = mfa;

-- The vendor's rows. INSERT is for `import` and `company add`: leave it out where the vendor's application alone adds them.
GRANT SELECT, INSERT, UPDATE ON companies, users, memberships TO mfa_enforcer;

-- What is planned, owed, required and sent. Nothing of it is ever deleted but unsent notices of a zone that has changed.
GRANT SELECT, INSERT, UPDATE ON enforcements, milestones, requirements, mails, admin_mails TO mfa_enforcer;
GRANT SELECT, INSERT, UPDATE, DELETE ON notices, membership_changes TO mfa_enforcer;

-- What has happened is added to, and never changed. The head of the audit trail is one row that is there.
GRANT SELECT, INSERT ON audit_events, mail_history TO mfa_enforcer;
GRANT SELECT, UPDATE ON audit_head TO mfa_enforcer;

-- What daemons remember.
GRANT SELECT, INSERT, UPDATE ON task_runs, daemon_state TO mfa_enforcer;
GRANT SELECT ON _sqlx_migrations TO mfa_enforcer;
