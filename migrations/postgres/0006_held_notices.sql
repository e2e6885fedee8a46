-- What waits is come to by enforcement and in its order as well, past those that are held.
DROP INDEX notices_open;
CREATE INDEX notices_open ON notices (enforcement_id, next_attempt_at, user_id) WHERE state = 'pending';
