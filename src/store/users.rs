//! Users: looking them up, all that is known of one (R11), and whether they have set up MFA.

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::admin_history::{self, AdminMailRecord};
use super::audit::{self, NewEvent};
use super::notice_history::{self, NoticeRecord};
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::admin_mail::AdminMailChoice;
use crate::domain::ids::Id;
use crate::domain::methods::{self, Method};
use crate::domain::notice::EnforcementState;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;

/// A user as the tables have it. The vendor may have written any text: nothing here is parsed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct User {
    /// Its id.
    pub id: Id,
    /// The vendor's own key.
    pub external_id: Option<String>,
    /// Where notices go.
    pub email: String,
    /// The name.
    pub name: String,
    /// The language tag; null: the company's.
    pub locale: Option<String>,
    /// The IANA name of the time zone; null: the company's.
    pub time_zone: Option<String>,
    /// The country (ISO 3166-1 alpha-2); null: unknown.
    pub country: Option<String>,
    /// `person` or `service`.
    pub kind: String,
    /// Whether the account may sign in.
    pub active: bool,
    /// Whether it signs in through the company's identity provider.
    pub sso: bool,
    /// Whether it receives payments.
    pub payee: bool,
    /// Since when MFA is set up.
    pub mfa_enrolled_at: Option<Timestamp>,
    /// Which second step was chosen.
    pub mfa_method: Option<String>,
    /// Since when MFA is required.
    pub mfa_required_at: Option<Timestamp>,
    /// `ok`, or `bounced` when the address was refused for good.
    pub email_status: String,
}

/// A user's membership, with its company's names.
#[derive(Clone, Debug, Serialize)]
pub struct Membership {
    /// The company.
    pub company_id: Id,
    /// The vendor's own key of the company.
    pub company_external_id: Option<String>,
    /// The company's name.
    pub company_name: String,
    /// `member` or `admin`.
    pub role: String,
    /// What mail about the company's dates the user wants, as an admin.
    pub admin_mail: AdminMailChoice,
    /// When the user joined.
    pub joined_at: Option<Timestamp>,
    /// Until when the user is left out of the company's enforcement.
    pub exempt_until: Option<Timestamp>,
    /// Why.
    pub exempt_reason: Option<String>,
    /// Who allowed it.
    pub exempt_by: Option<String>,
    /// Not required before this instant.
    pub require_at: Option<Timestamp>,
}

/// When, and by which enforcement, MFA became required for a user.
#[derive(Clone, Debug, Serialize)]
pub struct RequirementRecord {
    /// The enforcement.
    pub enforcement_id: Id,
    /// Its company; none for the payee mandate.
    pub company_id: Option<Id>,
    /// Its date; none when the enforcement is known no more.
    pub enforcement_date: Option<NaiveDate>,
    /// Where it stands.
    pub enforcement_state: Option<EnforcementState>,
    /// From when it requires.
    pub required_at: Timestamp,
    /// Since when it does no longer.
    pub cleared_at: Option<Timestamp>,
}

/// All that is known of one user (R11): what was sent when, what the server answered, when MFA became required and why.
#[derive(Clone, Debug, Serialize)]
pub struct UserDossier {
    /// The user's id.
    pub user_id: Id,
    /// The row; none when the user was deleted. What was proved outlives it.
    pub user: Option<User>,
    /// Where the user belongs.
    pub memberships: Vec<Membership>,
    /// Every notice the user was owed, in the order of due times.
    pub notices: Vec<NoticeRecord>,
    /// Every mail the user was owed as an admin, in the order in which they were made.
    pub admin_mails: Vec<AdminMailRecord>,
    /// Every requirement, in the order of time.
    pub requirements: Vec<RequirementRecord>,
}

/// Use-cases about users. `by` is the person on whose word something is done; a key is an id, an external id or an
/// e-mail address that one user alone has.
#[async_trait]
pub trait UserStore {
    /// The user with this key.
    async fn user(&self, key: &str) -> Result<User, StoreError>;

    /// All that is known of the user with this key; also of a deleted one, by id.
    async fn user_dossier(&self, key: &str) -> Result<UserDossier, StoreError>;

    /// Records that the user with this key has set up MFA by `method`, at `now` unless already before.
    ///
    /// Returns the user as it is now, and whether anything changed. `policy` says where a phone number is allowed.
    async fn enroll(
        &self,
        key: &str,
        method: Method,
        policy: &Policy,
        by: &str,
        now: Timestamp,
    ) -> Result<(User, bool), StoreError>;

    /// Records that the user with this key has MFA set up no longer.
    ///
    /// Returns the user as it is now, and whether anything changed.
    async fn unenroll(&self, key: &str, by: &str, now: Timestamp) -> Result<(User, bool), StoreError>;
}

pub(super) const COLUMNS: &str = "u.id, u.external_id, u.email, u.name, u.locale, u.time_zone, u.country, u.kind, \
     u.active, u.sso, u.payee, u.mfa_enrolled_at, u.mfa_method, u.mfa_required_at, u.email_status";

#[async_trait]
impl UserStore for SqlStore {
    async fn user(&self, key: &str) -> Result<User, StoreError> {
        find(&mut self.database.begin_read().await?, key).await
    }

    async fn user_dossier(&self, key: &str) -> Result<UserDossier, StoreError> {
        let mut tx = self.database.begin_read().await?;
        let (user_id, user) = match (find(&mut tx, key).await, key.parse::<Id>()) {
            (Ok(user), _) => (user.id, Some(user)),
            (Err(StoreError::NotFound(_)), Ok(id)) if has_history(&mut tx, id).await? => (id, None),
            (Err(error), _) => return Err(error),
        };
        Ok(UserDossier {
            user_id,
            user,
            memberships: memberships(&mut tx, user_id).await?,
            notices: notice_history::of_user(&mut tx, user_id).await?,
            admin_mails: admin_history::of_user(&mut tx, user_id).await?,
            requirements: requirements(&mut tx, user_id).await?,
        })
    }

    async fn enroll(
        &self,
        key: &str,
        method: Method,
        policy: &Policy,
        by: &str,
        now: Timestamp,
    ) -> Result<(User, bool), StoreError> {
        let mut tx = self.database.begin().await?;
        let mut user = find_locked(&mut tx, key).await?;
        let country = user.country.as_deref().and_then(|code| code.parse().ok());
        if !methods::methods(country, user.payee, policy).contains(&method) {
            return Err(StoreError::Refused(format!(
                "a phone number cannot be the second step of the user {}, whose country is {}{}: use --method authenticator",
                user.id,
                user.country.as_deref().unwrap_or("unknown"),
                if user.payee { " and who is a payee" } else { "" }
            )));
        }
        let name = method_name(method);
        if user.mfa_enrolled_at.is_some() && user.mfa_method.as_deref() == Some(name) {
            return Ok((user, false));
        }
        user.mfa_enrolled_at.get_or_insert(now);
        user.mfa_method = Some(name.to_owned());
        save_enrollment(&mut tx, &user).await?;
        record(&mut tx, "user_enrolled", user.id, json!({ "method": name }), by, now).await?;
        tx.commit().await?;
        Ok((user, true))
    }

    async fn unenroll(&self, key: &str, by: &str, now: Timestamp) -> Result<(User, bool), StoreError> {
        let mut tx = self.database.begin().await?;
        let mut user = find_locked(&mut tx, key).await?;
        if user.mfa_enrolled_at.is_none() && user.mfa_method.is_none() {
            return Ok((user, false));
        }
        let detail = json!({ "was_enrolled_at": user.mfa_enrolled_at, "method": user.mfa_method });
        (user.mfa_enrolled_at, user.mfa_method) = (None, None);
        save_enrollment(&mut tx, &user).await?;
        record(&mut tx, "user_unenrolled", user.id, detail, by, now).await?;
        tx.commit().await?;
        Ok((user, true))
    }
}

/// The name under which a method is stored.
#[must_use]
pub fn method_name(method: Method) -> &'static str {
    match method {
        Method::Authenticator => "authenticator",
        Method::Sms => "sms",
    }
}

/// The user whose id, or else whose external id, or else whose e-mail address is `key`.
pub(super) async fn find(tx: &mut Tx, key: &str) -> Result<User, StoreError> {
    const SHOWN: usize = 10;
    let sql = format!(
        "SELECT {COLUMNS}, CASE WHEN u.id = $1 THEN 'id' WHEN u.external_id = $2 THEN 'external id' ELSE 'e-mail' END AS found_by
         FROM users AS u WHERE u.id = $1 OR u.external_id = $2 OR lower(u.email) = lower($2)
         ORDER BY CASE WHEN u.id = $1 THEN 0 WHEN u.external_id = $2 THEN 1 ELSE 2 END, u.id LIMIT {}",
        SHOWN + 1
    );
    let rows = tx.fetch_all(&sql, bind![key.parse::<Id>().ok(), key]).await?;
    let Some(first) = rows.first() else {
        return Err(StoreError::NotFound(format!(
            "no user has the id, external id or e-mail address '{key}': look it up in the table users, or import the user"
        )));
    };
    if rows.len() > 1 && first.get::<String>("found_by")? == "e-mail" {
        let ids = rows.iter().take(SHOWN).map(|row| Ok(row.get::<Id>("id")?.to_string()));
        let ids = ids.collect::<Result<Vec<_>, StoreError>>()?.join(", ");
        let more = if rows.len() > SHOWN { " and more" } else { "" };
        return Err(StoreError::NotFound(format!(
            "the e-mail address '{key}' belongs to several users: name one by id: {ids}{more}"
        )));
    }
    user(first)
}

/// The same user, whose row nobody else writes until the end of the transaction.
pub(super) async fn find_locked(tx: &mut Tx, key: &str) -> Result<User, StoreError> {
    let found = find(tx, key).await?;
    let sql = format!("SELECT {COLUMNS} FROM users AS u WHERE u.id = $1{}", tx.dialect().for_update("u"));
    let row = tx.fetch_optional(&sql, bind![found.id]).await?;
    row.as_ref().map(user).ok_or_else(|| StoreError::NotFound(format!("the user {} was deleted just now", found.id)))?
}

pub(super) fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.get("id")?,
        external_id: row.text("external_id")?,
        email: row.text("email")?.unwrap_or_default(),
        name: row.text("name")?.unwrap_or_default(),
        locale: row.text("locale")?,
        time_zone: row.text("time_zone")?,
        country: row.text("country")?,
        kind: row.get("kind")?,
        active: row.get("active")?,
        sso: row.get("sso")?,
        payee: row.get("payee")?,
        mfa_enrolled_at: row.get("mfa_enrolled_at")?,
        mfa_method: row.get("mfa_method")?,
        mfa_required_at: row.get("mfa_required_at")?,
        email_status: row.get("email_status")?,
    })
}

/// Requirement `r` is one of user `$1`: by the two indexes that there are, of which each has a part.
const OF_USER: &str = "(r.user_id = $1 AND r.cleared_at IS NULL OR r.user_id = $1 AND r.cleared_at IS NOT NULL)";

async fn has_history(tx: &mut Tx, user_id: Id) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM notices WHERE user_id = $1)
         OR EXISTS (SELECT 1 FROM requirements AS r WHERE {OF_USER})"
    );
    Ok(tx.fetch_optional(&sql, bind![user_id]).await?.is_some())
}

async fn memberships(tx: &mut Tx, user_id: Id) -> Result<Vec<Membership>, StoreError> {
    let rows = tx
        .fetch_all(
            "SELECT m.company_id, c.external_id, c.name, m.role, m.admin_mail, m.joined_at, m.exempt_until, m.exempt_reason,
                 m.exempt_by, m.require_at
             FROM memberships AS m JOIN companies AS c ON c.id = m.company_id
             WHERE m.user_id = $1 ORDER BY m.company_id",
            bind![user_id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Membership {
                company_id: row.get("company_id")?,
                company_external_id: row.text("external_id")?,
                company_name: row.text("name")?.unwrap_or_default(),
                role: row.get("role")?,
                admin_mail: row.name("admin_mail")?,
                joined_at: row.get("joined_at")?,
                exempt_until: row.get("exempt_until")?,
                exempt_reason: row.text("exempt_reason")?,
                exempt_by: row.text("exempt_by")?,
                require_at: row.get("require_at")?,
            })
        })
        .collect()
}

async fn requirements(tx: &mut Tx, user_id: Id) -> Result<Vec<RequirementRecord>, StoreError> {
    let sql = format!(
        "SELECT r.enforcement_id, e.company_id, e.enforcement_date, e.state, r.required_at, r.cleared_at
         FROM requirements AS r LEFT JOIN enforcements AS e ON e.id = r.enforcement_id
         WHERE {OF_USER} ORDER BY r.required_at, r.enforcement_id, r.cleared_at"
    );
    let rows = tx.fetch_all(&sql, bind![user_id]).await?;
    rows.iter()
        .map(|row| {
            let state: Option<String> = row.get("state")?;
            Ok(RequirementRecord {
                enforcement_id: row.get("enforcement_id")?,
                company_id: row.get("company_id")?,
                enforcement_date: row.get("enforcement_date")?,
                enforcement_state: state.map(|name| name.parse().map_err(StoreError::Corrupt)).transpose()?,
                required_at: row.get("required_at")?,
                cleared_at: row.get("cleared_at")?,
            })
        })
        .collect()
}

async fn save_enrollment(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE users SET mfa_enrolled_at = $2, mfa_method = $3 WHERE id = $1",
        bind![user.id, user.mfa_enrolled_at, user.mfa_method.clone()],
    )
    .await?;
    Ok(())
}

async fn record(
    tx: &mut Tx,
    action: &str,
    user_id: Id,
    detail: Json,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = Some(user_id.to_string());
    audit::append(tx, now, vec![NewEvent { actor: by, action, company_id: None, subject, detail }]).await
}
