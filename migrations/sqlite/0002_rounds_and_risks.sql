-- A reader who had their welcome and has to be told anew (another date came between, or an exemption moved) is told at the
-- next round: one notice per milestone and user stays true.
ALTER TABLE milestones ADD COLUMN round integer NOT NULL DEFAULT 0; -- of welcome: 0, then one more each time
DROP INDEX milestones_once;
CREATE UNIQUE INDEX milestones_once ON milestones (enforcement_id, kind, COALESCE(days_before, 0), round);

-- An exempt member is told before the exemption lapses, once for each end that it has.
ALTER TABLE memberships ADD COLUMN exemption_told text CHECK (strftime('%Y-%m-%dT%H:%M:%S', substr(exemption_told, 1, 19), '+0 seconds') IS substr(exemption_told, 1, 19) AND substr(exemption_told, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]Z'); -- the exempt_until of which the member was told; the daemon's to write

-- What speaks against requiring MFA on the day.
ALTER TABLE enforcements ADD COLUMN risk_accepted integer NOT NULL DEFAULT 0 CHECK (risk_accepted IN (0, 1)); -- released from a safety hold: not held for safety again
ALTER TABLE enforcements ADD COLUMN warned_days integer; -- the last warning's days before the date: 7, then 1; null: none was due yet
ALTER TABLE enforcements ADD COLUMN warning text CHECK (json_valid(warning)); -- what that warning found, a JSON array; null: nothing
