//! Companies: looking them up, adding them and setting their columns. Their dates are not set here.

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::audit::{self, NewEvent};
use super::edit::Edit;
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::Id;
use crate::domain::notice::EnforcementState;
use crate::domain::time::Timestamp;
use crate::domain::values::Locale;

/// A company as the tables have it. The vendor may have written any text: nothing here is parsed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Company {
    /// Its id.
    pub id: Id,
    /// The vendor's own key.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// The language tag of its people, unless theirs says otherwise.
    pub locale: String,
    /// Whether MFA has been rolled out to it.
    pub mfa_available: bool,
    /// From this day on everybody needs MFA.
    pub enforcement_date: Option<NaiveDate>,
    /// Who set the date.
    pub enforcement_set_by: Option<String>,
    /// How many days before the date reminders are due; null: `notices.days_before`. A string where it is no JSON that
    /// can be read.
    pub notice_days: Option<Json>,
    /// How many days late joiners get; null: `enforcement.new_member_grace_days`.
    pub new_member_grace_days: Option<i64>,
    /// Whom its people may ask.
    pub support_contact: Option<String>,
}

/// A company in the list of all.
#[derive(Clone, Debug, Serialize)]
pub struct ListedCompany {
    /// The company.
    #[serde(flatten)]
    pub company: Company,
    /// Where its open enforcement stands, or else the one in force.
    pub enforcement_state: Option<EnforcementState>,
}

/// A company and how far its people are.
#[derive(Clone, Debug, Serialize)]
pub struct CompanyOverview {
    /// The company.
    #[serde(flatten)]
    pub listed: ListedCompany,
    /// How many users are members, admins among them.
    pub members: i64,
    /// How many of them are admins.
    pub admins: i64,
    /// How many have set up MFA.
    pub enrolled: i64,
    /// How many active persons have not.
    pub not_enrolled: i64,
    /// How many are exempt at this moment.
    pub exempt: i64,
    /// For how many MFA is required, by whatever enforcement.
    pub required: i64,
}

/// What to change of a company, or to give a new one. What is not given stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompanyChange {
    /// Its name.
    pub name: Option<String>,
    /// Its time zone.
    pub time_zone: Option<Tz>,
    /// Its language.
    pub locale: Option<Locale>,
    /// Whether MFA has been rolled out to it.
    pub mfa_available: Option<bool>,
    /// Reminder days, the largest first.
    pub notice_days: Edit<Vec<u16>>,
    /// How many days late joiners get: 0 to 365.
    pub new_member_grace_days: Edit<u16>,
    /// Whom its people may ask.
    pub support_contact: Edit<String>,
    /// The vendor's own key.
    pub external_id: Edit<String>,
}

impl CompanyChange {
    /// Carries it out on a row in memory.
    pub(super) fn apply(self, company: &mut Company) {
        company.name = self.name.unwrap_or(std::mem::take(&mut company.name));
        if let Some(zone) = self.time_zone {
            zone.name().clone_into(&mut company.time_zone);
        }
        if let Some(locale) = self.locale {
            locale.as_str().clone_into(&mut company.locale);
        }
        company.mfa_available = self.mfa_available.unwrap_or(company.mfa_available);
        self.notice_days.map(|days| json!(days)).apply(&mut company.notice_days);
        self.new_member_grace_days.map(i64::from).apply(&mut company.new_member_grace_days);
        self.support_contact.apply(&mut company.support_contact);
        self.external_id.apply(&mut company.external_id);
    }
}

/// The key by which a command names a company: the vendor's own, or else the id. What a shell would read as more than a
/// plain word is never shown for pasting.
#[must_use]
pub fn key(external_id: Option<&str>, id: Id) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-:@".contains(c);
    let plain = external_id.filter(|key| key.starts_with(char::is_alphanumeric) && key.chars().all(is_plain));
    plain.map_or_else(|| id.to_string(), str::to_owned)
}

impl Company {
    /// The key by which commands name it.
    #[must_use]
    pub fn key(&self) -> String {
        key(self.external_id.as_deref(), self.id)
    }

    /// A company that has no columns yet but their defaults.
    pub(super) fn blank(id: Id) -> Self {
        Self {
            id,
            external_id: None,
            name: String::new(),
            time_zone: String::new(),
            locale: "en".to_owned(),
            mfa_available: true,
            enforcement_date: None,
            enforcement_set_by: None,
            notice_days: None,
            new_member_grace_days: None,
            support_contact: None,
        }
    }
}

/// Use-cases about companies. `by` is the person on whose word something is done; a key is an id or an external id.
#[async_trait]
pub trait CompanyStore {
    /// Up to `limit` companies after the one with the id `after`, in the order of ids.
    async fn companies_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<ListedCompany>, StoreError>;

    /// The company with this key.
    async fn company(&self, key: &str) -> Result<Company, StoreError>;

    /// The company with this key, and how far its people are at `now`.
    async fn company_overview(&self, key: &str, now: Timestamp) -> Result<CompanyOverview, StoreError>;

    /// Adds a company; `new` must name its name and time zone.
    async fn add_company(&self, new: CompanyChange, by: &str, now: Timestamp) -> Result<Company, StoreError>;

    /// Sets columns of the company with this key.
    ///
    /// Returns the company as it is now, and the names of the columns that changed.
    async fn set_company(
        &self,
        key: &str,
        change: CompanyChange,
        by: &str,
        now: Timestamp,
    ) -> Result<(Company, Vec<String>), StoreError>;
}

pub(super) const COLUMNS: &str = "c.id, c.external_id, c.name, c.time_zone, c.locale, c.mfa_available, \
     c.enforcement_date, c.enforcement_set_by, CAST(c.notice_days AS text) AS notice_days, c.new_member_grace_days, c.support_contact";

const STATE: &str = "COALESCE(
         (SELECT e.state FROM enforcements AS e WHERE e.company_id = c.id AND e.state IN ('scheduled', 'held')),
         (SELECT e.state FROM enforcements AS e WHERE e.company_id = c.id AND e.state = 'in_force')) AS enforcement_state";

#[async_trait]
impl CompanyStore for SqlStore {
    async fn companies_page(&self, after: Option<Id>, limit: i64) -> Result<Vec<ListedCompany>, StoreError> {
        // No id is smaller than the nil UUID.
        let after = after.unwrap_or(Id(uuid::Uuid::nil()));
        let sql = format!("SELECT {COLUMNS}, {STATE} FROM companies AS c WHERE c.id > $1 ORDER BY c.id LIMIT $2");
        let rows = self.database.fetch_all(&sql, bind![after, limit]).await?;
        rows.iter().map(listed).collect()
    }

    async fn company(&self, key: &str) -> Result<Company, StoreError> {
        find(&mut self.database.begin_read().await?, key, Lock::No).await
    }

    async fn company_overview(&self, key: &str, now: Timestamp) -> Result<CompanyOverview, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let company = find(&mut tx, key, Lock::No).await?;
        let sql = format!(
            "SELECT {STATE}, count(m.user_id) AS members,
                 count(*) FILTER (WHERE m.role = 'admin') AS admins,
                 count(*) FILTER (WHERE u.mfa_enrolled_at IS NOT NULL) AS enrolled,
                 count(*) FILTER (WHERE u.active AND u.kind = 'person' AND u.mfa_enrolled_at IS NULL) AS not_enrolled,
                 count(*) FILTER (WHERE m.exempt_until > $2) AS exempt,
                 count(*) FILTER (WHERE u.mfa_required_at IS NOT NULL) AS required
             FROM companies AS c
             LEFT JOIN memberships AS m ON m.company_id = c.id
             LEFT JOIN users AS u ON u.id = m.user_id
             WHERE c.id = $1 GROUP BY c.id"
        );
        let row = tx.fetch_optional(&sql, bind![company.id, now]).await?.ok_or_else(|| missing(key))?;
        Ok(CompanyOverview {
            listed: ListedCompany { company, enforcement_state: state(&row)? },
            members: row.get("members")?,
            admins: row.get("admins")?,
            enrolled: row.get("enrolled")?,
            not_enrolled: row.get("not_enrolled")?,
            exempt: row.get("exempt")?,
            required: row.get("required")?,
        })
    }

    async fn add_company(&self, new: CompanyChange, by: &str, now: Timestamp) -> Result<Company, StoreError> {
        let mut company = Company::blank(self.randomness.id(now));
        new.apply(&mut company);
        if company.name.is_empty() || company.time_zone.is_empty() {
            return Err(StoreError::Refused("a new company needs a name and a time zone".to_owned()));
        }
        let mut tx = self.database.begin().await?;
        refuse_taken_key(&mut tx, &company).await?;
        tx.execute(
            "INSERT INTO companies (id, external_id, name, time_zone, locale, mfa_available, notice_days,
                 new_member_grace_days, support_contact)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            settable(&company),
        )
        .await?;
        let detail = json!({ "time_zone": company.time_zone, "mfa_available": company.mfa_available });
        record(&mut tx, "company_added", company.id, detail, by, now).await?;
        tx.commit().await?;
        Ok(company)
    }

    async fn set_company(
        &self,
        key: &str,
        change: CompanyChange,
        by: &str,
        now: Timestamp,
    ) -> Result<(Company, Vec<String>), StoreError> {
        let mut tx = self.database.begin().await?;
        let before = find(&mut tx, key, Lock::ForUpdate).await?;
        let mut company = before.clone();
        change.apply(&mut company);
        let difference = Difference::between(&before, &company)?;
        if difference.columns.is_empty() {
            return Ok((company, vec![]));
        }
        if before.external_id != company.external_id {
            refuse_taken_key(&mut tx, &company).await?;
        }
        tx.execute(
            "UPDATE companies SET external_id = $2, name = $3, time_zone = $4, locale = $5, mfa_available = $6,
                 notice_days = $7, new_member_grace_days = $8, support_contact = $9
             WHERE id = $1",
            settable(&company),
        )
        .await?;
        let detail = json!({ "columns": difference.columns, "from": difference.from, "to": difference.to });
        record(&mut tx, "company_set", company.id, detail, by, now).await?;
        tx.commit().await?;
        Ok((company, difference.columns))
    }
}

/// Whether a row that is looked up stays as it is until the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    No,
    ForUpdate,
}

/// The company whose id, or else whose external id, is `key`.
pub(super) async fn find(tx: &mut Tx, key: &str, lock: Lock) -> Result<Company, StoreError> {
    let lock = if lock == Lock::ForUpdate { tx.dialect().for_update("c") } else { String::new() };
    let sql = format!(
        "SELECT {COLUMNS} FROM companies AS c WHERE c.id = $1 OR c.external_id = $2
         ORDER BY CASE WHEN c.id = $1 THEN 0 ELSE 1 END LIMIT 1{lock}"
    );
    let row = tx.fetch_optional(&sql, bind![key.parse::<Id>().ok(), key]).await?;
    row.as_ref().map(company).ok_or_else(|| missing(key))?
}

fn missing(key: &str) -> StoreError {
    StoreError::NotFound(format!(
        "no company has the id or external id '{key}': `mfa-enforcer company list` shows all of them"
    ))
}

pub(super) fn company(row: &Row) -> Result<Company, StoreError> {
    Ok(Company {
        id: row.get("id")?,
        external_id: row.text("external_id")?,
        name: row.text("name")?.unwrap_or_default(),
        time_zone: row.text("time_zone")?.unwrap_or_default(),
        locale: row.text("locale")?.unwrap_or_default(),
        mfa_available: row.get("mfa_available")?,
        enforcement_date: row.get("enforcement_date")?,
        enforcement_set_by: row.text("enforcement_set_by")?,
        notice_days: row.text("notice_days")?.map(notice_days),
        new_member_grace_days: row.get("new_member_grace_days")?,
        support_contact: row.text("support_contact")?,
    })
}

/// The reminder days as somebody wrote them. The databases take JSON that `serde_json` does not, such as `[1e999]`: then
/// the text itself, as a JSON string, which is no list of days either. So the row can be shown and mended.
fn notice_days(text: String) -> Json {
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

fn listed(row: &Row) -> Result<ListedCompany, StoreError> {
    Ok(ListedCompany { company: company(row)?, enforcement_state: state(row)? })
}

fn state(row: &Row) -> Result<Option<EnforcementState>, StoreError> {
    row.get::<Option<String>>("enforcement_state")?.map(|name| name.parse().map_err(StoreError::Corrupt)).transpose()
}

fn settable(company: &Company) -> Vec<super::values::Value> {
    bind![
        company.id,
        company.external_id.clone(),
        company.name.clone(),
        company.time_zone.clone(),
        company.locale.clone(),
        company.mfa_available,
        company.notice_days.clone(),
        company.new_member_grace_days,
        company.support_contact.clone()
    ]
}

async fn refuse_taken_key(tx: &mut Tx, company: &Company) -> Result<(), StoreError> {
    let Some(external_id) = &company.external_id else { return Ok(()) };
    let taken = tx
        .fetch_optional(
            "SELECT id FROM companies WHERE external_id = $1 AND id <> $2",
            bind![external_id.clone(), company.id],
        )
        .await?;
    match taken {
        Some(row) => Err(StoreError::Refused(format!(
            "the external id '{external_id}' belongs to the company {} already: give another one",
            row.get::<Id>("id")?
        ))),
        None => Ok(()),
    }
}

async fn record(
    tx: &mut Tx,
    action: &str,
    company_id: Id,
    detail: Json,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = Some(company_id.to_string());
    audit::append(tx, now, vec![NewEvent { actor: by, action, company_id: Some(company_id), subject, detail }]).await
}

/// What of a company changed, as the audit trail may tell it: the values too, unless they are somebody's words.
struct Difference {
    columns: Vec<String>,
    from: Map<String, Json>,
    to: Map<String, Json>,
}

impl Difference {
    fn between(before: &Company, after: &Company) -> Result<Self, StoreError> {
        const WORDS: [&str; 3] = ["external_id", "name", "support_contact"];
        let (before, after) = (fields(before)?, fields(after)?);
        let mut difference = Self { columns: vec![], from: Map::new(), to: Map::new() };
        for (column, value) in after {
            let old = before.get(&column).cloned().unwrap_or_default();
            if old == value {
                continue;
            }
            if !WORDS.contains(&column.as_str()) {
                difference.from.insert(column.clone(), old);
                difference.to.insert(column.clone(), value);
            }
            difference.columns.push(column);
        }
        Ok(difference)
    }
}

fn fields(company: &Company) -> Result<Map<String, Json>, StoreError> {
    match serde_json::to_value(company) {
        Ok(Json::Object(fields)) => Ok(fields),
        _ => Err(StoreError::Corrupt(format!("the company {} cannot be written as JSON", company.id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_plain_word_to_a_shell() {
        let id = Id(uuid::Uuid::nil());
        for plain in ["acme", "acme.eu", "1042", "a-b_c:d@e", "Zürich"] {
            assert_eq!(key(Some(plain), id), plain);
        }
        for odd in ["", "-dash", "--yes", "#x", "$(touch pwned)", "a b", "a;b", "a'b", "~root", "a*"] {
            assert_eq!(key(Some(odd), id), id.to_string(), "{odd}");
        }
        assert_eq!(key(None, id), id.to_string());
    }
}
