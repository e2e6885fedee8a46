//! What was foretold, and whether it is what then happened while nobody interfered.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use mfa_enforcer::domain::policy::Policy;
use mfa_enforcer::domain::time::Timestamp;
use mfa_enforcer::store::forecast::{ForecastStore as _, Proposal};
use mfa_enforcer::store::{SqlStore, StoreError};

use super::failure::Failure;
use crate::support::TestDatabase;

/// A mail's company, day and kind; or a company and the instant at which people become required.
type Count = BTreeMap<String, u64>;

/// See above.
#[derive(Default)]
pub struct Foretold {
    taken_at: Option<Timestamp>,
    mails: Count,
    required: Count,
}

impl Foretold {
    /// Whether it is yet to be taken.
    pub fn is_open(&self) -> bool {
        self.taken_at.is_none()
    }

    /// Takes the forecast of every company, for all that is to come before `ends`.
    pub async fn take(
        &mut self,
        db: &TestDatabase,
        store: &SqlStore,
        policy: &Policy,
        now: Timestamp,
        ends: Timestamp,
    ) -> Result<(), StoreError> {
        self.taken_at = Some(now);
        for company in db.rows("SELECT id FROM companies ORDER BY id").await.concat() {
            let outlook = store.forecast(&company, Proposal::Nothing, now, policy).await?;
            for mail in outlook.forecast.mails.iter().filter(|mail| mail.day <= last_day(ends)) {
                *self.mails.entry(format!("{company} {} {}", mail.day, mail.kind.as_str())).or_default() += mail.people;
            }
            for required in outlook.forecast.required.iter().filter(|required| required.at < ends) {
                *self.required.entry(format!("{company} {}", required.at)).or_default() += required.people;
            }
        }
        Ok(())
    }

    /// Compares it with what the tables say.
    ///
    /// # Returns
    /// How many lines were foretold.
    pub async fn compare(&self, db: &TestDatabase, ends: Timestamp) -> Result<u64, Failure> {
        let Some(taken_at) = self.taken_at else { return Ok(0) };
        // It was taken when all that was due at its instant had been done.
        let span = |column: &str| format!("{column} > '{taken_at}' AND {column} < '{ends}'");
        let mails = count(
            db,
            &format!(
                "SELECT e.company_id, l.sent_day, n.kind, count(*) FROM notices AS n
                 JOIN mails AS l ON l.id = n.mail_id JOIN enforcements AS e ON e.id = n.enforcement_id
                 WHERE n.state IN ('sent', 'failed') AND l.content_sha256 IS NOT NULL AND e.company_id IS NOT NULL
                     AND {} AND l.sent_day <= '{}' GROUP BY 1, 2, 3",
                // What the server was handed counts: the forecast does not foresee what it refuses.
                span("l.attempted_at"),
                last_day(ends)
            ),
        )
        .await;
        let required = count(
            db,
            &format!(
                "SELECT e.company_id, r.required_at, count(*) FROM requirements AS r
                 JOIN enforcements AS e ON e.id = r.enforcement_id
                 WHERE e.company_id IS NOT NULL AND {} GROUP BY 1, 2",
                span("r.required_at")
            ),
        )
        .await;
        differ("mails", taken_at, &self.mails, &mails)?;
        differ("required", taken_at, &self.required, &required)?;
        Ok((self.mails.len() + self.required.len()) as u64)
    }
}

/// The last day that is over for every reader at `ends`.
fn last_day(ends: Timestamp) -> NaiveDate {
    ends.utc().date_naive() - Days::new(2)
}

async fn count(db: &TestDatabase, sql: &str) -> Count {
    let mut counted = Count::new();
    for mut row in db.rows(sql).await {
        let people = row.pop().and_then(|text| text.parse().ok()).expect("a count");
        counted.insert(row.join(" "), people);
    }
    counted
}

fn differ(what: &str, taken_at: Timestamp, foretold: &Count, happened: &Count) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for key in foretold.keys().chain(happened.keys().filter(|key| !foretold.contains_key(*key))) {
        let (said, was) = (foretold.get(key).unwrap_or(&0), happened.get(key).unwrap_or(&0));
        if said != was {
            lines.push(format!("{}: foretold {said}, happened {was}", crate::simulation::plan::named(key)));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::new("forecast", format!("{what}, as foretold at {taken_at}:\n    {}", lines.join("\n    "))))
}
