//! Whom mail about a date does not reach, because it fails.

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;

use super::predicate::subject;
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::admin_mail::Contact;
use crate::domain::ids::Id;
use crate::domain::policy::Policy;

/// The people of a company whom mail about its date does not reach: it comes back by now, or no notice ever got through.
#[derive(Clone, Debug, Serialize)]
pub struct Unreachable {
    /// The company.
    pub company_id: Id,
    /// The company's name.
    pub company: String,
    /// The vendor's own key of the company.
    pub company_external_id: Option<String>,
    /// The date.
    pub enforcement_date: NaiveDate,
    /// Whether it has come.
    pub in_force: bool,
    /// How many people.
    pub people: i64,
    /// One of them.
    pub example: Id,
}

/// Reading who was never reached.
#[async_trait]
pub trait UnreachableStore {
    /// The companies with a date, to come or in force, that has people whom mail does not reach, the earliest date first.
    async fn unreachable(&self, company: Option<Id>, policy: &Policy) -> Result<Vec<Unreachable>, StoreError>;
}

/// Mail to user `u` does not get through: it comes back by now, or no notice of enforcement `e` ever reached them.
fn unreached() -> String {
    format!("u.mfa_enrolled_at IS NULL AND (u.email_status = 'bounced' OR {NEVER_REACHED})")
}

/// User `u` has reached no notice of enforcement `e`, though they were to get some: mail to them fails.
pub(super) const NEVER_REACHED: &str = "u.mfa_enrolled_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM notices AS n WHERE n.user_id = u.id AND n.enforcement_id = e.id AND n.state = 'sent')
    AND (u.email_status = 'bounced'
        OR EXISTS (SELECT 1 FROM notices AS n WHERE n.user_id = u.id AND n.enforcement_id = e.id AND n.state = 'failed'))";

#[async_trait]
impl UnreachableStore for SqlStore {
    async fn unreachable(&self, company: Option<Id>, policy: &Policy) -> Result<Vec<Unreachable>, StoreError> {
        // From the mail that failed: there are few, whatever the number of people.
        let sql = format!(
            "SELECT c.id, c.name, c.external_id, e.enforcement_date, e.state, e.id AS enforcement_id, count(DISTINCT u.id) AS people,
                 min(CAST(u.id AS text)) AS example
             FROM (SELECT user_id FROM notices WHERE state = 'failed' UNION SELECT id FROM users WHERE email_status = 'bounced') AS f
             JOIN users AS u ON u.id = f.user_id JOIN memberships AS m ON m.user_id = u.id
             JOIN companies AS c ON c.id = m.company_id
             JOIN enforcements AS e ON e.company_id = c.id AND e.state IN ('scheduled', 'in_force')
             WHERE ($2 IS NULL OR c.id = $2) AND {} AND {}
             GROUP BY c.id, c.name, c.external_id, e.enforcement_date, e.state, e.id ORDER BY e.enforcement_date, c.name, c.id",
            subject(1),
            unreached()
        );
        let rows = self.database.fetch_all(&sql, bind![!policy.leave_out_sso, company]).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Unreachable, StoreError> {
    Ok(Unreachable {
        company_id: row.get("id")?,
        company: row.text("name")?.unwrap_or_default(),
        company_external_id: row.get("external_id")?,
        enforcement_date: row.get("enforcement_date")?,
        in_force: row.get::<String>("state")? == "in_force",
        people: row.get("people")?,
        example: row.get::<String>("example")?.parse().map_err(|_| StoreError::Corrupt("an id is none".to_owned()))?,
    })
}

/// People of company `company` whom its enforcement is about and who are not enrolled, or of them those whom no notice has
/// reached: how many of the latter, and up to `limit` of either by name.
pub(super) async fn contacts(
    tx: &mut Tx,
    enforcement: Id,
    never_reached: bool,
    policy: &Policy,
    limit: i64,
) -> Result<(u64, Vec<Contact>), StoreError> {
    let condition = if never_reached { NEVER_REACHED } else { "u.mfa_enrolled_at IS NULL" };
    let people = format!(
        "FROM enforcements AS e JOIN memberships AS m ON m.company_id = e.company_id JOIN users AS u ON u.id = m.user_id
         WHERE e.id = $1 AND {} AND {condition}",
        subject(2)
    );
    let values = || bind![enforcement, !policy.leave_out_sso];
    let count = tx.fetch_optional(&format!("SELECT count(*) AS people {people}"), values()).await?;
    let count = count.map_or(Ok(0), |row| row.get::<i64>("people"))?.unsigned_abs();
    let sql = format!("SELECT u.id, u.name, u.email {people} ORDER BY lower(u.name), u.id LIMIT $3");
    let mut values = values();
    values.extend(bind![limit]);
    let contacts = tx
        .fetch_all(&sql, values)
        .await?
        .iter()
        .map(|row| {
            Ok(Contact {
                user_id: row.get("id")?,
                name: row.text("name")?.unwrap_or_default(),
                email: row.text("email")?.unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok((count, contacts))
}
