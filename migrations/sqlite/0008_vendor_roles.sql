-- Roles and schemas are PostgreSQL's: nothing to do here.
SELECT 1;
