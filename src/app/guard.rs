//! The first run guard: a database that would at once require or mail many people needs somebody's word first.

use comfy_table::Table;

use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::store::backlog::{Backlog, Population};
use crate::store::{Store, StoreError};

/// The key under which a database remembers that it has been run before.
pub const FIRST_RUN_KEY: &str = "first_run";

/// What the guard says.
#[derive(Debug)]
pub enum Guard {
    /// Go ahead.
    Pass,
    /// Somebody has to accept this backlog first; the text tells it, and how.
    Stop(String),
}

/// Looks whether this database is run for the first time, and whether that would at once require or mail more than
/// `limit` people. What passes is remembered, unless there is nobody yet: whoever installs first and loads the people
/// later is asked then. A daemon that was up all the while has looked at them, and is not asked when it starts again.
///
/// # Errors
/// What the database answers.
pub async fn first_run_guard(
    store: &dyn Store,
    now: Timestamp,
    policy: &Policy,
    limit: u32,
    accepted: bool,
) -> Result<Guard, StoreError> {
    if store.remembered(FIRST_RUN_KEY).await?.is_some() {
        return Ok(Guard::Pass);
    }
    let population = store.population().await?;
    if population == Population::Nobody {
        return Ok(Guard::Pass);
    }
    if population == Population::Strangers && !accepted {
        let backlog = store.backlog(now, policy).await?;
        if backlog.people > i64::from(limit) {
            return Ok(Guard::Stop(explain(&backlog, limit)));
        }
    }
    store.remember(FIRST_RUN_KEY, &now.to_string()).await?;
    Ok(Guard::Pass)
}

fn explain(backlog: &Backlog, limit: u32) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["company", "what", "people"]);
    for line in &backlog.lines {
        let company = line.company.as_deref().unwrap_or("(payees of all companies)");
        table.add_row([company, &line.what, &line.people.to_string()]);
    }
    format!(
        "this is the first run on this database, and it would at once require or mail {} people, more than \
         safety.first_run_limit = {limit}:\n\n{table}\n\nIf that is meant, run it once with --accept-backlog. Nothing was \
         sent, and nobody was required.",
        backlog.people
    )
}
