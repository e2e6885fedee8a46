//! R6: what is owed to a reader comes, on its day: each reminder, and that MFA is required now.
//!
//! A debt is taken up only where nothing has changed for some days before it is due; then it is exact. What a person or a
//! bad mail server does in between lets it go, and other debts follow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Answer;
use super::calendar::{date_at, days, minutes, plus_days, time_at, zone};
use super::history::History;
use super::look::{Look, days_before, effect, may_be_subject, named, now_required_due, reader_zone, reminder_due};
use super::post::Post;
use super::tables::{Id, Requirement, Tables};
use super::told::put_off_elsewhere;

/// What is owed: by company, user, enforcement and days before (0: that MFA is required now).
type Key = (Id, Id, Id, i32);

/// The open debts.
#[derive(Debug, Default)]
pub struct Owed {
    open: BTreeMap<Key, Debt>,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    due: Timestamp,
    /// Mails from then on count.
    from: Timestamp,
    /// Since when nothing has changed.
    since: Timestamp,
}

/// What has become of a debt.
enum Outcome {
    Paid,
    /// It is no longer owed.
    Off,
    Waits,
    Missing(String),
}

impl Owed {
    /// Takes up what has come due, and judges what is open. All that is due has been done.
    pub fn check(&mut self, look: &mut Look<'_>, history: &History, post: &Post) {
        self.take_up(look, history);
        let open = std::mem::take(&mut self.open);
        for (key, debt) in open {
            match outcome(look, history, post, key, debt) {
                Outcome::Paid | Outcome::Off => {}
                Outcome::Waits => {
                    self.open.insert(key, debt);
                }
                Outcome::Missing(_) if !look.mailed() || put_off_elsewhere(look, key.1) => {
                    self.open.insert(key, debt);
                }
                Outcome::Missing(why) => {
                    let (_, user, enforcement, days) = key;
                    let what = if days == 0 {
                        "'now required'".to_owned()
                    } else {
                        format!("the reminder {days} days before")
                    };
                    look.wrong(
                        "R6",
                        format!(
                            "user {user} was owed {what} of {} at {}: {why}",
                            named(&look.is, enforcement),
                            debt.due
                        ),
                    );
                }
            }
        }
    }

    fn take_up(&mut self, look: &Look<'_>, history: &History) {
        let is = &look.is;
        let from = history.last_settled();
        for (id, enforcement) in is.enforcements.iter() {
            let Some(company) = enforcement.company else { continue };
            let (Some(row), Some(effect)) = (is.companies.get(&company), effect(enforcement)) else { continue };
            if !is.stands(enforcement) || !(enforcement.is("scheduled") || enforcement.is("in_force")) {
                continue;
            }
            let Some(company_since) = history.company_since(company) else { continue };
            for ((of, user), _) in is.memberships.range((company, Id(0))..=(company, Id(u128::MAX))) {
                debug_assert_eq!(*of, company);
                let (Some(reader), Some(steady)) = (is.users.get(user), history.steady_since(company, *user)) else {
                    continue;
                };
                if !mailable(look, is, company, *user) {
                    continue;
                }
                let zone = reader_zone(reader, enforcement);
                let is_due = |due: Timestamp| due <= look.now && from.is_none_or(|from| from < due);
                // Whom the company requires already learns nothing from another date of it.
                if enforcement.is("scheduled") && !is.company_requires(*user, company) {
                    let Some(standing) = history.standing_since(*id) else { continue };
                    let freed = history.freed_since(company, *user).unwrap_or(steady);
                    let since = steady.max(standing).max(company_since).max(freed);
                    for before in days_before(look.settings, row) {
                        let due = reminder_due(look.settings, effect, before, &zone);
                        if is_due(due) && since + days(3) < due && !company_required(is, *user, company, due) {
                            self.open.insert((company, *user, *id, before), Debt { due, from: due, since });
                        }
                    }
                } else if enforcement.is("in_force") {
                    let since = steady.max(company_since);
                    let own = is.requirements.iter().filter(|r| r.user == *user && r.enforcement == *id);
                    let own = own.filter(|r| r.cleared_at.is_none() && since + days(3) < r.required_at);
                    for requirement in own.filter(|own| !required_before(is, own, company)) {
                        let due = now_required_due(look.settings, requirement.required_at, &zone);
                        if is_due(due) {
                            let from = requirement.required_at;
                            self.open.insert((company, *user, *id, 0), Debt { due, from, since });
                        }
                    }
                }
            }
        }
    }
}

/// Whether the company required the user at that instant, whatever has been undone since. What is undone then is undone
/// before or after.
fn company_required(tables: &Tables, user: Id, company: Id, at: Timestamp) -> bool {
    tables.requirements.iter().any(|requirement| {
        let of_company = tables.enforcements.get(&requirement.enforcement).is_some_and(|e| e.company == Some(company));
        let held = requirement.required_at <= at && requirement.cleared_at.is_none_or(|cleared| cleared >= at);
        requirement.user == user && of_company && held
    })
}

/// Whether the company required the user before that: then nothing is new to them.
fn required_before(tables: &Tables, own: &Requirement, company: Id) -> bool {
    tables.requirements.iter().any(|other| {
        let of_company = tables.enforcements.get(&other.enforcement).is_some_and(|e| e.company == Some(company));
        other.user == own.user
            && other.enforcement != own.enforcement
            && of_company
            && other.required_at <= own.required_at
            && other.cleared_at.is_none_or(|cleared| cleared > own.required_at)
    })
}

/// Whether a notice of this company may go to the user.
pub fn mailable(look: &Look<'_>, tables: &Tables, company: Id, user: Id) -> bool {
    tables.memberships.get(&(company, user)).is_some_and(|membership| membership.exempt_until.is_none())
        && mailable_but_exempt(look, tables, user)
}

/// The same, an exemption notwithstanding.
pub fn mailable_but_exempt(look: &Look<'_>, tables: &Tables, user: Id) -> bool {
    let Some(row) = tables.users.get(&user) else { return false };
    may_be_subject(look.settings, row) && !row.enrolled && !row.bounced && plausible(&row.email)
}

/// Whether mail can be sent there at all.
pub fn plausible(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let fine = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    fine(local) && fine(domain) && domain.contains('.') && !domain.contains("..") && !local.contains("..")
}

fn outcome(look: &Look<'_>, history: &History, post: &Post, key: Key, debt: Debt) -> Outcome {
    let (company, user, id, before) = key;
    let is = &look.is;
    let Some(enforcement) = is.enforcements.get(&id) else { return Outcome::Off };
    let steady = history.steady_since(company, user).is_some_and(|since| since <= debt.since);
    let row = history.company_since(company).is_some_and(|since| since <= debt.since);
    if !steady || !row || !is.stands(enforcement) || !mailable(look, is, company, user) {
        return Outcome::Off;
    }
    let since_due = post.to_user(user).iter().filter(|handing| handing.at >= debt.from);
    for handing in since_due {
        for telling in handing.told.iter().filter(|telling| telling.enforcement == id) {
            if handing.answer.received() || handing.answer == Answer::RefusedForGood {
                let days = is.milestones.get(&telling.milestone).and_then(|milestone| milestone.days_before);
                let exact = match before {
                    0 => telling.kind == "now_required" || telling.kind == "welcome",
                    1 => telling.kind == "final_reminder",
                    _ => telling.kind == "reminder" && days == Some(before),
                };
                let later = telling.kind == "now_required" || days.is_some_and(|days| days < before);
                // R7: who was never told the date hears that first, however late.
                let tells = ["announcement", "rescheduled", "welcome"].contains(&telling.kind.as_str());
                let first = tells && !told_before(post, user, id, handing.at);
                return if exact || later || first {
                    Outcome::Paid
                } else {
                    Outcome::Missing(format!("it was '{}' that came, in {}", telling.kind, handing.letter.message_id))
                };
            }
        }
    }
    let Some(reader) = is.users.get(&user) else { return Outcome::Off };
    let zone = reader_zone(reader, enforcement);
    let (due_day, today) = (date_at(debt.due, &zone), date_at(look.now, &zone));
    let mail_on = |day, at| had_mail(look, post, user, day, at);
    if before > 0 {
        let later = super::look::days_before(look.settings, &is.companies[&company])
            .into_iter()
            .filter(|other| *other < before);
        let effect = effect(enforcement).unwrap_or(enforcement.enforce_at);
        let superseded = later.into_iter().any(|other| reminder_due(look.settings, effect, other, &zone) <= look.now);
        // One mail a day, and a reminder yields.
        if superseded
            || !enforcement.is("scheduled")
            || mail_on(due_day, debt.due)
            || mail_on(today, look.now) && yielded(is, user, id, before)
            || is.company_requires(user, company)
        {
            return Outcome::Off;
        }
    } else if mail_on(today, look.now)
        || (mail_on(plus_days(today, -1), look.now - days(1)) && time_at(look.now, &zone) < look.settings.send_at)
    {
        // What has to wait because there was a mail on the day comes in the morning.
        return Outcome::Waits;
    }
    if under_way(look, is, user, Some(id)) || telling_waits(look, is, user, id) {
        Outcome::Waits
    } else {
        Outcome::Missing(state_of(is, user, id))
    }
}

/// Whether an overdue announcement, which beats reminders (R7), waits for the reader's day.
fn telling_waits(look: &Look<'_>, tables: &Tables, user: Id, id: Id) -> bool {
    let mut of_user = tables.notices.values().filter(|notice| notice.user == user && notice.enforcement == id);
    of_user.any(|notice| {
        let tells = ["announcement", "rescheduled", "welcome"].contains(&notice.kind.as_str());
        let soon = notice.next_attempt_at <= look.now + days(1);
        tells && notice.state == "pending" && notice.due_at <= look.now && soon
    })
}

/// Whether the reminder, late as it was, yielded to another mail.
fn yielded(tables: &Tables, user: Id, id: Id, before: i32) -> bool {
    let mut of_user = tables.notices.values().filter(|notice| notice.user == user && notice.enforcement == id);
    of_user.any(|notice| {
        let days = tables.milestones.get(&notice.milestone).and_then(|milestone| milestone.days_before);
        days == Some(before) && notice.state == "skipped" && notice.skip_reason.as_deref() == Some("same_day")
    })
}

/// Whether a mail about the enforcement was received by the user before that.
fn told_before(post: &Post, user: Id, id: Id, at: Timestamp) -> bool {
    let mut earlier = post.to_user(user).iter().filter(|handing| handing.at < at && handing.answer.received());
    earlier.any(|handing| handing.told.iter().any(|telling| telling.enforcement == id))
}

/// Whether the user had a mail on that day. Where they have no zone, each of their companies has days of its own.
pub fn had_mail(look: &Look<'_>, post: &Post, user: Id, day: Date, at: Timestamp) -> bool {
    let own = look.is.users.get(&user).and_then(|user| user.time_zone.as_deref()).and_then(zone);
    let near = |other: Timestamp| {
        own.is_none() && (at - days(1) - minutes(180)..=at + days(1) + minutes(180)).contains(&other)
    };
    let letters = post.to_user(user).iter().filter(|handing| may_be_received(&look.is, handing));
    // One that died with its daemon before it was handed over counts for the daemon as well.
    let mut unsent = look.is.mails.values().filter(|mail| mail.user == user && mail.maybe_received);
    letters.into_iter().any(|handing| handing.day == day || near(handing.at))
        || unsent.any(|mail| mail.sent_day == day || near(mail.attempted_at))
}

/// Whether a mail was received, or may have been as far as the daemon knows.
pub fn may_be_received(tables: &Tables, handing: &super::post::Handing) -> bool {
    handing.answer.received() || tables.mails.get(&handing.mail).is_some_and(|mail| mail.maybe_received)
}

/// Whether a notice of the enforcement (or, with none, any) to the user is being retried, or is in a claim that may not
/// have lapsed.
pub fn under_way(look: &Look<'_>, tables: &Tables, user: Id, enforcement: Option<Id>) -> bool {
    let retry = minutes(2 * look.settings.retry_most_minutes);
    let lease = minutes(look.settings.lease_minutes + 1);
    tables.notices.values().any(|notice| {
        let this = notice.user == user && enforcement.is_none_or(|id| notice.enforcement == id);
        let retried = notice.state == "pending"
            && notice.attempts > 0
            && notice.next_attempt_at > look.now
            && notice.next_attempt_at <= look.now + retry;
        let claimed = notice.state == "sending"
            && notice
                .mail
                .and_then(|mail| tables.mails.get(&mail))
                .is_some_and(|mail| mail.attempted_at + lease > look.now);
        // What was claimed before the requirement was there is put off for a moment.
        let put_off = notice.state == "pending"
            && notice.kind == "now_required"
            && notice.next_attempt_at > look.now
            && notice.next_attempt_at <= look.now + minutes(1);
        this && (retried || claimed || put_off)
    })
}

/// What the tables say of it, for people.
fn state_of(tables: &Tables, user: Id, id: Id) -> String {
    let of_user = tables.notices.values().filter(|notice| notice.user == user && notice.enforcement == id);
    let notices: Vec<String> = of_user
        .map(|n| {
            let skipped = n.skip_reason.as_deref().unwrap_or_default();
            format!("'{}' {} {skipped}, due {}, next {}", n.kind, n.state, n.due_at, n.next_attempt_at)
        })
        .collect();
    let of_enforcement = tables.milestones.values().filter(|milestone| milestone.enforcement == id);
    let milestones: Vec<String> =
        of_enforcement.map(|m| format!("{} {} {}", m.kind, m.days_before.unwrap_or_default(), m.state)).collect();
    let company = tables.enforcements.get(&id).and_then(|e| tables.companies.get(&e.company?));
    let days = company.and_then(|company| company.notice_days.as_deref()).unwrap_or_default();
    format!(
        "their notices are [{}], its milestones [{}], notice_days {days:?}",
        notices.join("; "),
        milestones.join("; ")
    )
}
