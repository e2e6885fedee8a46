//! The columns that a file may have, and how their values are read.

use std::fmt::Display;

use chrono::{DateTime, Datelike as _, Utc};
use thiserror::Error;

use super::Record;
use crate::cli::values;
use crate::domain::admin_mail::AdminMailChoice;
use crate::domain::methods::Method;
use crate::domain::time::Timestamp;
use crate::domain::values::{parse_name, parse_zone, shown};
use crate::store::edit::Edit;
use crate::store::import::{CompanyLine, MembershipLine, Role, UserKind, UserLine};

/// The columns of a company.
pub(super) const COMPANY_COLUMNS: &[&str] = &[
    "external_id",
    "name",
    "time_zone",
    "locale",
    "mfa_available",
    "enforcement_date",
    "enforcement_set_by",
    "notice_days",
    "new_member_grace_days",
    "support_contact",
];

/// The columns of a user and one membership.
pub(super) const USER_COLUMNS: &[&str] = &[
    "external_id",
    "email",
    "name",
    "company",
    "role",
    "locale",
    "time_zone",
    "country",
    "kind",
    "active",
    "sso",
    "payee",
    "mfa_enrolled_at",
    "mfa_method",
    "joined_at",
    "exempt_until",
    "exempt_reason",
    "exempt_by",
    "admin_mail",
];

/// Columns of the tables that are not the vendor's to write.
const DAEMONS: [&str; 6] =
    ["mfa_required_at", "email_status", "reviewed", "require_at", "revision", "reconciled_revision"];

/// Columns of the tables that only name rows within the database.
const IDS: [&str; 3] = ["id", "company_id", "user_id"];

/// A column that no file may have.
#[derive(Debug, Error)]
pub(super) enum UnknownColumn {
    #[error("the column '{0}' is the daemon's to write: leave it out")]
    Daemons(&'static str),
    #[error("the column '{0}' is an id within the database: leave it out, external_id and company are the keys here")]
    Id(&'static str),
    #[error(
        "there is no column '{given}'{}; the columns are: {allowed}",
        .nearest.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
    )]
    Other { given: String, nearest: Option<&'static str>, allowed: String },
}

/// The column of this name.
pub(super) fn known(allowed: &'static [&'static str], given: &str) -> Result<&'static str, UnknownColumn> {
    let among = |names: &'static [&'static str]| names.iter().copied().find(|name| *name == given);
    if let Some(column) = among(allowed) {
        return Ok(column);
    }
    if let Some(column) = among(&DAEMONS) {
        return Err(UnknownColumn::Daemons(column));
    }
    if let Some(column) = among(&IDS) {
        return Err(UnknownColumn::Id(column));
    }
    let nearest = allowed
        .iter()
        .map(|name| (strsim::jaro_winkler(&given.to_lowercase(), name), *name))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.8)
        .map(|(_, name)| name);
    let given = given.chars().take(80).collect();
    Err(UnknownColumn::Other { given, nearest, allowed: allowed.join(", ") })
}

/// Reads a line about a company.
pub(super) fn company_line(record: &Record) -> Result<CompanyLine, String> {
    let mut line = CompanyLine { line: record.line, external_id: key(record)?, ..CompanyLine::default() };
    let change = &mut line.change;
    for (column, text) in &record.fields {
        let field = Field { column, text };
        match *column {
            "name" => change.name = field.required(parse_name)?,
            "time_zone" => change.time_zone = field.required(parse_zone)?,
            "locale" => change.locale = field.required(str::parse)?,
            "mfa_available" => change.mfa_available = field.required(boolean)?,
            "enforcement_date" => line.enforcement_date = field.nullable(values::date)?,
            "enforcement_set_by" => line.enforcement_set_by = field.nullable(values::words)?,
            "notice_days" => change.notice_days = field.nullable(values::notice_days)?,
            "new_member_grace_days" => change.new_member_grace_days = field.nullable(values::grace_days)?,
            "support_contact" => change.support_contact = field.nullable(values::words)?,
            _ => {}
        }
    }
    Ok(line)
}

/// Reads a line about a user.
pub(super) fn user_line(record: &Record) -> Result<UserLine, String> {
    let mut line = UserLine { line: record.line, external_id: key(record)?, ..UserLine::default() };
    let change = &mut line.change;
    let mut membership = MembershipLine::default();
    let mut of_membership = None;
    for (column, text) in &record.fields {
        let field = Field { column, text };
        match *column {
            "email" => change.email = field.required(str::parse)?,
            "name" => change.name = field.required(parse_name)?,
            "locale" => change.locale = field.nullable(str::parse)?,
            "time_zone" => change.time_zone = field.nullable(parse_zone)?,
            "country" => change.country = field.nullable(str::parse)?,
            "kind" => change.kind = field.required(kind)?,
            "active" => change.active = field.required(boolean)?,
            "sso" => change.sso = field.required(boolean)?,
            "payee" => change.payee = field.required(boolean)?,
            "mfa_enrolled_at" => change.mfa_enrolled_at = field.nullable(instant)?,
            "mfa_method" => change.mfa_method = field.nullable(method)?,
            "company" => membership.company = field.required(values::words)?.unwrap_or_default(),
            "role" => membership.role = field.required(role)?,
            "admin_mail" => membership.admin_mail = field.required(admin_mail)?,
            "joined_at" => membership.joined_at = field.nullable(instant)?,
            "exempt_until" => membership.exempt_until = field.nullable(instant)?,
            "exempt_reason" => membership.exempt_reason = field.nullable(values::words)?,
            "exempt_by" => membership.exempt_by = field.nullable(values::words)?,
            _ => {}
        }
        let is_membership =
            matches!(*column, "role" | "admin_mail" | "joined_at" | "exempt_until" | "exempt_reason" | "exempt_by");
        if is_membership && !text.is_empty() {
            of_membership = Some(*column);
        }
    }
    match (membership.company.is_empty(), of_membership) {
        (false, _) => line.membership = Some(membership),
        (true, Some(column)) => return Err(format!("{column} needs company: of which company is the user a member?")),
        (true, None) => {}
    }
    Ok(line)
}

/// One value under its column.
struct Field<'a> {
    column: &'a str,
    text: &'a str,
}

impl Field<'_> {
    /// A value that cannot be taken away: nothing leaves it as it is.
    fn required<T, E: Display>(&self, read: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, String> {
        if self.text.is_empty() {
            return Ok(None);
        }
        read(self.text).map(Some).map_err(|error| format!("{}: {error}", self.column))
    }

    /// A value that can be taken away, by nothing.
    fn nullable<T, E: Display>(&self, read: impl Fn(&str) -> Result<T, E>) -> Result<Edit<T>, String> {
        self.required(read).map(Edit::given)
    }
}

fn key(record: &Record) -> Result<String, String> {
    let given = record.fields.iter().find(|(column, _)| *column == "external_id");
    let text = given.map_or("", |(_, text)| text);
    if text.is_empty() {
        return Err("external_id is missing: each line is known by it".to_owned());
    }
    values::words(text).map_err(|error| format!("external_id: {error}"))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Ok(true),
        "false" | "f" | "no" | "0" => Ok(false),
        _ => Err(format!("'{}' is neither true nor false: write one of the two", shown(text))),
    }
}

fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        format!("'{}' is none of: {}", shown(text), names.join(", "))
    })
}

fn kind(text: &str) -> Result<UserKind, String> {
    one_of(text, &[("person", UserKind::Person), ("service", UserKind::Service)])
}

fn role(text: &str) -> Result<Role, String> {
    one_of(text, &[("member", Role::Member), ("admin", Role::Admin)])
}

fn admin_mail(text: &str) -> Result<AdminMailChoice, String> {
    let names: Vec<_> = AdminMailChoice::ALL.iter().map(|choice| (choice.as_str(), *choice)).collect();
    one_of(text, &names)
}

fn method(text: &str) -> Result<Method, String> {
    one_of(text, &[("authenticator", Method::Authenticator), ("sms", Method::Sms)])
}

/// Reads RFC 3339, and the form in which PostgreSQL writes instants.
fn instant(text: &str) -> Result<Timestamp, String> {
    let postgres = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok();
    match postgres {
        Some(instant) if (1..=9998).contains(&instant.year()) => Ok(Timestamp::new(instant.with_timezone(&Utc))),
        _ => values::instant(text),
    }
}
