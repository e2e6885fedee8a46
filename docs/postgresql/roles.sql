-- Two roles, and a schema for the tables: once, as a superuser, in the database that the vendor's application has.
-- The owner migrates. The other one runs, and can neither change a table's shape nor what the audit trail says.
-- Passwords, or certificates, are to be set for both; names and schema are yours to choose.
CREATE ROLE mfa_enforcer_owner LOGIN;
CREATE ROLE mfa_enforcer LOGIN;
CREATE SCHEMA mfa AUTHORIZATION mfa_enforcer_owner;
GRANT USAGE ON SCHEMA mfa TO mfa_enforcer;
