-- The daemon writes mfa_required_at from the requirements: its own writes (mfa_enforcer.derives is 'on' in its transactions)
-- need not be compared with them again, row by row.
DROP TRIGGER users_required_elsewhere ON users;
CREATE TRIGGER users_required_elsewhere BEFORE UPDATE OF mfa_required_at ON users FOR EACH ROW
    WHEN (NEW.mfa_required_at IS DISTINCT FROM OLD.mfa_required_at
        AND current_setting('mfa_enforcer.derives', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION mfa_enforcer_required_elsewhere();
