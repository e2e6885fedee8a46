//! The two migrations make the same tables, and a row needs no more than ids, names, addresses and a time zone.

use std::collections::{BTreeMap, BTreeSet};

use mfa_enforcer::domain::admin_mail::{AdminMailChoice, AdminMailKind};
use mfa_enforcer::domain::notice::{EnforcementState, MilestoneState, NoticeKind, NoticeState};

use crate::support::vendor::{add_company, add_member, add_user};
use crate::support::{Kind, TestDatabase, on_both, project_folder};

on_both!(
    every_migration_is_applied,
    a_row_needs_ids_names_addresses_and_a_zone,
    one_enforcement_is_open_and_one_in_force,
    what_cannot_be_read_is_refused,
);

/// Nullability, default, place in the primary key, and type in the words of SQLite, of each column.
const POSTGRES_COLUMNS: &str = "
    SELECT c.relname, a.attnum, a.attname,
        CASE format_type(a.atttypid, NULL) WHEN 'boolean' THEN 'integer' WHEN 'bigint' THEN 'integer'
            WHEN 'integer' THEN 'integer' ELSE 'text' END,
        a.attnotnull,
        CASE pg_get_expr(d.adbin, d.adrelid) WHEN 'true' THEN '1' WHEN 'false' THEN '0'
            ELSE replace(pg_get_expr(d.adbin, d.adrelid), '::text', '') END,
        COALESCE(array_position(p.conkey, a.attnum), 0)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_constraint AS p ON p.conrelid = c.oid AND p.contype = 'p'
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> '_sqlx_migrations'";
const SQLITE_COLUMNS: &str = "
    SELECT t.name, c.cid + 1, c.name, lower(c.type), c.\"notnull\", c.dflt_value, c.pk
    FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name <> '_sqlx_migrations'";

/// Table, name (none where a constraint made it), uniqueness, partiality and keys of each index but the primary keys'.
const POSTGRES_INDEXES: &str = "
    SELECT t.relname, CASE WHEN k.oid IS NULL THEN i.relname END, x.indisunique, x.indpred IS NOT NULL,
        (SELECT string_agg(CASE WHEN x.indkey[n - 1] = 0 THEN '(expression)' ELSE pg_get_indexdef(i.oid, n, true) END, ',' ORDER BY n)
         FROM generate_series(1, x.indnkeyatts) AS n)
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
    LEFT JOIN pg_constraint AS k ON k.conindid = i.oid AND k.contype = 'u'
    WHERE t.relnamespace = current_schema()::regnamespace AND NOT x.indisprimary AND t.relname <> '_sqlx_migrations'";
const SQLITE_INDEXES: &str = "
    SELECT t.name, CASE WHEN i.origin = 'c' THEN i.name END, i.\"unique\", i.partial,
        (SELECT group_concat(COALESCE(name, '(expression)'), ',')
         FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
    FROM sqlite_master AS t JOIN pragma_index_list(t.name) AS i
    WHERE t.type = 'table' AND i.origin <> 'pk' AND t.name <> '_sqlx_migrations'";

const POSTGRES_FOREIGN_KEYS: &str = "
    SELECT conrelid::regclass, confrelid::regclass, confdeltype = 'c',
        (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
    FROM pg_constraint WHERE contype = 'f'";
const SQLITE_FOREIGN_KEYS: &str = "
    SELECT t.name, k.\"table\", k.on_delete = 'CASCADE', group_concat(k.\"from\", ',')
    FROM sqlite_master AS t JOIN pragma_foreign_key_list(t.name) AS k
    WHERE t.type = 'table' GROUP BY t.name, k.id";

#[tokio::test]
async fn sqlite_plans_a_statement_once() {
    let db = TestDatabase::new(Kind::Sqlite).await;
    let options = db.rows("SELECT compile_options FROM pragma_compile_options").await.concat();
    assert!(options.contains(&"ENABLE_QPSG".to_owned()), "see .cargo/config.toml: {options:?}");
}

#[tokio::test]
async fn the_two_schemas_agree() {
    let sqlite = TestDatabase::new(Kind::Sqlite).await;
    let postgres = TestDatabase::new(Kind::Postgres).await;
    assert_eq!(sqlite.tables().await, postgres.tables().await);
    for (of_sqlite, of_postgres) in [
        (SQLITE_COLUMNS, POSTGRES_COLUMNS),
        (SQLITE_INDEXES, POSTGRES_INDEXES),
        (SQLITE_FOREIGN_KEYS, POSTGRES_FOREIGN_KEYS),
    ] {
        let (mut sqlite, mut postgres) = (sqlite.rows(of_sqlite).await, postgres.rows(of_postgres).await);
        let (all_sqlite, all_postgres) = (sqlite.clone(), postgres.clone());
        sqlite.retain(|row| !all_postgres.contains(row));
        postgres.retain(|row| !all_sqlite.contains(row));
        assert_eq!(sqlite, postgres, "what only one of them has");
        assert_eq!(all_sqlite.len(), all_postgres.len());
        assert!(!all_sqlite.is_empty());
    }
    assert_eq!(sqlite.dump().await, postgres.dump().await, "the rows that a new database has");
}

/// What an index leaves out is text, which PostgreSQL writes in words of its own: the migrations must say the same.
#[test]
fn the_indexes_are_the_same_statements() {
    let statements = |folder: &str| -> BTreeSet<String> {
        migrations(folder)
            .split(';')
            .filter_map(|statement| {
                statement.find("CREATE INDEX").or(statement.find("CREATE UNIQUE INDEX")).map(|at| &statement[at..])
            })
            .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    let sqlite = statements("sqlite");
    assert!(sqlite.len() > 10, "{sqlite:?}");
    assert_eq!(sqlite, statements("postgres"));
}

/// Also fails where the binary was not built again after a file was added.
async fn every_migration_is_applied(db: &TestDatabase) {
    let applied = db.rows("SELECT version FROM _sqlx_migrations ORDER BY version").await.concat();
    for folder in ["sqlite", "postgres"] {
        let numbers: Vec<String> = files(folder)
            .into_keys()
            .map(|name| name.split('_').next().unwrap_or_default().trim_start_matches('0').to_owned())
            .collect();
        assert_eq!(applied, numbers, "migrations/{folder}");
    }
    assert_eq!(files("sqlite").into_keys().collect::<Vec<_>>(), files("postgres").into_keys().collect::<Vec<_>>());
}

/// Columns that may hold one of some names allow the same ones: on both, and as the domain spells them.
#[tokio::test]
async fn the_names_that_columns_allow_agree() {
    let postgres = TestDatabase::new(Kind::Postgres).await;
    let constraints = postgres
        .rows(
            "SELECT conrelid::regclass, attname, pg_get_constraintdef(k.oid) FROM pg_constraint AS k
             JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
             WHERE contype = 'c' AND pg_get_constraintdef(k.oid) LIKE '%ANY (ARRAY[%'",
        )
        .await;
    let of_postgres: BTreeMap<(String, String), BTreeSet<String>> =
        constraints.into_iter().map(|row| ((row[0].clone(), row[1].clone()), quoted(&row[2]))).collect();

    let sqlite = TestDatabase::new(Kind::Sqlite).await;
    let mut of_sqlite = BTreeMap::new();
    for row in sqlite.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'").await {
        for check in row[1].split("CHECK (").skip(1) {
            if let Some((column, names)) = check.split_once(" IN ('") {
                let names = names.split(')').next().unwrap();
                of_sqlite.insert((row[0].clone(), column.to_owned()), quoted(&format!("'{names}")));
            }
        }
    }
    assert_eq!(of_sqlite, of_postgres);

    let allowed = |table: &str, column: &str| of_sqlite[&(table.to_owned(), column.to_owned())].clone();
    let spelled = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let states: Vec<_> = EnforcementState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(allowed("enforcements", "state"), spelled(&states));
    let states: Vec<_> = MilestoneState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(allowed("milestones", "state"), spelled(&states));
    let states: Vec<_> = NoticeState::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(allowed("notices", "state"), spelled(&states));
    assert_eq!(allowed("admin_mails", "state"), spelled(&states));
    let kinds: Vec<_> = AdminMailKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(allowed("admin_mails", "kind"), spelled(&kinds));
    let choices: Vec<_> = AdminMailChoice::ALL.iter().map(|choice| choice.as_str()).collect();
    assert_eq!(allowed("memberships", "admin_mail"), spelled(&choices));
    let mut kinds: Vec<_> = NoticeKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(allowed("notices", "kind"), spelled(&kinds));
    kinds.retain(|kind| *kind != NoticeKind::Rescheduled.as_str());
    assert_eq!(allowed("milestones", "kind"), spelled(&kinds), "a rescheduled notice belongs to an announcement");
}

async fn what_cannot_be_read_is_refused(db: &TestDatabase) {
    let (company, user) = (add_company(db, 1).await, add_user(db, 1).await);
    add_member(db, company, user).await;
    let before = db.dump().await;
    for (table, column) in [
        ("users", "kind"),
        ("users", "mfa_method"),
        ("users", "email_status"),
        ("memberships", "role"),
        ("memberships", "admin_mail"),
        ("enforcements", "state"),
        ("milestones", "kind"),
        ("milestones", "state"),
    ] {
        let answer = db.try_execute(&format!("UPDATE {table} SET {column} = 'other'")).await;
        assert!(answer.is_err(), "{table}.{column} = 'other' was taken");
    }
    for refused in [
        "UPDATE companies SET enforcement_date = 'soon'",
        "UPDATE companies SET enforcement_date = '2027-02-30'",
        "UPDATE companies SET enforcement_date = 'infinity'",
        "UPDATE companies SET enforcement_date = '0001-12-31'",
        "UPDATE companies SET enforcement_date = '9999-01-01'",
        "UPDATE companies SET notice_days = '[7'",
        "UPDATE companies SET new_member_grace_days = -1",
        "UPDATE companies SET new_member_grace_days = 366",
        "UPDATE companies SET mfa_available = NULL",
        "UPDATE companies SET id = 'c-1'",
        "UPDATE users SET mfa_enrolled_at = 'infinity'",
        "UPDATE users SET mfa_required_at = '9999-01-01T00:00:00Z'",
        "UPDATE memberships SET exempt_until = 'infinity'",
        "UPDATE memberships SET exempt_until = '2027-02-30T00:00:00Z'",
        "UPDATE memberships SET user_id = '00000000-0000-0000-0000-000000000009'",
        "INSERT INTO memberships (company_id, user_id) SELECT company_id, user_id FROM memberships",
    ] {
        assert!(db.try_execute(refused).await.is_err(), "{refused}");
    }
    assert_eq!(db.dump().await, before);
}

async fn a_row_needs_ids_names_addresses_and_a_zone(db: &TestDatabase) {
    let (company, user) = (add_company(db, 1).await, add_user(db, 1).await);
    add_member(db, company, user).await;
    let row = |columns: &str, table: &str| format!("SELECT {columns} FROM {table}");
    assert_eq!(
        db.rows(&row(
            "locale, mfa_available, enforcement_date, notice_days, revision, reconciled_revision",
            "companies"
        ))
        .await,
        [["en", "1", "null", "null", "1", "0"]]
    );
    assert_eq!(
        db.rows(&row("kind, active, sso, payee, mfa_enrolled_at, mfa_required_at, email_status, reviewed", "users"))
            .await,
        [["person", "1", "0", "0", "null", "null", "ok", "0"]]
    );
    assert_eq!(
        db.rows(&row("role, admin_mail, joined_at, exempt_until, require_at, reviewed", "memberships")).await,
        [["member", "all", "null", "null", "null", "0"]]
    );
    let id = "00000000-0000-4000-8000-0000000000aa";
    for without in [
        format!("INSERT INTO companies (id, name) VALUES ('{id}', 'No zone')"),
        format!("INSERT INTO companies (id, time_zone) VALUES ('{id}', 'UTC')"),
        "INSERT INTO companies (name, time_zone) VALUES ('No id', 'UTC')".to_owned(),
        format!("INSERT INTO users (id, email) VALUES ('{id}', 'no-name@example.com')"),
        format!("INSERT INTO users (id, name) VALUES ('{id}', 'No address')"),
        "INSERT INTO users (email, name) VALUES ('no-id@example.com', 'No id')".to_owned(),
        format!("INSERT INTO memberships (company_id) VALUES ('{company}')"),
        format!("INSERT INTO memberships (user_id) VALUES ('{user}')"),
    ] {
        assert!(db.try_execute(&without).await.is_err(), "{without}");
    }
    // Addresses are not unique; external ids are, where there is one.
    add_company(db, 2).await;
    add_user(db, 2).await;
    db.execute("UPDATE users SET email = 'same@example.com'").await;
    for table in ["companies", "users"] {
        assert!(db.try_execute(&format!("UPDATE {table} SET external_id = 'same'")).await.is_err(), "{table}");
    }
}

async fn one_enforcement_is_open_and_one_in_force(db: &TestDatabase) {
    let company = add_company(db, 1).await;
    let mut number = 0;
    for (state, taken) in [
        ("scheduled", true),
        ("scheduled", false),
        ("held", false),
        ("in_force", true),
        ("in_force", false),
        ("cancelled", true),
        ("cancelled", true),
        ("superseded", true),
        ("reverted", true),
    ] {
        number += 1;
        let sql = format!(
            "INSERT INTO enforcements
                 (id, company_id, enforcement_date, time_zone, planned_time_zone, enforce_at, state, set_by, created_at)
             VALUES ('00000000-0000-4000-8000-00000000000{number}', '{company}', '2027-01-15', 'UTC', 'UTC',
                 '2027-01-15T00:00:00.000000Z', '{state}', 'jo', '2026-12-01T00:00:00.000000Z')"
        );
        assert_eq!(db.try_execute(&sql).await.is_ok(), taken, "{number}: {state}");
    }
    assert!(db.try_execute("UPDATE enforcements SET state = 'held' WHERE state = 'cancelled'").await.is_err());
}

/// The texts in single quotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Name and text of each migration in a folder.
fn files(folder: &str) -> BTreeMap<String, String> {
    let folder = project_folder().join("migrations").join(folder);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// All migrations of a folder as one text, without comments.
fn migrations(folder: &str) -> String {
    let text: Vec<String> = files(folder).into_values().collect();
    text.join("\n").lines().map(|line| line.split("--").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}
