//! Looking at what was made or changed since the daemon last looked: users, memberships, exemptions, personal dates.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono_tz::Tz;

use super::audit;
use super::batch::{Batch, Cells};
use super::dialect::Dialect;
use super::first_members::{Found, first_or_free};
use super::membership_changes::DATE_IS_MOVING;
use super::notice_retry::retry_corrected;
use super::predicate::{
    ANNOUNCED_AT, DATE_STANDS, EXPANDED, FLIPPING, HAS_ENFORCEMENT, REQUIRED, REQUIRED_BEFORE, TELLING,
    in_force_ahead_of, is_put_off, must_be_required, skipped_for_now, subject, told_at, told_date,
};
use super::requirements::{NewRequirements, derive_required_at, id_batch, id_rows, require_users};
use super::sql::{Row, Tx};
use super::values::bind;
use super::{SqlStore, StoreError};
use crate::domain::ids::{Id, PAYEE_MANDATE};
use crate::domain::notice::NoticeKind;
use crate::domain::policy::Policy;
use crate::domain::review::{self, Governing, MembershipFacts};
use crate::domain::time::{self, Timestamp};

/// What looking at one batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// How many rows were looked at.
    pub rows: u64,
    /// How many users became required.
    pub required: u64,
    /// How many notices were made.
    pub notices: u64,
    /// Whether none was looked at only because those that are left are in somebody's hands for a moment.
    pub is_busy: bool,
    /// The last of these users, where somebody keeps memberships of some of them locked: the next are behind them.
    pub passed_over: Option<Id>,
}

/// Reviewing rows.
#[async_trait]
pub trait ReviewStore {
    /// Looks at up to `limit` unreviewed users after `after`: payees become required, and their memberships are to be reviewed.
    async fn review_users(&self, now: Timestamp, after: Option<Id>, limit: i64) -> Result<Reviewed, StoreError>;

    /// Looks at up to `limit` unreviewed memberships: who came late is told at once and gets a personal date. Those of a
    /// company whose row has changed wait until its enforcement says what the row says.
    async fn review_memberships(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError>;

    /// Requires up to `limit` members whose personal date has come at `now`. Returns how many dates had.
    async fn end_personal_dates(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError>;
}

#[async_trait]
impl ReviewStore for SqlStore {
    async fn review_users(&self, now: Timestamp, after: Option<Id>, limit: i64) -> Result<Reviewed, StoreError> {
        let any = "SELECT 1 AS found FROM users WHERE NOT reviewed LIMIT 1";
        if self.database.fetch_optional(any, vec![]).await?.is_none() {
            return Ok(Reviewed::default());
        }
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT id FROM users AS u WHERE NOT reviewed AND id > $2 ORDER BY id LIMIT $1{}",
            tx.dialect().for_update_skip_locked("u")
        );
        let found = tx.fetch_all(&sql, bind![limit, after.unwrap_or(Id::FIRST)]).await?;
        let mut ids: Vec<Id> = found.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
        let last = ids.last().copied();
        tx.expect_batches().await?;
        let busy = with_busy_memberships(&mut tx, &ids).await?;
        ids.retain(|id| !busy.contains(id));
        let passed_over = last.filter(|_| !busy.is_empty());
        if ids.is_empty() {
            tx.rollback().await?;
            return Ok(Reviewed { is_busy: true, passed_over, ..Reviewed::default() });
        }
        let batch = id_batch(ids.iter().copied());
        let rows = id_rows(&tx, 1);
        // Also those that are unreviewed: one that is being reviewed right now, with what the user was before, is busy.
        let sql = format!("UPDATE memberships SET reviewed = false WHERE user_id IN (SELECT id FROM {rows})");
        tx.execute(&sql, bind![batch.clone()]).await?;
        let sql = format!(
            "INSERT INTO requirements (user_id, enforcement_id, required_at)
             SELECT u.id, $2, $3 FROM users AS u JOIN {rows} ON batch.id = u.id
             WHERE u.payee AND u.active AND u.kind = 'person' ORDER BY u.id
             ON CONFLICT DO NOTHING RETURNING user_id, enforcement_id"
        );
        let new = NewRequirements::read(&tx.fetch_all(&sql, bind![batch.clone(), PAYEE_MANDATE, now]).await?)?;
        derive_required_at(&mut tx, ids.iter().copied()).await?;
        let mut notices = self.tell_payees(&mut tx, &ids, &new, now).await?;
        notices += retry_corrected(&mut tx, &rows, &batch, now).await?;
        let sql = format!("UPDATE users SET reviewed = true WHERE id IN (SELECT id FROM {rows})");
        tx.execute(&sql, bind![batch]).await?;
        append_required(&mut tx, &new, now).await?;
        tx.commit().await?;
        let (rows, required) = (ids.len() as u64, new.rows.len() as u64);
        Ok(Reviewed { rows, required, notices, is_busy: false, passed_over })
    }

    async fn review_memberships(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError> {
        first_or_free(|found| self.review_memberships_found(now, policy, limit, found)).await
    }

    async fn end_personal_dates(&self, now: Timestamp, policy: &Policy, limit: i64) -> Result<Reviewed, StoreError> {
        first_or_free(|found| self.end_personal_dates_found(now, policy, limit, found)).await
    }
}

/// Those of the users of whose memberships somebody keeps one locked; the others' are locked. They are looked at once it is
/// free, and keep nobody else waiting.
async fn with_busy_memberships(tx: &mut Tx, users: &[Id]) -> Result<BTreeSet<Id>, StoreError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(BTreeSet::new());
    }
    let rows = id_rows(tx, 1);
    let sql = format!(
        "WITH free AS MATERIALIZED (
             SELECT m.company_id, m.user_id FROM memberships AS m WHERE m.user_id IN (SELECT id FROM {rows})
             ORDER BY m.company_id, m.user_id{})
         SELECT m.user_id FROM memberships AS m
         WHERE m.user_id IN (SELECT id FROM {rows}) AND (m.company_id, m.user_id) NOT IN (SELECT company_id, user_id FROM free)",
        tx.dialect().for_update_skip_locked("m")
    );
    tx.fetch_all(&sql, bind![id_batch(users.iter().copied())]).await?.iter().map(|row| row.get("user_id")).collect()
}

impl SqlStore {
    /// None: all that were found are in somebody's hands, their own rows or their company's enforcement.
    async fn review_memberships_found(
        &self,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
        found: Found,
    ) -> Result<Option<Reviewed>, StoreError> {
        let first = format!("SELECT m.company_id {} ORDER BY m.company_id, m.user_id LIMIT $2", unreviewed(1));
        let Some((mut tx, companies)) = self.hold_first(&first, bind![now, limit], found).await? else {
            return Ok(Some(Reviewed::default()));
        };
        let sql = format!(
            "SELECT m.company_id, m.user_id, m.require_at, m.reviewed_as, u.time_zone AS user_zone, {subject} AS subject,
                 (u.mfa_enrolled_at IS NOT NULL) AS enrolled, c.new_member_grace_days,
                 e.id AS enforcement_id, e.state, e.enforcement_date, e.enforce_at, e.planned_time_zone,
                 {told} AS told_date, {told_at} AS told_at, {TELLING} AS telling, {REQUIRED} AS required, {REQUIRED_BEFORE} AS required_before,
                 EXISTS (SELECT 1 FROM notices AS n WHERE n.enforcement_id = e.id AND n.user_id = u.id AND n.kind = 'now_required'
                     AND n.state <> 'skipped') AS told_required,
                 {ANNOUNCED_AT} AS announced_at,
                 EXISTS (SELECT 1 FROM milestones AS s WHERE s.enforcement_id = e.id AND s.state = 'pending' AND NOT {EXPANDED}
                     AND s.kind IN ('announcement', 'reminder', 'final_reminder')) AS more_to_come
             {unreviewed} AND m.company_id IN (SELECT id FROM {batch})
             ORDER BY m.company_id, m.user_id LIMIT $2{lock}",
            subject = subject(3),
            told = told_date(),
            told_at = told_at(),
            unreviewed = unreviewed(1),
            batch = id_rows(&tx, 4),
            lock = tx.dialect().for_update_skip_locked("m, u")
        );
        let rows = tx.fetch_all(&sql, bind![now, limit, !policy.leave_out_sso, companies]).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.expect_batches().await?;
        let (mut personal_dates, mut found) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut notices = 0;
        for row in &rows {
            let user: Id = row.get("user_id")?;
            let (governing, facts) = read_membership(row, policy)?;
            let outcome = review::review(governing, &facts, now, policy);
            personal_dates.push(outcome.require_at);
            found.push(if facts.subject { "subject" } else { "left_out" });
            if let Some(enforcement) = row.get::<Option<Id>>("enforcement_id")? {
                for (kind, due_at) in outcome.notices {
                    notices += self.add_notice(&mut tx, enforcement, user, kind, due_at, now).await?;
                }
                if facts.subject && !facts.enrolled {
                    let require_at = outcome.require_at.or(facts.require_at);
                    notices += self.add_missed_reminders(&mut tx, enforcement, user, require_at, now, policy).await?;
                }
            }
        }
        let memberships = Batch::new([
            ("company_id", ids(&rows, "company_id")?),
            ("user_id", ids(&rows, "user_id")?),
            ("require_at", Cells::Instants(personal_dates)),
            ("reviewed_as", Cells::texts(found.into_iter())),
        ]);
        notices += self.tell_undone_after_all(&mut tx, &memberships, now, policy).await?;
        let new = finish_review(&mut tx, &memberships, now, policy).await?;
        append_required(&mut tx, &new, now).await?;
        tx.commit().await?;
        let (rows, required) = (rows.len() as u64, new.rows.len() as u64);
        Ok(Some(Reviewed { rows, required, notices, ..Reviewed::default() }))
    }

    /// None: all that were found are in somebody's hands, their own rows or their company's enforcement.
    async fn end_personal_dates_found(
        &self,
        now: Timestamp,
        policy: &Policy,
        limit: i64,
        found: Found,
    ) -> Result<Option<Reviewed>, StoreError> {
        let due = format!(
            "m.company_id, m.user_id FROM memberships AS m JOIN users AS u ON u.id = m.user_id WHERE m.require_at <= $1
             AND (u.reviewed AND m.reviewed) AND NOT {DATE_IS_MOVING}"
        );
        // No more than the index says: a large company's members come due in one moment, and would all be sorted for each batch.
        let order = "ORDER BY m.require_at LIMIT $2";
        let first = format!("SELECT {due} {order}");
        let Some((mut tx, companies)) = self.hold_first(&first, bind![now, limit], found).await? else {
            return Ok(Some(Reviewed::default()));
        };
        let sql = format!(
            "SELECT {due} AND m.company_id IN (SELECT id FROM {}) {order}{}",
            id_rows(&tx, 3),
            // Both, without waiting: an application may lock a user first, and then the membership.
            tx.dialect().for_update_skip_locked("m, u")
        );
        let rows = tx.fetch_all(&sql, bind![now, limit, companies]).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.expect_batches().await?;
        let batch = Batch::new([("company_id", ids(&rows, "company_id")?), ("user_id", ids(&rows, "user_id")?)]);
        let new = require_members(&mut tx, &batch, now, policy).await?;
        let notices = self.tell_required(&mut tx, &batch, now, policy).await?;
        let sql = format!(
            "UPDATE memberships AS m SET require_at = NULL FROM {} WHERE m.company_id = batch.company_id AND m.user_id = batch.user_id",
            batch.table(tx.dialect(), 1)
        );
        tx.execute(&sql, bind![batch]).await?;
        append_required(&mut tx, &new, now).await?;
        tx.commit().await?;
        let (rows, required) = (rows.len() as u64, new.rows.len() as u64);
        Ok(Some(Reviewed { rows, required, notices, ..Reviewed::default() }))
    }

    /// Tells payees who were just required, by nothing before, and are not enrolled, that they are; and those who were not
    /// told because they were left out for a while.
    async fn tell_payees(
        &self,
        tx: &mut Tx,
        users: &[Id],
        new: &NewRequirements,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT u.id FROM users AS u JOIN {} ON batch.id = u.id WHERE u.mfa_enrolled_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM requirements AS r WHERE r.user_id = u.id AND r.enforcement_id <> $2 AND r.cleared_at IS NULL)
             UNION SELECT u.id FROM users AS u JOIN {} ON batch.id = u.id
             JOIN notices AS n ON n.user_id = u.id AND n.enforcement_id = $2 AND {}
             WHERE u.mfa_enrolled_at IS NULL AND u.payee AND u.active AND u.kind = 'person'
             ORDER BY 1",
            id_rows(tx, 1),
            id_rows(tx, 3),
            skipped_for_now()
        );
        let values = bind![id_batch(new.users()), PAYEE_MANDATE, id_batch(users.iter().copied())];
        let rows = tx.fetch_all(&sql, values).await?;
        let mut told = 0;
        for row in rows {
            told += self.add_notice(tx, PAYEE_MANDATE, row.get("id")?, NoticeKind::NowRequired, now, now).await?;
        }
        Ok(told)
    }
}

/// Memberships that the daemon has yet to look at, with the enforcement that governs them. Those of a company whose row has
/// moved ahead of its enforcement wait until that says what the row says; newcomers to one whose flip was interrupted, and
/// whose date has been moved or cleared since, until the flip has been through those who were there: it is none of theirs. Those
/// of one that is in force by a clock ahead of `$now` wait for one's own.
fn unreviewed(now: usize) -> String {
    format!(
        "FROM memberships AS m JOIN users AS u ON u.id = m.user_id JOIN companies AS c ON c.id = m.company_id
         LEFT JOIN enforcements AS e ON e.company_id = c.id AND e.state IN ('scheduled', 'held', 'in_force') AND {DATE_STANDS}
         WHERE NOT m.reviewed AND u.reviewed AND NOT (c.revision > c.reconciled_revision AND {HAS_ENFORCEMENT})
         AND NOT (m.reviewed_as IS DISTINCT FROM 'subject' AND EXISTS (
             SELECT 1 FROM enforcements AS e WHERE e.company_id = c.id AND {FLIPPING} AND ({DATE_STANDS}) IS NOT TRUE))
         AND ({}) IS NOT TRUE",
        in_force_ahead_of(now)
    )
}

fn read_membership(row: &Row, policy: &Policy) -> Result<(Option<Governing>, MembershipFacts), StoreError> {
    let governing = match row.get::<Option<Id>>("enforcement_id")? {
        Some(_) => Some(read_governing(row, policy)?),
        None => None,
    };
    let company_zone = governing.map_or(Tz::UTC, |governing| governing.zone);
    let facts = MembershipFacts {
        subject: row.get("subject")?,
        was_subject: row.get::<Option<String>>("reviewed_as")?.map(|found| found == "subject"),
        enrolled: row.get("enrolled")?,
        reader_zone: reader_zone(row, company_zone)?,
        told_date: row.get("told_date")?,
        told_at: row.get("told_at")?,
        telling: row.get("telling")?,
        required: row.get("required")?,
        required_before: row.get("required_before")?,
        told_required: row.get("told_required")?,
        require_at: row.get("require_at")?,
    };
    Ok((governing, facts))
}

pub(super) fn read_governing(row: &Row, policy: &Policy) -> Result<Governing, StoreError> {
    Ok(Governing {
        state: row.name("state")?,
        date: row.get("enforcement_date")?,
        enforce_at: row.get("enforce_at")?,
        zone: planned_zone(row)?,
        grace_days: policy.grace_days(row.get("new_member_grace_days")?),
        announced_at: row.get("announced_at")?,
        more_to_come: row.get("more_to_come")?,
    })
}

/// The zone in which an enforcement's instants are computed.
pub(super) fn planned_zone(row: &Row) -> Result<Tz, StoreError> {
    Ok(row.text("planned_time_zone")?.as_deref().and_then(time::zone).unwrap_or(Tz::UTC))
}

pub(super) fn reader_zone(row: &Row, company_zone: Tz) -> Result<Tz, StoreError> {
    Ok(row.text("user_zone")?.as_deref().and_then(time::zone).unwrap_or(company_zone))
}

/// The column of ids with this name.
fn ids(rows: &[Row], column: &str) -> Result<Cells, StoreError> {
    rows.iter().map(|row| row.get(column)).collect::<Result<_, _>>().map(Cells::Ids)
}

/// Marks memberships as reviewed, with the personal dates that were found, and requires those who must be at once.
async fn finish_review(
    tx: &mut Tx,
    memberships: &Batch,
    now: Timestamp,
    policy: &Policy,
) -> Result<NewRequirements, StoreError> {
    let sql = format!(
        "UPDATE memberships AS m SET reviewed = true, reviewed_as = batch.reviewed_as, joined_at = COALESCE(m.joined_at, $1),
             require_at = COALESCE(batch.require_at, m.require_at)
         FROM {} WHERE m.company_id = batch.company_id AND m.user_id = batch.user_id",
        memberships.table(tx.dialect(), 2)
    );
    tx.execute(&sql, bind![now, memberships.clone()]).await?;
    require_members(tx, memberships, now, policy).await
}

/// The flip of enforcement `e` has not been through all members, or put off member `m`, as somebody kept the account locked: they
/// would have been required in the same transaction as the others, and nothing but a revert undoes that (R5).
fn put_off_by_flip(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => "false".to_owned(),
        Dialect::Postgres => format!("({FLIPPING} OR {})", is_put_off("m.require_at")),
    }
}

/// Requires those of a batch of memberships whose company's enforcement is in force and stands, and whom a flip put off.
async fn require_members(
    tx: &mut Tx,
    memberships: &Batch,
    now: Timestamp,
    policy: &Policy,
) -> Result<NewRequirements, StoreError> {
    let sql = format!(
        "INSERT INTO requirements (user_id, enforcement_id, required_at)
         SELECT u.id, e.id, $1 FROM {} JOIN memberships AS m ON m.company_id = batch.company_id AND m.user_id = batch.user_id
         JOIN users AS u ON u.id = m.user_id JOIN companies AS c ON c.id = m.company_id
         JOIN enforcements AS e ON e.company_id = c.id AND (e.state = 'in_force' AND {DATE_STANDS} OR {})
         WHERE {} ORDER BY e.id, u.id ON CONFLICT DO NOTHING RETURNING user_id, enforcement_id",
        memberships.table(tx.dialect(), 3),
        put_off_by_flip(tx.dialect()),
        must_be_required(1, 2)
    );
    let rows = tx.fetch_all(&sql, bind![now, !policy.leave_out_sso, memberships.clone()]).await?;
    let new = NewRequirements::read(&rows)?;
    require_users(tx, new.users(), now).await?;
    Ok(new)
}

/// Records new requirements: one event for each enforcement.
async fn append_required(tx: &mut Tx, new: &NewRequirements, now: Timestamp) -> Result<(), StoreError> {
    let mut events = Vec::new();
    for of_one in new.rows.chunk_by(|one, other| one.0 == other.0) {
        let (enforcement, part) = (of_one[0].0, NewRequirements { rows: of_one.to_vec() });
        let sql = "SELECT company_id FROM enforcements WHERE id = $1";
        let company = tx.fetch_optional(sql, bind![enforcement]).await?.map(|row| row.get("company_id")).transpose()?;
        events.push(super::reconcile::event(
            "daemon",
            "users_required",
            company.flatten(),
            enforcement,
            part.evidence(now).detail(),
        ));
    }
    audit::append(tx, now, events).await
}
