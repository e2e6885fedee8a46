//! R11: each mail and each requirement can be proved, what is proved is so, and history stays.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Answer;
use super::calendar::minutes;
use super::look::{Look, named};
use super::owed::plausible;
use super::post::Post;
use super::tables::{Id, MANDATE, Notice, Tables};
use super::{Order, Violation};
use crate::support::TestDatabase;

/// The audit trail as it has been seen.
#[derive(Debug, Default)]
pub struct Trail {
    hashes: Vec<String>,
    required: BTreeMap<Id, i64>,
    mails_sent: i64,
    /// What was done to which enforcement.
    done: BTreeSet<(String, Id)>,
}

/// Judges what has changed in the history.
pub fn check(look: &mut Look<'_>, post: &Post) {
    let (was, is) = (Rc::clone(&look.was), Rc::clone(&look.is));
    check_kept(look, &was, &is);
    for (id, notice) in is.notices.iter() {
        if notice.state == "failed" && was.notices.get(id).is_none_or(|before| before.state != "failed") {
            check_failed(look, post, *id, notice);
        }
        let Some(before) = was.notices.get(id) else { continue };
        let same = (&before.kind, before.milestone, before.enforcement, before.user);
        // An announcement to somebody told another date goes out as one that moves it, and the reverse.
        let kinds = ["announcement", "rescheduled", "welcome"];
        let now = (&notice.kind, notice.milestone, notice.enforcement, notice.user);
        let renamed = kinds.contains(&before.kind.as_str()) && kinds.contains(&notice.kind.as_str());
        if same != now && !(renamed && (same.1, same.2, same.3) == (now.1, now.2, now.3)) {
            look.wrong("R11", format!("notice {id} was rewritten: {before:?}, now {notice:?}"));
        }
        if before.state == "sent" && before != notice {
            look.wrong("R11", format!("notice {id} was sent, and was rewritten: {before:?}, now {notice:?}"));
        }
        let retried = matches!(look.order(), Some(Order::Retry { .. }));
        // What failed at one address is tried at another.
        let address = before.mail.and_then(|mail| was.mails.get(&mail)).map(|mail| mail.address.to_lowercase());
        let now = is.users.get(&notice.user).map(|user| user.email.to_lowercase());
        let readdressed = address.is_some() && now.is_some() && address != now;
        if before.state == "failed" && notice.state != "failed" && !retried && !readdressed {
            look.wrong("R11", format!("notice {id} was given up, and is {}", notice.state));
        }
    }
    for (id, mail) in is.mails.iter() {
        if mail.state == "sent" && was.mails.get(id).is_none_or(|before| before.state != "sent") {
            check_sent(look, post, *id);
        }
        let received = post.to_user(mail.user).iter().any(|handing| handing.mail == *id && handing.answer.received());
        if received && !mail.maybe_received {
            look.wrong("R11", format!("mail {} was received, and counts as not received", mail.message_id));
        }
    }
    if look.settled() {
        // Whoever got the answer may be held up before writing it down; not for longer than the claim, which others take over.
        // Where that has nothing to say any more when they do, the answer is lost with whoever got it.
        let lease = look.settings.lease_minutes;
        // What was handed over again was not known to be accepted: its last answer is what is recorded.
        let mut seen = BTreeSet::new();
        for handing in post.all().iter().rev().filter(|handing| seen.insert(handing.mail)) {
            let mail = is.mails.get(&handing.mail);
            let sent = mail.is_some_and(|mail| mail.state == "sent");
            let held_up = mail.is_some_and(|mail| {
                let mut carried = is.notices.values().filter(|notice| notice.mail == Some(handing.mail));
                let lapsed = look.now >= mail.attempted_at + minutes(lease - 1);
                mail.state == "sending" && look.now < mail.attempted_at + minutes(lease + 1)
                    || lapsed && mail.maybe_received && carried.all(|notice| notice.state == "skipped")
            });
            if handing.answer == Answer::Accepted && !post.uncertain(handing.mail) && !sent && !held_up {
                look.wrong("R11", format!("mail {} was accepted, and is not on record", handing.letter.message_id));
            }
        }
    }
}

/// A notice fails for good where the mail server refuses its mail for good, and where the address is none.
fn check_failed(look: &mut Look<'_>, post: &Post, id: Id, notice: &Notice) {
    let refused = post.to_user(notice.user).iter().any(|handing| {
        let tells = handing.told.iter().any(|telling| telling.milestone == notice.milestone);
        handing.answer == Answer::RefusedForGood && tells
    });
    let is_none = [&look.was, &look.is]
        .into_iter()
        .any(|tables| tables.users.get(&notice.user).is_some_and(|user| !plausible(&user.email)));
    if !refused && !is_none {
        look.wrong("R6", format!("notice {id} failed for good, and nothing was refused: {notice:?}"));
    }
}

fn check_kept(look: &mut Look<'_>, was: &Tables, is: &Tables) {
    for (id, mail) in was.mails.iter() {
        let kept = is.mails.get(id).is_some_and(|now| {
            (now.user, &now.message_id) == (mail.user, &mail.message_id) && (mail.state != "sent" || now == mail)
        });
        if !kept {
            look.wrong("R11", format!("mail {} is gone or was rewritten", mail.message_id));
        }
    }
    for (id, notice) in was.notices.iter() {
        if !is.notices.contains_key(id) && notice.state != "pending" {
            look.wrong("R11", format!("notice {id} ({}, {}) is gone", notice.kind, notice.state));
        }
    }
    let now: BTreeSet<_> = is.requirements.iter().map(|r| (r.user, r.enforcement, r.required_at)).collect();
    for requirement in was.requirements.iter() {
        if !now.contains(&(requirement.user, requirement.enforcement, requirement.required_at)) {
            look.wrong(
                "R11",
                format!(
                    "the requirement of user {} by {} is gone",
                    requirement.user,
                    named(was, requirement.enforcement)
                ),
            );
        }
    }
    if is.requirements.len() < was.requirements.len() {
        look.wrong("R11", "requirements are gone");
    }
}

/// What is on record as sent was accepted, to that address, in these words.
fn check_sent(look: &mut Look<'_>, post: &Post, id: Id) {
    let is = Rc::clone(&look.is);
    let mail = &is.mails[&id];
    let last = post.to_user(mail.user).iter().rev().find(|handing| handing.mail == id);
    let about = format!("mail {} to user {}", mail.message_id, mail.user);
    let Some(handing) = last else {
        look.wrong("R11", format!("{about} is on record as sent, and never was"));
        return;
    };
    if handing.answer != Answer::Accepted {
        look.wrong("R11", format!("{about} is on record as sent, but the answer was {:?}", handing.answer));
    }
    if mail.sha256.as_deref() != Some(handing.sha256.as_str()) {
        look.wrong("R11", format!("{about} is on record with the hash {:?}, but was {}", mail.sha256, handing.sha256));
    }
    if !super::eligible::same_address(&mail.address, &handing.to) {
        look.wrong("R11", format!("{about} is on record as sent to {}, but went to {}", mail.address, handing.to));
    }
    if mail.sent_at.is_none_or(|sent| sent < handing.at || sent > look.now) || mail.reply.is_none() {
        look.wrong(
            "R11",
            format!("{about} was sent at {}, on record: {:?}, {:?}", handing.at, mail.sent_at, mail.reply),
        );
    }
    for telling in &handing.told {
        let on_record = is.notices.get(&telling.notice);
        let told = on_record.is_some_and(|notice| {
            notice.state == "sent" && notice.mail == Some(id) && notice.told_at == telling.told_at
        });
        if !told {
            look.wrong("R11", format!("{about} carried notice {}, on record: {on_record:?}", telling.notice));
        }
    }
}

impl Trail {
    /// Follows the audit trail to its end. `whole`: from its beginning, to see that nothing of it was changed since.
    pub async fn follow(&mut self, db: &TestDatabase, whole: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        let from = if whole { 0 } else { self.hashes.len() };
        let rows = db
            .rows(&format!(
                "SELECT seq, at, actor, action, company_id, subject, detail, prev_hash, hash FROM audit_events \
                 WHERE seq > {from} ORDER BY seq"
            ))
            .await;
        for (at, row) in (from..).zip(&rows) {
            let text = |at: usize| (row[at] != "null").then(|| row[at].clone());
            let detail: Value = serde_json::from_str(&row[6]).unwrap();
            let seq: i64 = row[0].parse().unwrap();
            let hashed = serde_json::json!([seq, row[1], row[2], row[3], text(4), text(5), sorted(&detail), row[7]]);
            let hash = hex::encode(Sha256::digest(format!("{hashed}\n")));
            let before = at.checked_sub(1).map_or_else(|| "0".repeat(64), |before| self.hashes[before].clone());
            if usize::try_from(seq) != Ok(at + 1) || row[7] != before || row[8] != hash {
                wrong.push(format!("the audit trail is broken at {seq}: {row:?}"));
            }
            if let Some(known) = self.hashes.get(at) {
                if *known != row[8] {
                    wrong.push(format!("the audit trail was rewritten at {seq}"));
                }
                continue;
            }
            self.hashes.push(row[8].clone());
            let count = |key: &str| detail.get(key).and_then(Value::as_i64).unwrap_or_default();
            if let (true, Some(subject)) = (row[3].starts_with("enforcement_"), text(5)) {
                self.done.insert((row[3].clone(), Id::new(&subject)));
            }
            match row[3].as_str() {
                "users_required" => {
                    let enforcement = text(5).map(|id| Id::new(&id));
                    *self.required.entry(enforcement.unwrap_or(Id(0))).or_default() += count("required");
                }
                "notices_sent" => self.mails_sent += count("mails"),
                _ => {}
            }
        }
        let head = db.rows("SELECT seq, hash FROM audit_head").await.concat();
        let last = self.hashes.last().cloned().unwrap_or_else(|| "0".repeat(64));
        if head != [self.hashes.len().to_string(), last] {
            wrong.push(format!("the audit trail has {} events, and its head says {head:?}", self.hashes.len()));
        }
        wrong
    }

    /// Whether the trail vouches for all that the tables say.
    pub fn vouches(&self, tables: &Tables) -> Vec<Violation> {
        let mut required: BTreeMap<Id, i64> = BTreeMap::new();
        for requirement in tables.requirements.iter() {
            *required.entry(requirement.enforcement).or_default() += 1;
        }
        let mut wrong = Vec::new();
        for id in required.keys().chain(self.required.keys()).collect::<BTreeSet<_>>() {
            let (rows, told) = (required.get(id).copied(), self.required.get(id).copied());
            if rows.unwrap_or_default() != told.unwrap_or_default() {
                wrong.push(format!("{} requires {rows:?}, but the audit trail says {told:?}", named(tables, *id)));
            }
        }
        for (id, enforcement) in tables.enforcements.iter().filter(|(id, _)| **id != MANDATE) {
            let begun = ["scheduled", "held"];
            if !begun.iter().any(|state| self.done.contains(&(format!("enforcement_{state}"), *id))) {
                wrong.push(format!("the audit trail does not say that it was planned: {}", named(tables, *id)));
            }
            let mut told = Vec::new();
            told.extend(enforcement.flipped_at.map(|_| "in_force"));
            told.extend(enforcement.closed().then_some(enforcement.state.as_str()));
            for state in told {
                if !self.done.contains(&(format!("enforcement_{state}"), *id)) {
                    wrong.push(format!("the audit trail does not say that it was {state}: {}", named(tables, *id)));
                }
            }
            // What speaks against it is found before the day, or on it.
            let is_warned = enforcement.warning.as_deref().is_some_and(|warning| warning != "[]");
            let said = |state: &str| self.done.contains(&(format!("enforcement_{state}"), *id));
            if is_warned && !said("at_risk") && !said("held") {
                wrong.push(format!("the audit trail does not say that it was at risk: {}", named(tables, *id)));
            }
        }
        let sent = tables.mails.values().filter(|mail| mail.state == "sent").count();
        if i64::try_from(sent) != Ok(self.mails_sent) {
            wrong.push(format!("{sent} mails were sent, but the audit trail says {}", self.mails_sent));
        }
        wrong.into_iter().map(|text| Violation { rule: "R11", text }).collect()
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
