//! What a claim has to know: the due notices that may be claimed at all, their users, and what those got lately.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::StoreError;
use super::dialect::Dialect;
use super::earlier_mails::{earlier_mail, keep_whole};
use super::overdue::{claimable, find};
use super::predicate::{FLIPPING, FREED, REQUIRED_BEFORE, REQUIRED_OTHERWISE, is_put_off, told_otherwise};
use super::requirements::{id_batch, id_rows};
use super::sql::{Row, Tx};
use super::values::bind;
use crate::domain::delivery::{Mailed, MembershipFacts, NoticeFacts, UserFacts};
use crate::domain::expansion::required_at;
use crate::domain::ids::Id;
use crate::domain::message::{Message, Reader, Statement};
use crate::domain::methods::methods;
use crate::domain::notice::{EnforcementState, NoticeKind};
use crate::domain::policy::Policy;
use crate::domain::time::{self, Timestamp};

/// Users with due notices, locked.
pub(super) struct Claimable {
    users: BTreeSet<Id>,
    locked_users: BTreeSet<Id>,
    locked_companies: BTreeSet<Id>,
}

/// A user with due notices.
pub(super) struct Recipient {
    pub user: Option<User>,
    pub zone: Tz,
    pub notices: Vec<DueNotice>,
    /// The mails of the last days.
    pub mails: Vec<Mailed>,
}

/// A user's row.
#[derive(Clone)]
pub(super) struct User {
    pub id: Id,
    pub facts: UserFacts,
    email: String,
    name: String,
    locale: Option<String>,
    country: Option<String>,
}

/// A due notice, with what its mail says.
pub(super) struct DueNotice {
    pub facts: NoticeFacts,
    pub attempts: i64,
    company: Option<String>,
    company_locale: Option<String>,
    support_contact: Option<String>,
    /// The person who set the date, if one is named.
    set_by: Option<String>,
    /// Since when mail servers put its mail off for its own sake.
    pub refused_since: Option<Timestamp>,
    requirement: Option<Timestamp>,
    required_otherwise: bool,
    /// Whether the company required the reader, and has undone that.
    freed: bool,
    /// The zone of the days that the reader has with this company.
    zone: Tz,
}

impl Claimable {
    /// Finds and locks the users of the longest overdue notices, and their companies; none if nothing is due that another
    /// daemon is not at. A company whose row is being changed is passed over, and does not keep the others waiting.
    pub async fn lock(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Option<Self>, StoreError> {
        let mut passed_over = BTreeSet::new();
        loop {
            tx.expect_order().await?;
            let found = find(tx, now, limit, &passed_over).await?;
            if found.users.is_empty() && passed_over.is_empty() {
                return Ok(None);
            }
            tx.expect_batches().await?;
            let locked_companies = lock_companies(tx, &found.users).await?;
            let busy = found.companies.iter().flatten().filter(|id| !locked_companies.contains(id));
            let busy = there_are(tx, busy.copied().collect()).await?;
            // Where most of a claim is passed over, those behind it have the few places that are left.
            if busy.len() * 2 <= found.companies.len() {
                return Ok(Some(Self { users: found.users, locked_users: found.locked_users, locked_companies }));
            }
            passed_over.extend(busy);
        }
    }

    /// Everything that is due to these users, each with what decides.
    pub async fn recipients(&self, tx: &mut Tx, now: Timestamp) -> Result<Vec<Recipient>, StoreError> {
        let sql = format!(
            "SELECT n.id, n.user_id, n.kind, n.due_at, n.next_attempt_at, n.attempts, n.mail_id, l.maybe_received, l.state AS mail_state,
                 e.id AS enforcement_id, e.company_id AS enforcing_company, e.state, e.enforcement_date, e.enforce_at,
                 e.planned_time_zone, e.set_by,
                 c.name AS company_name, c.enforcement_date AS company_date,
                 EXISTS (SELECT 1 FROM enforcements AS held WHERE held.company_id = c.id AND held.state = 'held') AS company_date_held,
                 c.locale AS company_locale, c.support_contact, c.enforcement_set_by,
                 m.user_id AS member, m.exempt_until, m.require_at,
                 u.id AS found, u.email, u.name, u.locale, u.time_zone, u.country, u.kind AS user_kind, u.active, u.sso,
                 u.payee, u.email_status, (u.mfa_enrolled_at IS NOT NULL) AS enrolled,
                 known_of.enforcement_date AS told_date, known.told_at, {REQUIRED_OTHERWISE} AS required_otherwise,
                 {REQUIRED_BEFORE} AS required_before, {} AS flipping, {FREED} AS freed,
                 (SELECT min(h.at) FROM mail_history AS h WHERE h.mail_id = n.mail_id AND h.outcome = 'deferred') AS refused_since,
                 (SELECT r.required_at FROM requirements AS r WHERE r.user_id = n.user_id AND r.enforcement_id = e.id
                     AND r.cleared_at IS NULL) AS required_at,
                 CASE WHEN e.company_id IS NULL THEN
                     (SELECT home.time_zone FROM memberships AS any_m JOIN companies AS home ON home.id = any_m.company_id
                     WHERE any_m.user_id = n.user_id ORDER BY home.id LIMIT 1) END AS home_zone
             FROM {} JOIN notices AS n ON n.user_id = batch.id JOIN enforcements AS e ON e.id = n.enforcement_id
             LEFT JOIN companies AS c ON c.id = e.company_id
             LEFT JOIN users AS u ON u.id = n.user_id
             LEFT JOIN memberships AS m ON m.company_id = e.company_id AND m.user_id = n.user_id
             LEFT JOIN mails AS l ON l.id = n.mail_id
             LEFT JOIN notices AS known ON known.id = {} LEFT JOIN enforcements AS known_of ON known_of.id = known.enforcement_id
             WHERE (n.state = 'pending' AND n.due_at <= $1 OR n.state = 'sending' AND n.claimed_until < $1)
                 AND (c.id IS NULL OR c.id IN (SELECT id FROM {})) AND {}
             ORDER BY n.user_id, n.due_at, n.id{}",
            flipping(tx.dialect()),
            id_rows(tx, 2),
            told_otherwise(),
            // Where the company's row is being changed its notices may be, too: they are not waited for.
            id_rows(tx, 3),
            claimable(),
            // What another daemon has just recorded, or a moved date has closed, is no longer due (R2, R5).
            tx.dialect().for_update("n")
        );
        let [users, companies] = [&self.users, &self.locked_companies].map(|ids| id_batch(ids.iter().copied()));
        let rows = tx.fetch_all(&sql, bind![now, users, companies]).await?;
        let mut mails = self.recent_mails(tx, now).await?;
        let mut recipients: Vec<(Id, Recipient)> = Vec::new();
        for row in &rows {
            let user_id: Id = row.get("user_id")?;
            let user = read_user(row)?;
            if user.is_some() && !self.locked_users.contains(&user_id) {
                continue; // another daemon is at this user
            }
            let notice = read_notice(row)?;
            if let Some((_, recipient)) = recipients.last_mut().filter(|(id, _)| *id == user_id) {
                recipient.notices.push(notice);
            } else {
                let zone = notice.zone;
                let mails = mails.remove(&user_id).unwrap_or_default();
                recipients.push((user_id, Recipient { user, zone, notices: vec![notice], mails }));
            }
        }
        let mut recipients: Vec<_> = recipients.into_iter().map(|(_, recipient)| recipient).collect();
        let facts = recipients.iter_mut().flat_map(|recipient| &mut recipient.notices).map(|notice| &mut notice.facts);
        keep_whole(tx, facts.collect()).await?;
        Ok(recipients)
    }

    /// The mails of the last days, by user. An outer join, so that it begins with the users: the planner believes that there are
    /// hardly any mails of today for as long as the table was last analysed before today, and would read these for each user.
    async fn recent_mails(&self, tx: &mut Tx, now: Timestamp) -> Result<BTreeMap<Id, Vec<Mailed>>, StoreError> {
        let sql = format!(
            "SELECT l.user_id, l.sent_day, l.attempted_at, l.id FROM {}
             LEFT JOIN mails AS l ON l.user_id = batch.id AND l.maybe_received AND l.sent_day >= $1",
            id_rows(tx, 2)
        );
        let since = now.plus(-TimeDelta::days(2)).utc().date_naive();
        let mut mails: BTreeMap<Id, Vec<Mailed>> = BTreeMap::new();
        for row in tx.fetch_all(&sql, bind![since, id_batch(self.users.iter().copied())]).await? {
            if let Some(user) = row.get("user_id")? {
                mails.entry(user).or_default().push(mailed(&row)?);
            }
        }
        Ok(mails)
    }
}

/// A mail of which the row has the id, the day and the instant.
pub(super) fn mailed(row: &Row) -> Result<Mailed, StoreError> {
    Ok(Mailed { id: row.get("id")?, day: row.get("sent_day")?, at: row.get("attempted_at")? })
}

/// The person who set the date, if one is named: by the order, or, as the vendor's application wrote it, in the company's row.
fn set_by(row: &Row) -> Result<Option<String>, StoreError> {
    const NOBODY: [&str; 2] = ["sql", "cli"];
    let names = [row.text("set_by")?, row.text("enforcement_set_by")?];
    Ok(names.into_iter().flatten().find(|name| !NOBODY.contains(&name.as_str())))
}

/// The zone of the reader's days: their own, or that of the company; of what no company enforces, that of any company they
/// work for.
fn zone_of(row: &Row, is_mandate: bool) -> Result<Tz, StoreError> {
    let company = row.text("planned_time_zone")?.filter(|_| !is_mandate);
    let names = [row.text("time_zone")?, company, row.text("home_zone")?];
    Ok(names.iter().flatten().find_map(|name| time::zone(name)).unwrap_or(Tz::UTC))
}

/// The companies of all that is due to these users, locked; those whose row is being changed are passed over.
async fn lock_companies(tx: &mut Tx, users: &BTreeSet<Id>) -> Result<BTreeSet<Id>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT e.company_id FROM {} JOIN notices AS n ON n.user_id = batch.id
         JOIN enforcements AS e ON e.id = n.enforcement_id
         WHERE n.state IN ('pending', 'sending') AND e.company_id IS NOT NULL",
        id_rows(tx, 1)
    );
    let rows = tx.fetch_all(&sql, bind![id_batch(users.iter().copied())]).await?;
    let companies: BTreeSet<Id> = rows.iter().map(|row| row.get("company_id")).collect::<Result<_, _>>()?;
    // By itself, so that the planner knows how few they are.
    let sql = format!(
        "SELECT c.id FROM companies AS c WHERE c.id IN (SELECT id FROM {}) AND {} ORDER BY c.id{}",
        id_rows(tx, 1),
        tx.dialect().unless_awaited("companies", "c"),
        tx.dialect().for_share_skip_locked("c")
    );
    let rows = tx.fetch_all(&sql, bind![id_batch(companies)]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Those of the companies that are not gone, as often as they are there.
async fn there_are(tx: &mut Tx, companies: Vec<Id>) -> Result<Vec<Id>, StoreError> {
    if companies.is_empty() {
        return Ok(companies);
    }
    let sql = format!("SELECT c.id FROM companies AS c WHERE c.id IN (SELECT id FROM {})", id_rows(tx, 1));
    let rows = tx.fetch_all(&sql, bind![id_batch(companies.iter().copied())]).await?;
    let there: BTreeSet<Id> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
    Ok(companies.into_iter().filter(|id| there.contains(id)).collect())
}

/// A flip of their company is yet to require member `m`: what becomes of a date that is told depends on it. Of notices `n` that tell of
/// the flip itself it is not asked.
fn flipping(dialect: Dialect) -> String {
    let mut to_come = format!("{FLIPPING} AND (m.require_at IS NULL OR m.require_at <= $1)");
    if dialect == Dialect::Postgres {
        let date = "LEAST(m.require_at, (SELECT l.date_becomes FROM membership_changes AS l
             WHERE l.company_id = m.company_id AND l.user_id = m.user_id AND l.moves_date))";
        to_come = format!("({to_come} OR {})", is_put_off(date));
    }
    format!(
        "(n.kind <> 'now_required' AND EXISTS (SELECT 1 FROM enforcements AS e WHERE e.company_id = m.company_id AND {to_come}))"
    )
}

fn read_user(row: &Row) -> Result<Option<User>, StoreError> {
    let Some(id) = row.get::<Option<Id>>("found")? else {
        return Ok(None);
    };
    Ok(Some(User {
        id,
        facts: UserFacts {
            person: row.get::<String>("user_kind")? == "person",
            active: row.get("active")?,
            sso: row.get("sso")?,
            payee: row.get("payee")?,
            enrolled: row.get("enrolled")?,
            bounced: row.get::<String>("email_status")? == "bounced",
        },
        email: row.text("email")?.unwrap_or_default(),
        name: row.text("name")?.unwrap_or_default(),
        locale: row.text("locale")?,
        country: row.text("country")?,
    }))
}

fn read_notice(row: &Row) -> Result<DueNotice, StoreError> {
    let membership = match row.get::<Option<Id>>("member")? {
        Some(_) => Some(MembershipFacts {
            exempt_until: row.get("exempt_until")?,
            require_at: row.get("require_at")?,
            flipping: row.get("flipping")?,
        }),
        None => None,
    };
    let mail = match row.get::<Option<Id>>("mail_id")? {
        Some(id) => Some(earlier_mail(id, row)?),
        None => None,
    };
    let enforcement_id: Id = row.get("enforcement_id")?;
    let enforce_at = row.get("enforce_at")?;
    let requirement: Option<Timestamp> = row.get("required_at")?;
    let company_id: Option<Id> = row.get("enforcing_company")?;
    let zone = zone_of(row, company_id.is_none())?;
    let mut notice = DueNotice {
        facts: NoticeFacts {
            id: row.get("id")?,
            kind: row.name("kind")?,
            due_at: row.get("due_at")?,
            next_attempt_at: row.get("next_attempt_at")?,
            enforcement_id,
            state: row.name("state")?,
            date: row.get("enforcement_date")?,
            company_id,
            company_date: row.get("company_date")?,
            company_date_held: row.get("company_date_held")?,
            membership,
            required: requirement.is_some(),
            required_before: row.get("required_before")?,
            told_date: row.get("told_date")?,
            told_at: row.get("told_at")?,
            required_at: required_at(enforce_at, membership.and_then(|membership| membership.require_at)),
            mail,
        },
        attempts: row.get("attempts")?,
        // A name may be empty; the payee mandate alone has none.
        company: company_id.is_some().then(|| row.text("company_name")).transpose()?.map(Option::unwrap_or_default),
        company_locale: row.text("company_locale")?,
        support_contact: row.text("support_contact")?,
        set_by: set_by(row)?,
        refused_since: row.get("refused_since")?,
        requirement,
        required_otherwise: row.get("required_otherwise")?,
        freed: row.get("freed")?,
        zone,
    };
    notice.facts.kind = notice.facts.fitting_kind();
    Ok(notice)
}

impl Recipient {
    /// The mail that carries these of the recipient's notices, the earliest date first.
    pub fn message(&self, mail_id: Id, notices: &[&DueNotice], now: Timestamp, policy: &Policy) -> Message {
        let user = self.user.as_ref();
        let country = user.and_then(|user| user.country.as_deref()).and_then(|code| code.parse().ok());
        let payee = user.is_some_and(|user| user.facts.payee);
        let mut locales: Vec<String> = user.and_then(|user| user.locale.clone()).into_iter().collect();
        locales.extend(notices.iter().filter_map(|notice| notice.company_locale.clone()));
        let mut statements: Vec<Statement> = notices.iter().map(|notice| notice.statement(now)).collect();
        statements.sort_by_key(|statement| (statement.required_at, statement.notice_id));
        Message {
            mail_id,
            reader: Reader {
                user_id: user.map_or(mail_id, |user| user.id),
                address: user.map(|user| user.email.clone()).unwrap_or_default(),
                name: user.map(|user| user.name.clone()).unwrap_or_default(),
                locales,
                // Of what it carries: another notice that waits may be of a company with another zone.
                zone: notices.first().map_or(self.zone, |notice| notice.zone),
                methods: methods(country, payee, policy),
            },
            notices: statements,
            at: now,
        }
    }
}

impl DueNotice {
    fn statement(&self, now: Timestamp) -> Statement {
        let planned = self.facts.required_at;
        Statement {
            notice_id: self.facts.id,
            enforcement_id: self.facts.enforcement_id,
            kind: self.facts.kind,
            company_id: self.facts.company_id,
            company: self.company.clone(),
            support_contact: self.support_contact.clone(),
            set_by: self.set_by.clone(),
            required_at: if self.facts.kind == NoticeKind::NowRequired {
                self.requirement.unwrap_or(planned)
            } else {
                planned
            },
            // As the reader read it: the day in their zone, or where they have none, in that of this company.
            told_date: self.facts.told_at.map(|at| at.date_in(self.zone)).or(self.facts.told_date),
            exempt_until: self
                .facts
                .membership
                .and_then(|one| one.exempt_until)
                .filter(|until| self.facts.kind == NoticeKind::Welcome && *until > now),
            required_otherwise: self.required_otherwise,
            // A later date that was taken back as well may be what is told.
            was_required: (self.facts.state == EnforcementState::Reverted || self.freed)
                && self.facts.told_at.is_some_and(|at| at <= now),
        }
    }
}
