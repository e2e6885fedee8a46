-- What a queue leaves behind is cleared away while it is little: a fifth of a large table, which is the default, would be millions
-- of dead rows. Rows that are written on each tick have room for their next version in the same page, and are found there.
ALTER TABLE notices SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
-- A mail is written when it is claimed and once more when it is sent.
ALTER TABLE mails SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE admin_mails SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE milestones SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE enforcements SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE task_runs SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
ALTER TABLE daemon_state SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
ALTER TABLE audit_head SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);

-- Whom a company had required and freed again is looked at for each notice that is claimed.
CREATE INDEX requirements_cleared ON requirements (user_id) WHERE cleared_at IS NOT NULL;

-- The daemon writes mfa_required_at from the requirements: its own writes (mfa_enforcer.derives is 'on' in its transactions)
-- need not be compared with them again, row by row.
DROP TRIGGER users_required_elsewhere ON users;
CREATE TRIGGER users_required_elsewhere BEFORE UPDATE OF mfa_required_at ON users FOR EACH ROW
    WHEN (NEW.mfa_required_at IS DISTINCT FROM OLD.mfa_required_at
        AND current_setting('mfa_enforcer.derives', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION mfa_enforcer_required_elsewhere();

-- What each tick counts, however many companies have a date.
CREATE INDEX enforcements_held ON enforcements (company_id) WHERE state = 'held';
CREATE INDEX enforcements_at_risk ON enforcements (id) WHERE state = 'scheduled' AND warning IS NOT NULL AND NOT risk_accepted;
