//! Importing companies.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::target::{Target, flag};
use super::{BatchOutcome, Effect, Planned, keys, new_ids, record};
use crate::domain::ids::Id;
use crate::domain::time::Timestamp;
use crate::store::companies::{COLUMNS, Company, CompanyChange, company};
use crate::store::dialect::ColumnType;
use crate::store::edit::Edit;
use crate::store::sql::Tx;
use crate::store::values::bind;
use crate::store::{SqlStore, StoreError};

/// What one line says of a company. What it does not say stays, or has its default where the company is new.
#[derive(Clone, Debug, Default)]
pub struct CompanyLine {
    /// The line's number, from 1.
    pub line: u64,
    /// The vendor's own key, by which the company is found.
    pub external_id: String,
    /// The columns. The key is above: `external_id` in here is left alone.
    pub change: CompanyChange,
    /// From this day on everybody needs MFA.
    pub enforcement_date: Edit<NaiveDate>,
    /// Who set the date; where the line says nothing, whoever imports it.
    pub enforcement_set_by: Edit<String>,
}

const COMPANIES: Target<Company> = Target {
    table: "companies",
    key: &[("id", ColumnType::Id, |company| Some(company.id.to_string().into()))],
    columns: &[
        ("external_id", ColumnType::Text, |company| company.external_id.as_deref().map(Into::into)),
        ("name", ColumnType::Text, |company| Some(company.name.as_str().into())),
        ("time_zone", ColumnType::Text, |company| Some(company.time_zone.as_str().into())),
        ("locale", ColumnType::Text, |company| Some(company.locale.as_str().into())),
        ("mfa_available", ColumnType::Bool, |company| Some(flag(company.mfa_available).into())),
        ("enforcement_date", ColumnType::Date, |company| company.enforcement_date.map(|date| date.to_string().into())),
        ("enforcement_set_by", ColumnType::Text, |company| company.enforcement_set_by.as_deref().map(Into::into)),
        ("notice_days", ColumnType::Json, |company| company.notice_days.as_ref().map(|days| days.to_string().into())),
        ("new_member_grace_days", ColumnType::Int, |company| {
            company.new_member_grace_days.map(|days| days.to_string().into())
        }),
        ("support_contact", ColumnType::Text, |company| company.support_contact.as_deref().map(Into::into)),
    ],
};

pub(super) async fn import(
    store: &SqlStore,
    lines: Vec<CompanyLine>,
    by: &str,
    now: Timestamp,
) -> Result<BatchOutcome, StoreError> {
    let mut tx = store.database.begin().await?;
    tx.expect_keys().await?;
    let mut planned = stored(&mut tx, &lines).await?;
    let mut outcome = BatchOutcome::default();
    for (new_id, line) in new_ids(store, lines.len(), now).zip(lines) {
        let number = line.line;
        outcome.count(number, plan(&mut planned, line, by, new_id));
    }
    if outcome.added + outcome.changed > 0 {
        let planned: Vec<_> = planned.values().collect();
        COMPANIES.write(&mut tx, &planned).await?;
        let written = planned.iter().filter(|row| row.is_new() || row.is_changed());
        let written = written.map(|row| row.after.id.to_string()).collect();
        record(&mut tx, "companies_imported", &outcome, written, by, now).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// The companies that the lines speak of and that are stored, by their external ids; nobody else writes them meanwhile.
async fn stored(tx: &mut Tx, lines: &[CompanyLine]) -> Result<BTreeMap<String, Planned<Company>>, StoreError> {
    let keys = keys(lines.iter().map(|line| line.external_id.as_str()))?;
    let rows = tx.dialect().rows(1, "r", &[("external_id", ColumnType::Text)]);
    let lock = tx.dialect().for_update("c");
    let sql = format!(
        "SELECT {COLUMNS} FROM {rows} JOIN companies AS c ON c.external_id = r.external_id ORDER BY c.id{lock}"
    );
    let mut stored = BTreeMap::new();
    for row in tx.fetch_all(&sql, bind![keys]).await? {
        let company = company(&row)?;
        if let Some(key) = company.external_id.clone() {
            stored.insert(key, Planned { before: Some(company.clone()), after: company });
        }
    }
    Ok(stored)
}

fn plan(
    planned: &mut BTreeMap<String, Planned<Company>>,
    line: CompanyLine,
    by: &str,
    new_id: Id,
) -> Result<Effect, String> {
    let known = planned.get(&line.external_id);
    let mut company = match known {
        Some(known) => known.after.clone(),
        None => Company { external_id: Some(line.external_id.clone()), ..Company::blank(new_id) },
    };
    let date_before = company.enforcement_date;
    CompanyChange { external_id: Edit::Keep, ..line.change }.apply(&mut company);
    line.enforcement_date.apply(&mut company.enforcement_date);
    if company.enforcement_date != date_before && line.enforcement_set_by.is_keep() {
        company.enforcement_set_by = company.enforcement_date.map(|_| by.to_owned());
    }
    line.enforcement_set_by.apply(&mut company.enforcement_set_by);
    if company.name.is_empty() || company.time_zone.is_empty() {
        return Err(format!("the company '{}' is new: it needs name and time_zone", line.external_id));
    }
    let effect = match known {
        None => Effect::Added,
        Some(known) if known.after != company => Effect::Changed,
        Some(_) => Effect::Unchanged,
    };
    if let Some(known) = planned.get_mut(&line.external_id) {
        known.after = company;
    } else {
        planned.insert(line.external_id, Planned { before: None, after: company });
    }
    Ok(effect)
}
