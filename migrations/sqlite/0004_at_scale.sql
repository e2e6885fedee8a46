-- PostgreSQL's tables are vacuumed earlier from here on. SQLite reuses what is deleted by itself: nothing is to be done.

-- Whom a company had required and freed again is looked at for each notice that is claimed.
CREATE INDEX requirements_cleared ON requirements (user_id) WHERE cleared_at IS NOT NULL;

-- What each tick counts, however many companies have a date.
CREATE INDEX enforcements_held ON enforcements (company_id) WHERE state = 'held';
CREATE INDEX enforcements_at_risk ON enforcements (id) WHERE state = 'scheduled' AND warning IS NOT NULL AND NOT risk_accepted;
