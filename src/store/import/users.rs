//! Importing users and their memberships.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Serialize;

use super::target::{Target, flag};
use super::{BatchOutcome, Effect, Planned, keys, new_ids, record};
use crate::domain::admin_mail::AdminMailChoice;
use crate::domain::ids::Id;
use crate::domain::methods::Method;
use crate::domain::time::Timestamp;
use crate::domain::values::{CountryCode, EmailAddress, Locale};
use crate::store::dialect::ColumnType;
use crate::store::edit::Edit;
use crate::store::sql::{Row, Tx};
use crate::store::users::{COLUMNS, User, method_name, user};
use crate::store::values::{Rows, bind};
use crate::store::{SqlStore, StoreError};

/// What one line says of a user and, where it names a company, of one membership.
#[derive(Clone, Debug, Default)]
pub struct UserLine {
    /// The line's number, from 1.
    pub line: u64,
    /// The vendor's own key, by which the user is found.
    pub external_id: String,
    /// The user's columns.
    pub change: UserChange,
    /// The membership.
    pub membership: Option<MembershipLine>,
}

/// What to change of a user, or to give a new one. What is not given stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Where notices go.
    pub email: Option<EmailAddress>,
    /// The name.
    pub name: Option<String>,
    /// The language.
    pub locale: Edit<Locale>,
    /// The time zone.
    pub time_zone: Edit<Tz>,
    /// The country.
    pub country: Edit<CountryCode>,
    /// Whether it is a person's account.
    pub kind: Option<UserKind>,
    /// Whether the account may sign in.
    pub active: Option<bool>,
    /// Whether it signs in through the company's identity provider.
    pub sso: Option<bool>,
    /// Whether it receives payments.
    pub payee: Option<bool>,
    /// Since when MFA is set up.
    pub mfa_enrolled_at: Edit<Timestamp>,
    /// Which second step was chosen.
    pub mfa_method: Edit<Method>,
}

/// What one line says of a membership.
#[derive(Clone, Debug, Default)]
pub struct MembershipLine {
    /// The company's external id.
    pub company: String,
    /// What the user may do there.
    pub role: Option<Role>,
    /// What mail about the company's dates an admin wants.
    pub admin_mail: Option<AdminMailChoice>,
    /// When the user joined.
    pub joined_at: Edit<Timestamp>,
    /// Until when the user is left out of the company's enforcement.
    pub exempt_until: Edit<Timestamp>,
    /// Why.
    pub exempt_reason: Edit<String>,
    /// Who allowed it; where the line says nothing, whoever imports it.
    pub exempt_by: Edit<String>,
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// A person's.
    Person,
    /// No person's.
    Service,
}

/// What a user may do at a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Work there.
    Member,
    /// Also set its date.
    Admin,
}

impl UserChange {
    fn apply(self, user: &mut User) -> Result<(), String> {
        if let Some(email) = self.email {
            email.as_str().clone_into(&mut user.email);
        }
        user.name = self.name.unwrap_or(std::mem::take(&mut user.name));
        self.locale.map(|locale| locale.as_str().to_owned()).apply(&mut user.locale);
        self.time_zone.map(|zone| zone.name().to_owned()).apply(&mut user.time_zone);
        self.country.map(|country| country.to_string()).apply(&mut user.country);
        if let Some(kind) = self.kind {
            user.kind = match kind {
                UserKind::Person => "person".to_owned(),
                UserKind::Service => "service".to_owned(),
            };
        }
        user.active = self.active.unwrap_or(user.active);
        user.sso = self.sso.unwrap_or(user.sso);
        user.payee = self.payee.unwrap_or(user.payee);
        if self.mfa_enrolled_at == Edit::Clear {
            user.mfa_method = None;
        }
        let says_method = matches!(self.mfa_method, Edit::To(_));
        self.mfa_enrolled_at.apply(&mut user.mfa_enrolled_at);
        self.mfa_method.map(|method| method_name(method).to_owned()).apply(&mut user.mfa_method);
        if says_method && user.mfa_enrolled_at.is_none() {
            return Err("mfa_method needs mfa_enrolled_at: give both, or neither".to_owned());
        }
        Ok(())
    }
}

/// A membership, as far as the vendor may write it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct MembershipRow {
    company_id: Id,
    user_id: Id,
    role: String,
    admin_mail: AdminMailChoice,
    joined_at: Option<Timestamp>,
    exempt_until: Option<Timestamp>,
    exempt_reason: Option<String>,
    exempt_by: Option<String>,
}

impl MembershipLine {
    fn apply(self, row: &mut MembershipRow, by: &str) -> Result<(), String> {
        if let Some(role) = self.role {
            row.role = match role {
                Role::Member => "member".to_owned(),
                Role::Admin => "admin".to_owned(),
            };
        }
        row.admin_mail = self.admin_mail.unwrap_or(row.admin_mail);
        self.joined_at.apply(&mut row.joined_at);
        if self.exempt_until == Edit::Clear {
            (row.exempt_reason, row.exempt_by) = (None, None);
        }
        let exempts = matches!(self.exempt_until, Edit::To(_));
        let explains = matches!(self.exempt_reason, Edit::To(_)) || matches!(self.exempt_by, Edit::To(_));
        self.exempt_until.apply(&mut row.exempt_until);
        self.exempt_reason.apply(&mut row.exempt_reason);
        self.exempt_by.apply(&mut row.exempt_by);
        if exempts && row.exempt_by.is_none() {
            row.exempt_by = Some(by.to_owned());
        }
        if exempts && row.exempt_reason.is_none() {
            return Err("exempt_until needs exempt_reason: why is the user exempt?".to_owned());
        }
        if explains && row.exempt_until.is_none() {
            return Err("exempt_reason and exempt_by need exempt_until: until when is the user exempt?".to_owned());
        }
        Ok(())
    }
}

const USERS: Target<User> = Target {
    table: "users",
    key: &[("id", ColumnType::Id, |user| Some(user.id.to_string().into()))],
    columns: &[
        ("external_id", ColumnType::Text, |user| user.external_id.as_deref().map(Into::into)),
        ("email", ColumnType::Text, |user| Some(user.email.as_str().into())),
        ("name", ColumnType::Text, |user| Some(user.name.as_str().into())),
        ("locale", ColumnType::Text, |user| user.locale.as_deref().map(Into::into)),
        ("time_zone", ColumnType::Text, |user| user.time_zone.as_deref().map(Into::into)),
        ("country", ColumnType::Text, |user| user.country.as_deref().map(Into::into)),
        ("kind", ColumnType::Text, |user| Some(user.kind.as_str().into())),
        ("active", ColumnType::Bool, |user| Some(flag(user.active).into())),
        ("sso", ColumnType::Bool, |user| Some(flag(user.sso).into())),
        ("payee", ColumnType::Bool, |user| Some(flag(user.payee).into())),
        ("mfa_enrolled_at", ColumnType::Instant, |user| user.mfa_enrolled_at.map(|at| at.to_string().into())),
        ("mfa_method", ColumnType::Text, |user| user.mfa_method.as_deref().map(Into::into)),
    ],
};

const MEMBERSHIPS: Target<MembershipRow> = Target {
    table: "memberships",
    key: &[
        ("company_id", ColumnType::Id, |row| Some(row.company_id.to_string().into())),
        ("user_id", ColumnType::Id, |row| Some(row.user_id.to_string().into())),
    ],
    columns: &[
        ("role", ColumnType::Text, |row| Some(row.role.as_str().into())),
        ("admin_mail", ColumnType::Text, |row| Some(row.admin_mail.as_str().into())),
        ("joined_at", ColumnType::Instant, |row| row.joined_at.map(|at| at.to_string().into())),
        ("exempt_until", ColumnType::Instant, |row| row.exempt_until.map(|at| at.to_string().into())),
        ("exempt_reason", ColumnType::Text, |row| row.exempt_reason.as_deref().map(Into::into)),
        ("exempt_by", ColumnType::Text, |row| row.exempt_by.as_deref().map(Into::into)),
    ],
};

pub(super) async fn import(
    store: &SqlStore,
    lines: Vec<UserLine>,
    by: &str,
    now: Timestamp,
) -> Result<BatchOutcome, StoreError> {
    let mut tx = store.database.begin().await?;
    tx.expect_keys().await?;
    let mut batch = Batch::stored(&mut tx, &lines).await?;
    let mut outcome = BatchOutcome::default();
    for (new_id, line) in new_ids(store, lines.len(), now).zip(lines) {
        let number = line.line;
        outcome.count(number, batch.plan(line, by, new_id));
    }
    if outcome.added + outcome.changed > 0 {
        let users: Vec<_> = batch.users.values().collect();
        let memberships: Vec<_> = batch.memberships.values().collect();
        USERS.write(&mut tx, &users).await?;
        MEMBERSHIPS.write(&mut tx, &memberships).await?;
        let users = users.iter().filter(|row| row.is_new() || row.is_changed());
        let memberships = memberships.iter().filter(|row| row.is_new() || row.is_changed());
        let written = users
            .map(|row| row.after.id.to_string())
            .chain(memberships.map(|row| format!("{} {}", row.after.company_id, row.after.user_id)))
            .collect();
        record(&mut tx, "users_imported", &outcome, written, by, now).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// The rows that a batch of lines speaks of.
struct Batch {
    /// The companies by their external ids.
    companies: BTreeMap<String, Id>,
    /// The users by their external ids.
    users: BTreeMap<String, Planned<User>>,
    /// The memberships by company and user.
    memberships: BTreeMap<(Id, Id), Planned<MembershipRow>>,
}

impl Batch {
    /// What is stored of them. Nobody else writes these users and memberships until the end of the transaction.
    async fn stored(tx: &mut Tx, lines: &[UserLine]) -> Result<Self, StoreError> {
        let companies = stored_companies(tx, lines).await?;
        let users = stored_users(tx, lines).await?;
        let pairs = lines.iter().filter_map(|line| {
            let company_id = companies.get(&line.membership.as_ref()?.company)?;
            Some(Pair { company_id: *company_id, user_id: users.get(&line.external_id)?.after.id })
        });
        let memberships = stored_memberships(tx, &pairs.collect::<Vec<_>>()).await?;
        Ok(Self { companies, users, memberships })
    }

    fn plan(&mut self, line: UserLine, by: &str, new_id: Id) -> Result<Effect, String> {
        let known = self.users.get(&line.external_id);
        let mut user = known.map_or_else(|| blank_user(new_id, &line.external_id), |known| known.after.clone());
        line.change.apply(&mut user)?;
        if user.name.is_empty() || user.email.is_empty() {
            return Err(format!("the user '{}' is new: it needs name and email", line.external_id));
        }
        let mut effect = effect(known, &user);
        if let Some(membership) = line.membership {
            let Some(company_id) = self.companies.get(&membership.company).copied() else {
                return Err(format!(
                    "company: no company has the external id '{}': import or add the company first",
                    membership.company
                ));
            };
            let key = (company_id, user.id);
            let known = self.memberships.get(&key);
            let mut row = known.map_or_else(|| blank_membership(company_id, user.id), |known| known.after.clone());
            membership.apply(&mut row, by)?;
            effect = effect.max(self::effect(known, &row));
            put(&mut self.memberships, key, row);
        }
        put(&mut self.users, line.external_id, user);
        Ok(effect)
    }
}

fn effect<T: PartialEq>(known: Option<&Planned<T>>, row: &T) -> Effect {
    match known {
        None => Effect::Added,
        Some(known) if known.after != *row => Effect::Changed,
        Some(_) => Effect::Unchanged,
    }
}

fn put<K: Ord, T>(planned: &mut BTreeMap<K, Planned<T>>, key: K, row: T) {
    let before = planned.remove(&key).and_then(|known| known.before);
    planned.insert(key, Planned { before, after: row });
}

fn blank_user(id: Id, external_id: &str) -> User {
    User {
        id,
        external_id: Some(external_id.to_owned()),
        email: String::new(),
        name: String::new(),
        locale: None,
        time_zone: None,
        country: None,
        kind: "person".to_owned(),
        active: true,
        sso: false,
        payee: false,
        mfa_enrolled_at: None,
        mfa_method: None,
        mfa_required_at: None,
        email_status: "ok".to_owned(),
    }
}

fn blank_membership(company_id: Id, user_id: Id) -> MembershipRow {
    MembershipRow {
        company_id,
        user_id,
        role: "member".to_owned(),
        admin_mail: AdminMailChoice::All,
        joined_at: None,
        exempt_until: None,
        exempt_reason: None,
        exempt_by: None,
    }
}

async fn stored_companies(tx: &mut Tx, lines: &[UserLine]) -> Result<BTreeMap<String, Id>, StoreError> {
    let keys = keys(lines.iter().filter_map(|line| Some(line.membership.as_ref()?.company.as_str())))?;
    let rows = tx.dialect().rows(1, "r", &[("external_id", ColumnType::Text)]);
    let sql = format!("SELECT c.id, c.external_id FROM {rows} JOIN companies AS c ON c.external_id = r.external_id");
    let found = tx.fetch_all(&sql, bind![keys]).await?;
    found.iter().map(|row| Ok((row.text("external_id")?.unwrap_or_default(), row.get("id")?))).collect()
}

async fn stored_users(tx: &mut Tx, lines: &[UserLine]) -> Result<BTreeMap<String, Planned<User>>, StoreError> {
    let keys = keys(lines.iter().map(|line| line.external_id.as_str()))?;
    let rows = tx.dialect().rows(1, "r", &[("external_id", ColumnType::Text)]);
    let lock = tx.dialect().for_update("u");
    let sql =
        format!("SELECT {COLUMNS} FROM {rows} JOIN users AS u ON u.external_id = r.external_id ORDER BY u.id{lock}");
    let mut stored = BTreeMap::new();
    for row in tx.fetch_all(&sql, bind![keys]).await? {
        let user = user(&row)?;
        if let Some(key) = user.external_id.clone() {
            stored.insert(key, Planned { before: Some(user.clone()), after: user });
        }
    }
    Ok(stored)
}

/// The key of a membership.
#[derive(Serialize)]
struct Pair {
    company_id: Id,
    user_id: Id,
}

async fn stored_memberships(
    tx: &mut Tx,
    pairs: &[Pair],
) -> Result<BTreeMap<(Id, Id), Planned<MembershipRow>>, StoreError> {
    let rows = tx.dialect().rows(1, "r", &[("company_id", ColumnType::Id), ("user_id", ColumnType::Id)]);
    let lock = tx.dialect().for_update("m");
    let sql = format!(
        "SELECT m.company_id, m.user_id, m.role, m.admin_mail, m.joined_at, m.exempt_until, m.exempt_reason, m.exempt_by
         FROM {rows} JOIN memberships AS m ON m.company_id = r.company_id AND m.user_id = r.user_id
         ORDER BY m.company_id, m.user_id{lock}"
    );
    let mut stored = BTreeMap::new();
    for row in tx.fetch_all(&sql, bind![Rows::of(pairs)?]).await? {
        let row = membership(&row)?;
        stored.insert((row.company_id, row.user_id), Planned { before: Some(row.clone()), after: row });
    }
    Ok(stored)
}

fn membership(row: &Row) -> Result<MembershipRow, StoreError> {
    Ok(MembershipRow {
        company_id: row.get("company_id")?,
        user_id: row.get("user_id")?,
        role: row.get("role")?,
        admin_mail: row.name("admin_mail")?,
        joined_at: row.get("joined_at")?,
        exempt_until: row.get("exempt_until")?,
        exempt_reason: row.text("exempt_reason")?,
        exempt_by: row.text("exempt_by")?,
    })
}
