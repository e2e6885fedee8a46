-- The vendor's application writes to its own tables alone, as a role of its own that may not read the daemon's, and with a search_path
-- that may not lead to them: what its writes set off is done by the tables' owner, in their schema. Nobody else may set it off.
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT p.oid::regprocedure AS function, n.nspname AS schema
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.oid IN ('mfa_enforcer_company_deleted()'::regprocedure, 'mfa_enforcer_required_elsewhere()'::regprocedure,
            'mfa_enforcer_address_changed()'::regprocedure)
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', own.function, own.schema);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own.function);
    END LOOP;
END $$;
