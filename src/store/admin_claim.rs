//! Task `digest`, second half: mails to admins are claimed under a lease, with all that they say, and their outcomes
//! recorded, fenced by the claim.

use async_trait::async_trait;
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::audit::{self, NewEvent};
use super::claim::ClaimTerms;
use super::outcome::{MailOutcome, MailResult};
use super::safety::measured;
use super::sql::{Row, Tx};
use super::unreachable::contacts;
use super::values::bind;
use super::{SqlStore, StoreError, companies};
use crate::domain::admin_mail::{
    self, Action, AdminMailChoice, AdminMailFacts, AdminMailKind, AdminMessage, AdminSkipReason, Decision, News,
    Progress,
};
use crate::domain::audit::sha256_hex;
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, HoldReason, NoticeKind};
use crate::domain::planning;
use crate::domain::policy::Policy;
use crate::domain::schedule::{self, PlannedMilestone};
use crate::domain::time::{self, Timestamp};

/// A mail to an admin that this claim may send.
#[derive(Clone, Debug)]
pub struct ClaimedAdminMail {
    /// What it says.
    pub message: AdminMessage,
    /// Since when mail servers put it off for its own sake.
    pub refused_since: Option<Timestamp>,
    /// Which attempt this is: 1, 2, …
    pub attempt: i64,
}

/// What one claim came to.
#[derive(Clone, Debug)]
pub struct AdminClaim {
    /// Unique for each claim: fences its outcomes.
    pub id: Id,
    /// When it lapses.
    pub until: Timestamp,
    /// The mails to send.
    pub mails: Vec<ClaimedAdminMail>,
    /// How many are not sent.
    pub skipped: u64,
}

/// Claiming mails to admins.
#[async_trait]
pub trait AdminClaimStore {
    /// Claims due mails; none: none is due.
    async fn claim_admin_mails(
        &self,
        terms: &ClaimTerms,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Option<AdminClaim>, StoreError>;

    /// Records what became of mails of `claim`. What another claim has taken over since is left alone.
    async fn record_admin_outcomes(
        &self,
        claim: Id,
        now: Timestamp,
        outcomes: &[MailOutcome],
    ) -> Result<(), StoreError>;
}

/// How many people a mail names.
const NAMED_MOST: i64 = 25;

#[async_trait]
impl AdminClaimStore for SqlStore {
    async fn claim_admin_mails(
        &self,
        terms: &ClaimTerms,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Option<AdminClaim>, StoreError> {
        let due = "(a.state = 'pending' AND a.next_attempt_at <= $1 OR a.state = 'sending' AND a.claimed_until < $1)";
        let some = format!("SELECT 1 AS found FROM admin_mails AS a WHERE {due} LIMIT 1");
        if self.database.fetch_optional(&some, bind![now]).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.database.begin().await?;
        let sql = format!(
            "SELECT a.id, a.kind, a.event_seq, a.due_at, a.attempts, e.id AS enforcement_id, e.state, e.enforcement_date, e.enforce_at,
                 e.planned_time_zone, e.flipped_at,
                 c.id AS company_id, c.name AS company, c.external_id, c.locale AS company_locale, c.enforcement_set_by,
                 u.email, u.name, u.locale, u.email_status,
                 EXISTS (SELECT 1 FROM admin_mails AS later JOIN audit_events AS afterwards ON afterwards.seq = later.event_seq
                     JOIN audit_events AS event ON event.seq = a.event_seq
                     WHERE later.user_id = a.user_id AND later.company_id = a.company_id AND later.state <> 'failed'
                         AND afterwards.at > event.at) AS superseded,
                 (SELECT min(h.at) FROM mail_history AS h WHERE h.mail_id = a.id AND h.outcome = 'deferred') AS refused_since,
                 CASE WHEN m.role = 'admin' AND u.active AND u.kind = 'person' THEN m.admin_mail END AS choice
             FROM admin_mails AS a JOIN enforcements AS e ON e.id = a.enforcement_id
             LEFT JOIN companies AS c ON c.id = a.company_id LEFT JOIN users AS u ON u.id = a.user_id
             LEFT JOIN memberships AS m ON m.company_id = a.company_id AND m.user_id = a.user_id
             WHERE {due} ORDER BY a.due_at, a.event_seq, a.id LIMIT $2{}",
            tx.dialect().for_update_skip_locked("a")
        );
        let rows = tx.fetch_all(&sql, bind![now, terms.limit]).await?;
        let mut claim =
            AdminClaim { id: self.randomness.id(now), until: now.plus(terms.lease), mails: vec![], skipped: 0 };
        for row in &rows {
            if let Some(reason) = left_out(row, now)? {
                skip(&mut tx, row.get("id")?, reason).await?;
                claim.skipped += 1;
                continue;
            }
            let message = message(&mut tx, row, now, policy).await?;
            if message.news.is_about_nobody() {
                skip(&mut tx, row.get("id")?, AdminSkipReason::Nobody).await?;
                claim.skipped += 1;
                continue;
            }
            take(&mut tx, &message, &claim, terms).await?;
            let attempt = row.get::<i64>("attempts")? + 1;
            claim.mails.push(ClaimedAdminMail { message, refused_since: row.get("refused_since")?, attempt });
        }
        tx.commit().await?;
        Ok(Some(claim))
    }

    async fn record_admin_outcomes(
        &self,
        claim: Id,
        now: Timestamp,
        outcomes: &[MailOutcome],
    ) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        let mut sent = Vec::new();
        for outcome in outcomes {
            let (state, next, undone, said) = match outcome.result {
                MailResult::Sent => ("sent", None, 0, None),
                MailResult::Failed { .. } => ("failed", None, 0, Some("failed")),
                MailResult::Deferred { next_attempt_at, refused, .. } => {
                    ("pending", Some(next_attempt_at), 0, Some(if refused { "deferred" } else { "not_sent" }))
                }
                MailResult::Released { next_attempt_at, .. } => ("pending", next_attempt_at, 1, None),
            };
            let sql = "UPDATE admin_mails SET state = $3, claimed_by = NULL, claimed_until = NULL,
                    next_attempt_at = COALESCE($4, next_attempt_at), attempts = attempts - $5, sent_at = $6,
                    server_reply = CASE WHEN $5 = 1 THEN COALESCE(server_reply, $7) ELSE $7 END,
                    content_sha256 = COALESCE($8, content_sha256)
                WHERE id = $1 AND claimed_by = $2 AND state = 'sending'";
            let sent_at = (outcome.result == MailResult::Sent).then_some(outcome.at);
            let values = bind![
                outcome.mail_id,
                claim,
                state,
                next,
                undone,
                sent_at,
                outcome.reply.clone(),
                outcome.content_sha256.clone()
            ];
            if tx.execute(sql, values).await? == 0 {
                continue;
            }
            if sent_at.is_some() {
                sent.push(format!("{} {}", outcome.mail_id, outcome.content_sha256.as_deref().unwrap_or("-")));
            }
            if let Some(said) = said {
                let sql = "INSERT INTO mail_history (id, mail_id, at, attempt, outcome, reply) VALUES ($1, $2, $3, $4, $5, $6)";
                let id = self.randomness.id(outcome.at);
                let values = bind![id, outcome.mail_id, outcome.at, outcome.attempt, said, outcome.reply.clone()];
                tx.execute(sql, values).await?;
            }
        }
        if !sent.is_empty() {
            let detail = json!({ "mails": sent.len(), "sha256": sha256_hex(sent) });
            let event =
                NewEvent { actor: "daemon", action: "admin_mails_sent", company_id: None, subject: None, detail };
            audit::append(&mut tx, now, vec![event]).await?;
        }
        tx.commit().await
    }
}

/// Why a mail is not sent any more.
fn left_out(row: &Row, now: Timestamp) -> Result<Option<AdminSkipReason>, StoreError> {
    let zone = zone(row)?;
    let choice: Option<String> = row.get("choice")?;
    let choice: Option<AdminMailChoice> = choice.map(|name| name.parse().map_err(StoreError::Corrupt)).transpose()?;
    Ok(admin_mail::left_out(&AdminMailFacts {
        kind: row.name("kind")?,
        choice: choice.filter(|_| row.get::<Option<Id>>("company_id").is_ok_and(|company| company.is_some())),
        bounced: row.get::<Option<String>>("email_status")?.as_deref() == Some("bounced"),
        state: row.name("state")?,
        late: row.get::<Timestamp>("due_at")?.date_in(zone) < now.date_in(zone),
        superseded: row.get("superseded")?,
    }))
}

fn zone(row: &Row) -> Result<Tz, StoreError> {
    Ok(time::zone(&row.get::<String>("planned_time_zone")?).unwrap_or(Tz::UTC))
}

async fn skip(tx: &mut Tx, id: Id, reason: AdminSkipReason) -> Result<(), StoreError> {
    let sql = "UPDATE admin_mails SET state = 'skipped', skip_reason = $2, claimed_by = NULL, claimed_until = NULL WHERE id = $1";
    tx.execute(sql, bind![id, reason.as_str()]).await.map(drop)
}

async fn take(tx: &mut Tx, message: &AdminMessage, claim: &AdminClaim, terms: &ClaimTerms) -> Result<(), StoreError> {
    let sql = "UPDATE admin_mails SET state = 'sending', claimed_by = $2, claimed_until = $3, attempts = attempts + 1,
            address = $4, locale = $5, message_id = $6, bounced_at = NULL WHERE id = $1";
    let locale = message.locales.first().cloned().unwrap_or_else(|| "en".to_owned());
    let message_id = format!("<{}@{}>", message.mail_id, terms.message_id_domain);
    let values = bind![message.mail_id, claim.id, claim.until, message.address.clone(), locale, message_id];
    tx.execute(sql, values).await.map(drop)
}

async fn message(tx: &mut Tx, row: &Row, now: Timestamp, policy: &Policy) -> Result<AdminMessage, StoreError> {
    let zone = zone(row)?;
    let (enforcement, company): (Id, Id) = (row.get("enforcement_id")?, row.get("company_id")?);
    let news = match row.name("kind")? {
        AdminMailKind::Decision => News::Decision(Box::new(decision(tx, row, company, now, policy).await?)),
        AdminMailKind::Digest => News::Digest(progress(tx, row, company, now, policy).await?),
        AdminMailKind::DayReport => News::DayReport(progress(tx, row, company, now, policy).await?),
    };
    Ok(AdminMessage {
        mail_id: row.get("id")?,
        address: row.text("email")?.unwrap_or_default(),
        name: row.text("name")?.unwrap_or_default(),
        locales: [row.text("locale")?, row.text("company_locale")?].into_iter().flatten().collect(),
        company_id: company,
        company: row.text("company")?.unwrap_or_default(),
        company_key: companies::key(row.text("external_id")?.as_deref(), company),
        enforcement_id: enforcement,
        required_at: row.get("enforce_at")?,
        zone,
        at: now,
        news,
    })
}

async fn decision(
    tx: &mut Tx,
    row: &Row,
    company: Id,
    now: Timestamp,
    policy: &Policy,
) -> Result<Decision, StoreError> {
    let sql = "SELECT at, actor, action, detail FROM audit_events WHERE seq = $1";
    let seq: Option<i64> = row.get("event_seq")?;
    let event = tx.fetch_optional(sql, bind![seq]).await?;
    let event = event.ok_or_else(|| StoreError::Corrupt(format!("the audit trail has no event {seq:?}")))?;
    let (at, actor): (Timestamp, String) = (event.get("at")?, event.get("actor")?);
    let detail: Json = event.get("detail")?;
    let said = |key: &str| detail.get(key).and_then(Json::as_str).map(str::to_owned);
    // What was taken back for it, in the same transaction.
    let sql =
        "SELECT e.enforcement_date FROM audit_events AS a JOIN enforcements AS e ON CAST(e.id AS text) = a.subject
        WHERE a.company_id = $1 AND a.seq < $2 AND a.seq > $2 - 10 AND a.at = $3 AND a.action = 'enforcement_superseded'
        ORDER BY a.seq DESC LIMIT 1";
    let was = tx.fetch_optional(sql, bind![company, seq, at]).await?;
    let was = was.map(|row| row.get("enforcement_date")).transpose()?;
    let has_come = row.get::<Option<Timestamp>>("flipped_at")?.is_some();
    let action = match event.get::<String>("action")?.as_str() {
        "enforcement_cancelled" if has_come => Action::Ended,
        "enforcement_cancelled" | "enforcement_superseded" => Action::Cancelled,
        "enforcement_held" => Action::Held,
        "enforcement_released" => Action::Released,
        "enforcement_reverted" => Action::Reverted,
        _ if was.is_some() => Action::Moved,
        _ => Action::Set,
    };
    let reason = said("reason");
    let held: Option<HoldReason> = said("held").or_else(|| reason.clone()).and_then(|name| name.parse().ok());
    let date = row.get("enforcement_date")?;
    let sql = "SELECT enforcement_date FROM enforcements WHERE company_id = $1 AND id <> $2 AND state IN ('scheduled', 'held')";
    let stands = tx.fetch_optional(sql, bind![company, row.get::<Id>("enforcement_id")?]).await?;
    let sql = "SELECT 1 AS found FROM enforcements WHERE company_id = $1 AND id <> $2 AND state = 'in_force'";
    let beside_in_force = tx.fetch_optional(sql, bind![company, row.get::<Id>("enforcement_id")?]).await?.is_some();
    Ok(Decision {
        action,
        by: decided_by(actor, action, row)?,
        decided_at: at,
        was: was.filter(|was| *was != date),
        reason: reason.filter(|words| words.parse::<HoldReason>().is_err()),
        held: held.filter(|held| action == Action::Held && *held != HoldReason::Requested),
        people: 0,
        first_mail_at: None,
        stands: stands.map(|row| row.get("enforcement_date")).transpose()?,
        beside_in_force,
        too_soon: date < planning::earliest_date(now, zone(row)?, policy),
    })
}

/// What stands for a name where nobody gave theirs.
const NOBODY: [&str; 3] = ["sql", "cli", "daemon"];

/// The person who decided, if one is named: by the order, or, as the vendor's application wrote it, in the company's row.
fn decided_by(actor: String, action: Action, row: &Row) -> Result<Option<String>, StoreError> {
    Ok(match actor.as_str() {
        "sql" if matches!(action, Action::Set | Action::Moved) => {
            row.text("enforcement_set_by")?.filter(|name| !NOBODY.contains(&name.as_str()))
        }
        name if NOBODY.contains(&name) => None,
        _ => Some(actor),
    })
}

async fn progress(
    tx: &mut Tx,
    row: &Row,
    company: Id,
    now: Timestamp,
    policy: &Policy,
) -> Result<Progress, StoreError> {
    let enforcement: Id = row.get("enforcement_id")?;
    let measured = measured(tx, company, row.get("enforcement_date")?, now, policy).await?;
    let (_, waiting) = contacts(tx, enforcement, false, policy, NAMED_MOST).await?;
    let (unreachable, unreached) = contacts(tx, enforcement, true, policy, NAMED_MOST).await?;
    Ok(Progress {
        subjects: measured.subjects,
        enrolled: measured.enrolled,
        waiting,
        unreachable,
        unreached,
        next: next(tx, row, now, policy).await?,
    })
}

/// What comes next, in the company's zone.
async fn next(
    tx: &mut Tx,
    row: &Row,
    now: Timestamp,
    policy: &Policy,
) -> Result<Option<(NoticeKind, Timestamp)>, StoreError> {
    if row.name::<EnforcementState>("state")? != EnforcementState::Scheduled {
        return Ok(None);
    }
    let (enforce_at, zone) = (row.get("enforce_at")?, zone(row)?);
    let sql = "SELECT kind, days_before, due_at FROM milestones WHERE enforcement_id = $1 AND state <> 'dropped'
        AND kind IN ('reminder', 'final_reminder', 'now_required')";
    let mut next = None;
    for row in tx.fetch_all(sql, bind![row.get::<Id>("enforcement_id")?]).await? {
        let days: Option<i64> = row.get("days_before")?;
        let milestone = PlannedMilestone {
            kind: row.name("kind")?,
            days_before: days.and_then(|days| u16::try_from(days).ok()),
            due_at: row.get("due_at")?,
        };
        let due_at = schedule::notice_due_at(&milestone, enforce_at, enforce_at, zone, policy);
        if due_at > now && next.is_none_or(|(_, earliest)| due_at < earliest) {
            next = Some((milestone.kind, due_at));
        }
    }
    Ok(next)
}
