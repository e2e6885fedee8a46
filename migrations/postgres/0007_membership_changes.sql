-- A membership that comes to be another's is looked at as a new one: what the daemon knew of it was about the other.
CREATE FUNCTION mfa_enforcer_membership_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reviewed := false;
    NEW.reviewed_as := NULL;
    NEW.require_at := NULL;
    NEW.exemption_told := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER memberships_moved BEFORE UPDATE OF company_id, user_id ON memberships FOR EACH ROW
    WHEN ((NEW.company_id, NEW.user_id) IS DISTINCT FROM (OLD.company_id, OLD.user_id))
    EXECUTE FUNCTION mfa_enforcer_membership_moved();

-- What the daemon has yet to write to memberships whose rows somebody kept locked. (No foreign keys: they would wait for those locks.)
CREATE TABLE membership_changes (
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    moves_date boolean NOT NULL DEFAULT false,                   -- require_at becomes date_becomes, if it is date_was still
    date_was timestamptz,
    date_becomes timestamptz,
    forgets_told boolean NOT NULL DEFAULT false,                 -- exemption_told becomes null
    reviews boolean NOT NULL DEFAULT false,                      -- reviewed becomes false
    PRIMARY KEY (company_id, user_id)
);
