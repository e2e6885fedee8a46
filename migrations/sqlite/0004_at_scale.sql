-- PostgreSQL's tables are vacuumed earlier from here on. SQLite reuses what is deleted by itself: nothing is to be done.

-- Whom a company had required and freed again is looked at for each notice that is claimed.
CREATE INDEX requirements_cleared ON requirements (user_id) WHERE cleared_at IS NOT NULL;
