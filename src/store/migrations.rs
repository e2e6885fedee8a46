//! The migrations, compiled in.
//!
//! They are listed here rather than found by sqlx's macro, for which both databases' drivers would be built a second time,
//! for the compiler: a third of a build from nothing.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The migrations in one dialect's folder. A name after the number is what the database remembers, with spaces.
macro_rules! migrations {
    ($folder:literal) => {
        LazyLock::new(|| {
            Migrator::with_migrations(vec![
                migration(1, "initial", include_str!(concat!("../../migrations/", $folder, "/0001_initial.sql"))),
                migration(
                    2,
                    "rounds and risks",
                    include_str!(concat!("../../migrations/", $folder, "/0002_rounds_and_risks.sql")),
                ),
                migration(
                    3,
                    "bounces and admin mail",
                    include_str!(concat!("../../migrations/", $folder, "/0003_bounces_and_admin_mail.sql")),
                ),
                migration(4, "at scale", include_str!(concat!("../../migrations/", $folder, "/0004_at_scale.sql"))),
                migration(
                    5,
                    "failed mail",
                    include_str!(concat!("../../migrations/", $folder, "/0005_failed_mail.sql")),
                ),
                migration(
                    6,
                    "held notices",
                    include_str!(concat!("../../migrations/", $folder, "/0006_held_notices.sql")),
                ),
                migration(
                    7,
                    "membership changes",
                    include_str!(concat!("../../migrations/", $folder, "/0007_membership_changes.sql")),
                ),
                migration(
                    8,
                    "vendor roles",
                    include_str!(concat!("../../migrations/", $folder, "/0008_vendor_roles.sql")),
                ),
            ])
        })
    };
}

/// Those of SQLite.
pub(super) static SQLITE: LazyLock<Migrator> = migrations!("sqlite");
/// Those of PostgreSQL.
pub(super) static POSTGRES: LazyLock<Migrator> = migrations!("postgres");

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers and names of the files in a folder, in order.
    fn in_folder(folder: &str) -> Vec<(i64, String)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<(i64, String)> = names
            .map(|name| {
                let (number, rest) = name.strip_suffix(".sql").unwrap().split_once('_').unwrap();
                (number.parse().unwrap(), rest.replace('_', " "))
            })
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_file_is_listed_under_its_number_and_name() {
        for (migrations, folder) in [(&SQLITE, "sqlite"), (&POSTGRES, "postgres")] {
            let listed: Vec<_> = migrations.iter().map(|one| (one.version, one.description.to_string())).collect();
            assert_eq!(listed, in_folder(folder), "{folder}");
            assert!(migrations.iter().all(|one| !one.no_tx), "each in a transaction");
        }
    }
}
