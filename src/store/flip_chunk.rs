//! A part of an enforcement's members: whom a flip requires in one transaction.

use chrono::TimeDelta;

use super::StoreError;
use super::dialect::Dialect;
use super::predicate::{FLIPPING, REQUIRED, must_be_required};
use super::requirements::{Evidence, NewRequirements, id_batch, id_rows, require_users, required_since};
use super::side_by_side::WHOLE_CHUNKS;
use super::sql::Tx;
use super::values::{Value, bind};
use crate::domain::ids::Id;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;

/// The memberships of company `$4` after user `$5`, up to `$6`.
const OF_CHUNK: &str = "m.company_id = $4 AND m.user_id > $5 AND m.user_id <= $6";

/// The last of the next `limit` members after `after`; none where these reach the end.
pub(super) async fn last_of_chunk(
    tx: &mut Tx,
    company: Option<Id>,
    after: Option<Id>,
    limit: i64,
) -> Result<Option<Id>, StoreError> {
    let sql = "SELECT user_id FROM memberships WHERE company_id = $1 AND user_id > $2
        ORDER BY user_id LIMIT 1 OFFSET $3";
    let row = tx.fetch_optional(sql, bind![company, after.unwrap_or(Id::FIRST), limit - 1]).await?;
    row.map(|row| row.get("user_id")).transpose()
}

/// A part of an enforcement's members, in the order of their ids.
pub(super) struct Chunk {
    pub enforcement: Id,
    pub company_id: Option<Id>,
    /// The member before the first; none: from the beginning.
    pub after: Option<Id>,
    /// The last member; none: to the end.
    pub last: Option<Id>,
}

impl Chunk {
    /// The next chunks of a flip under way, whose enforcement it locks, each with its last member: those of `limit` members.
    /// None, where another daemon or a review is at it, or it was begun by a clock ahead of `now`.
    pub async fn whole(
        tx: &mut Tx,
        enforcement: Id,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Self, Id)>, StoreError> {
        let sql = format!(
            "SELECT company_id, flip_cursor FROM enforcements AS e WHERE id = $1 AND {FLIPPING} AND enforce_at <= $2{}",
            tx.dialect().for_update_skip_locked("e")
        );
        let Some(row) = tx.fetch_optional(&sql, bind![enforcement, now]).await? else {
            return Ok(Vec::new());
        };
        let company_id = row.get("company_id")?;
        let mut after: Option<Id> = row.get("flip_cursor")?;
        let mut chunks = Vec::new();
        while chunks.len() < WHOLE_CHUNKS
            && let Some(last) = last_of_chunk(tx, company_id, after, limit).await?
        {
            chunks.push((Self { enforcement, company_id, after, last: Some(last) }, last));
            after = Some(last);
        }
        Ok(chunks)
    }

    /// Requires those who must be and whom the enforcement does not require yet, but for those who are `stuck`.
    ///
    /// One statement on PostgreSQL, from which only a count and a digest travel. It goes through the members in the order of
    /// their ids, which is the order in which everybody locks users. What it finds recorded is all there is: who else records
    /// what the enforcement requires keeps it from being locked. SQLite has no statement that writes to two tables, and
    /// nothing travels there. `CROSS JOIN` has it begin with the members: it may go through all users otherwise, for each chunk.
    pub async fn require_members(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        policy: &Policy,
        stuck: &[Id],
    ) -> Result<Evidence, StoreError> {
        let must_be = must_be_required(2, 3);
        let mut values = self.values(now, policy);
        if tx.dialect() == Dialect::Sqlite {
            let sql = format!(
                "INSERT INTO requirements (user_id, enforcement_id, required_at)
                 SELECT u.id, e.id, $2 FROM enforcements AS e CROSS JOIN memberships AS m CROSS JOIN users AS u
                 WHERE e.id = $1 AND {OF_CHUNK} AND u.id = m.user_id AND {must_be}
                 ORDER BY m.user_id ON CONFLICT DO NOTHING RETURNING user_id, enforcement_id"
            );
            let new = NewRequirements::read(&tx.fetch_all(&sql, values).await?)?;
            require_users(tx, new.users(), now).await?;
            return Ok(new.evidence(now));
        }
        values.extend(bind![now.to_string()]);
        let besides = if stuck.is_empty() {
            String::new()
        } else {
            values.extend(bind![id_batch(stuck.iter().copied())]);
            format!("AND m.user_id NOT IN (SELECT id FROM {})", id_rows(tx, 8))
        };
        let sql = format!(
            "WITH required AS (
                 UPDATE users AS u SET mfa_required_at = {since} FROM enforcements AS e CROSS JOIN (
                     SELECT m.user_id, m.exempt_until, m.require_at, m.reviewed, m.reviewed_as FROM memberships AS m
                     WHERE {OF_CHUNK} {besides} ORDER BY m.user_id) AS m
                 WHERE e.id = $1 AND u.id = m.user_id AND {must_be} AND NOT {REQUIRED}
                 RETURNING u.id AS user_id, e.id AS enforcement_id
             ), recorded AS (
                 INSERT INTO requirements (user_id, enforcement_id, required_at)
                 SELECT user_id, enforcement_id, $2 FROM required
             )
             SELECT count(*) AS required, encode(sha256(convert_to(COALESCE(string_agg(
                 enforcement_id || ' ' || user_id || ' ' || $7 || chr(10), '' ORDER BY user_id), ''), 'UTF8')), 'hex') AS sha256
             FROM required",
            since = required_since(2)
        );
        let row = tx.fetch_optional(&sql, values).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("a count has no row".to_owned()))?;
        let required: i64 = row.get("required")?;
        Ok(Evidence { required: required.unsigned_abs(), sha256: row.get("sha256")? })
    }

    /// Gives members whose accounts somebody keeps locked a personal date that comes at once; locks the others. Returns those
    /// whose membership is locked as well (applications save both at once): theirs is remembered until it can be written.
    pub async fn put_off_locked(&self, tx: &mut Tx, now: Timestamp, policy: &Policy) -> Result<Vec<Id>, StoreError> {
        let sql = format!(
            "WITH free AS MATERIALIZED (
                 SELECT u.id FROM memberships AS m JOIN users AS u ON u.id = m.user_id WHERE {OF_CHUNK} ORDER BY m.user_id{}
             ), locked AS MATERIALIZED (
                 SELECT u.id FROM enforcements AS e CROSS JOIN memberships AS m CROSS JOIN users AS u
                 WHERE e.id = $1 AND {OF_CHUNK} AND u.id = m.user_id AND {} AND NOT {REQUIRED} AND u.id NOT IN (SELECT id FROM free)
             ), known AS MATERIALIZED (
                 SELECT m.user_id FROM memberships AS m WHERE m.company_id = $4 AND m.user_id IN (SELECT id FROM locked)
                 ORDER BY m.user_id{}
             ), put_off AS (
                 UPDATE memberships AS m SET require_at = $7 FROM known WHERE m.company_id = $4 AND m.user_id = known.user_id
             )
             INSERT INTO membership_changes AS l (company_id, user_id, moves_date, date_was, date_becomes)
             SELECT m.company_id, m.user_id, true, m.require_at, $7 FROM memberships AS m
             WHERE m.company_id = $4 AND m.user_id IN (SELECT id FROM locked WHERE id NOT IN (SELECT user_id FROM known))
             ON CONFLICT (company_id, user_id) DO UPDATE SET moves_date = true, date_becomes = excluded.date_becomes,
                 date_was = CASE WHEN l.moves_date THEN l.date_was ELSE excluded.date_was END
             RETURNING user_id AS id",
            tx.dialect().for_update_skip_locked("u"),
            must_be_required(2, 3),
            tx.dialect().for_update_skip_locked("m")
        );
        let mut values = self.values(now, policy);
        values.extend(bind![now.plus(TimeDelta::microseconds(1))]);
        tx.fetch_all(&sql, values).await?.iter().map(|row| row.get("id")).collect()
    }

    /// What [`OF_CHUNK`] and [`must_be_required`] compare with.
    fn values(&self, now: Timestamp, policy: &Policy) -> Vec<Value> {
        let (after, last) = (self.after.unwrap_or(Id::FIRST), self.last.unwrap_or(Id::LAST));
        bind![self.enforcement, now, !policy.leave_out_sso, self.company_id, after, last]
    }
}
