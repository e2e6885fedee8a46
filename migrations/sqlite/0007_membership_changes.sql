-- A membership that comes to be another's is looked at as a new one: what the daemon knew of it was about the other.
CREATE TRIGGER memberships_moved AFTER UPDATE OF company_id, user_id ON memberships
    WHEN NEW.company_id IS NOT OLD.company_id OR NEW.user_id IS NOT OLD.user_id
BEGIN
    UPDATE memberships SET reviewed = 0, reviewed_as = NULL, require_at = NULL, exemption_told = NULL
    WHERE company_id = NEW.company_id AND user_id = NEW.user_id;
END;

-- What the daemon has yet to write to memberships whose rows somebody kept locked: here those of a copy of another database.
CREATE TABLE membership_changes (
    company_id text NOT NULL,
    user_id text NOT NULL,
    moves_date integer NOT NULL DEFAULT 0 CHECK (moves_date IN (0, 1)), -- require_at becomes date_becomes, if it is date_was still
    date_was text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(date_was, 1, 19), '+0 seconds') IS substr(date_was, 1, 19) AND substr(date_was, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    date_becomes text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(date_becomes, 1, 19), '+0 seconds') IS substr(date_becomes, 1, 19) AND substr(date_becomes, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    forgets_told integer NOT NULL DEFAULT 0 CHECK (forgets_told IN (0, 1)), -- exemption_told becomes null
    reviews integer NOT NULL DEFAULT 0 CHECK (reviews IN (0, 1)), -- reviewed becomes false
    PRIMARY KEY (company_id, user_id)
) STRICT;
