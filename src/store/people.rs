//! Everybody, page by page: what a timeline has to know of them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::requirements::{id_batch, id_rows};
use super::sql::Row;
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;

/// A user, where they belong, and what requires them.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: Id,
    /// The user's name.
    pub name: String,
    /// The user's own time zone, as the vendor wrote it.
    pub time_zone: Option<String>,
    /// Whether this is an account of a service, and nobody's.
    pub is_service: bool,
    /// Whether the account can be used.
    pub active: bool,
    /// Whether the user signs in through the company's identity provider.
    pub sso: bool,
    /// Since when the user is enrolled.
    pub mfa_enrolled_at: Option<Timestamp>,
    /// Since when MFA is required.
    pub mfa_required_at: Option<Timestamp>,
    /// The companies, and since when the user is with each, in the order of their ids.
    pub memberships: Vec<(Id, Option<Timestamp>)>,
    /// Every requirement, in the order of time.
    pub requirements: Vec<Binding>,
}

/// One requirement.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The enforcement that requires.
    pub enforcement_id: Id,
    /// Its company; none for the payee mandate.
    pub company_id: Option<Id>,
    /// Since when.
    pub required_at: Timestamp,
}

/// Reading everybody.
#[async_trait]
pub trait PeopleStore {
    /// Up to `limit` users after the one with the id `after`, in the order of ids.
    async fn people_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<Person>, StoreError>;
}

#[async_trait]
impl PeopleStore for SqlStore {
    async fn people_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<Person>, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let sql = "SELECT id, name, time_zone, kind, active, sso, mfa_enrolled_at, mfa_required_at FROM users
            WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = tx.fetch_all(sql, bind![after.unwrap_or(Id::FIRST), limit]).await?;
        let people = rows.iter().map(person).collect::<Result<Vec<_>, _>>()?;
        let ids = id_batch(people.iter().map(|person| person.id));
        let mut people: BTreeMap<Id, Person> = people.into_iter().map(|person| (person.id, person)).collect();
        let sql = format!(
            "SELECT m.user_id, m.company_id, m.joined_at FROM memberships AS m JOIN companies AS c ON c.id = m.company_id
             WHERE m.user_id IN (SELECT id FROM {}) ORDER BY m.user_id, m.company_id",
            id_rows(&tx, 1)
        );
        for row in tx.fetch_all(&sql, bind![ids.clone()]).await? {
            if let Some(person) = people.get_mut(&row.get("user_id")?) {
                person.memberships.push((row.get("company_id")?, row.get("joined_at")?));
            }
        }
        let sql = format!(
            "SELECT r.user_id, r.enforcement_id, e.company_id, r.required_at FROM requirements AS r
             LEFT JOIN enforcements AS e ON e.id = r.enforcement_id
             WHERE r.user_id IN (SELECT id FROM {}) ORDER BY r.user_id, r.required_at, r.enforcement_id, r.cleared_at",
            id_rows(&tx, 1)
        );
        for row in tx.fetch_all(&sql, bind![ids]).await? {
            let (enforcement_id, company_id) = (row.get("enforcement_id")?, row.get("company_id")?);
            let binding = Binding { enforcement_id, company_id, required_at: row.get("required_at")? };
            if let Some(person) = people.get_mut(&row.get("user_id")?) {
                person.requirements.push(binding);
            }
        }
        Ok(people.into_values().collect())
    }
}

fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.get("id")?,
        name: row.text("name")?.unwrap_or_default(),
        time_zone: row.text("time_zone")?,
        is_service: row.get::<String>("kind")? != "person",
        active: row.get("active")?,
        sso: row.get("sso")?,
        mfa_enrolled_at: row.get("mfa_enrolled_at")?,
        mfa_required_at: row.get("mfa_required_at")?,
        memberships: Vec::new(),
        requirements: Vec::new(),
    })
}
