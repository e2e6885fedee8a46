//! What happened, by day: every line is made of rows that the database holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use super::tables::Tables;
use crate::domain::admin_mail::AdminMailKind;
use crate::domain::audit::AuditEvent;
use crate::domain::ids::Id;
use crate::domain::notice::{EnforcementState, NoticeKind, NoticeState, SkipReason};
use crate::domain::safety::Finding;
use crate::domain::schedule::days_left;
use crate::domain::time::{self, Timestamp};
use crate::store::notice_history::NoticeRecord;
use crate::store::people::Person;

/// What a line tells, in the order in which a day's lines stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// People were imported.
    Imported,
    /// Somebody joined later.
    Joined,
    /// An exemption ended.
    ExemptionEnded,
    /// A date was set.
    DateSet,
    /// A date was moved.
    DateMoved,
    /// A date was taken away.
    DateCancelled,
    /// A date waits for a person.
    Held,
    /// Something speaks against requiring MFA on the day.
    AtRisk,
    /// MFA became required.
    Required,
    /// Notices were sent.
    Sent,
    /// Notices were refused for good.
    Failed,
    /// Notices were not sent, for a reason.
    Skipped,
    /// Notices are yet to be sent.
    Pending,
    /// Admins were told of a decision, how ready their people are, or how the day has gone.
    ToldAdmins,
    /// People set up MFA.
    Enrolled,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// The day: for notices the reader's, else the company's.
    pub day: NaiveDate,
    /// What happened.
    pub what: What,
    /// Of notices: what they say.
    pub kind: Option<NoticeKind>,
    /// Of reminders: how many days before the date.
    pub days_before: Option<i64>,
    /// The company, where one alone is meant.
    pub company: Option<String>,
    /// How many people.
    pub people: u64,
    /// The rest, in words.
    pub note: String,
}

/// What notices of one line have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    day: NaiveDate,
    what: What,
    kind: NoticeKind,
    days_before: Option<i64>,
    enforcement: Id,
    skip_reason: Option<SkipReason>,
}

/// All lines, in order.
#[must_use]
pub fn lines(tables: &Tables) -> Vec<Line> {
    let mut lines = people_lines(tables);
    lines.extend(date_lines(tables));
    lines.extend(doubt_lines(tables));
    lines.extend(required_lines(tables));
    lines.extend(notice_lines(tables));
    lines.extend(admin_lines(tables));
    lines.extend(enrolled_lines(tables));
    lines.sort();
    lines
}

/// The zone of what belongs to no company: that of the first one.
fn home_zone(tables: &Tables) -> Tz {
    tables.companies.values().next().and_then(|company| time::zone(&company.time_zone)).unwrap_or(Tz::UTC)
}

fn line(day: NaiveDate, what: What, company: Option<&str>, people: usize, note: String) -> Line {
    let (company, people) = (company.map(str::to_owned), u64::try_from(people).unwrap_or(u64::MAX));
    Line { day, what, kind: None, days_before: None, company, people, note }
}

fn people_lines(tables: &Tables) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut of_the_start = Vec::new();
    let imported = tables.events.iter().find(|event| event.action == "users_imported");
    for person in tables.people.values() {
        let later = |at: &Timestamp| tables.is_from_the_start() && imported.is_none_or(|event| *at > event.at);
        match person.memberships.iter().find_map(|(company, at)| Some((*company, at.filter(later)?))) {
            Some((company, at)) => {
                let (day, company) = (tables.company_day(company, at), tables.company_name(Some(company)));
                lines.push(line(day, What::Joined, company, 1, person.name.clone()));
            }
            None => of_the_start.push(person),
        }
    }
    if let Some(event) = imported {
        let day = event.at.date_in(home_zone(tables));
        lines.push(line(day, What::Imported, None, of_the_start.len(), composition(&of_the_start, event.at)));
    }
    for event in tables.events.iter().filter(|event| event.action == "exemption_ended") {
        let Some(company) = event.company_id else { continue };
        let day = tables.company_day(company, event.at);
        let name = tables.user_name(event.subject.as_deref().unwrap_or_default());
        lines.push(line(day, What::ExemptionEnded, tables.company_name(Some(company)), 1, name));
    }
    lines
}

fn composition(people: &[&Person], at: Timestamp) -> String {
    let count = |wanted: &dyn Fn(&Person) -> bool| people.iter().filter(|person| wanted(person)).count();
    let counts = [
        (count(&|person| person.mfa_enrolled_at.is_some_and(|since| since < at)), "enrolled"),
        (count(&|person| person.sso), "with SSO"),
        (count(&|person| person.is_service), "for services"),
        (count(&|person| !person.active), "inactive"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join(", ")
}

fn date_lines(tables: &Tables) -> Vec<Line> {
    let scheduled = tables.events.iter().filter(|event| event.action == "enforcement_scheduled");
    let line_of = |event: &AuditEvent| {
        let company = event.company_id?;
        let (_, enforcement) = tables.enforcements.get(&event.subject.as_deref()?.parse().ok()?)?;
        let replaced = tables.events.iter().find(|other| {
            other.action == "enforcement_superseded" && (other.at, other.company_id) == (event.at, event.company_id)
        });
        let replaced = replaced.and_then(|other| tables.enforcements.get(&other.subject.as_deref()?.parse().ok()?));
        let (what, was) = match replaced {
            Some((_, was)) => (What::DateMoved, format!("{} → ", was.enforcement_date.format("%-d %b"))),
            None => (What::DateSet, String::new()),
        };
        let note = format!("{was}{}, by {}", enforcement.enforcement_date.format("%a %-d %b %Y"), event.actor);
        Some(line(tables.company_day(company, event.at), what, tables.company_name(Some(company)), 0, note))
    };
    scheduled.filter_map(line_of).collect()
}

/// What else became of dates: they wait for a person, are in doubt, or were taken away.
fn doubt_lines(tables: &Tables) -> Vec<Line> {
    let line_of = |event: &AuditEvent| {
        let what = match event.action.as_str() {
            "enforcement_held" => What::Held,
            "enforcement_at_risk" => What::AtRisk,
            "enforcement_cancelled" => What::DateCancelled,
            _ => return None,
        };
        let (company, enforcement) = tables.enforcements.get(&event.subject.as_deref()?.parse().ok()?)?;
        let date = enforcement.enforcement_date.format("%a %-d %b %Y");
        let note = [date.to_string(), why(event)].into_iter().filter(|part| !part.is_empty());
        let note = note.collect::<Vec<_>>().join(": ");
        Some(line(tables.company_day(*company, event.at), what, tables.company_name(Some(*company)), 0, note))
    };
    tables.events.iter().filter_map(line_of).collect()
}

/// Why a date is held, or what speaks against it.
fn why(event: &AuditEvent) -> String {
    let findings = serde_json::from_value::<Vec<Finding>>(event.detail["findings"].clone()).unwrap_or_default();
    if findings.is_empty() {
        let reason = ["held", "reason"].iter().find_map(|key| event.detail[key].as_str());
        return reason.unwrap_or_default().replace('_', " ");
    }
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Somebody whom an enforcement requires.
struct Bound {
    name: String,
    was_enrolled: bool,
    /// Whether another enforcement required them before.
    was_required: bool,
}

fn required_lines(tables: &Tables) -> Vec<Line> {
    let mut groups: BTreeMap<(NaiveDate, Id, bool), Vec<Bound>> = BTreeMap::new();
    for person in tables.people.values() {
        for requirement in tables.new_requirements(person) {
            let (id, at) = (requirement.enforcement_id, requirement.required_at);
            let day = match requirement.company_id {
                Some(company) => tables.company_day(company, at),
                None => at.date_in(home_zone(tables)),
            };
            let on_the_day = tables
                .enforcements
                .get(&id)
                .is_some_and(|(_, one)| one.flipped_at.is_some_and(|flipped| at <= flipped) && at >= one.enforce_at);
            let was_enrolled = person.mfa_enrolled_at.is_some_and(|since| since < at);
            let was_required = person.requirements.iter().any(|other| other.required_at < at);
            let bound = Bound { name: person.name.clone(), was_enrolled, was_required };
            groups.entry((day, id, on_the_day)).or_default().push(bound);
        }
    }
    let line_of = |((day, id, on_the_day), people): ((NaiveDate, Id, bool), Vec<Bound>)| {
        let company = tables.enforcements.get(&id).and_then(|(company, _)| tables.company_name(Some(*company)));
        let count = |was: fn(&Bound) -> bool| people.iter().filter(|one| was(one)).count();
        let (ready, bound) = (count(|one| one.was_enrolled), count(|one| one.was_required));
        let before = if bound > 0 { format!(", {bound} required before") } else { String::new() };
        let note = match (company, on_the_day, people.as_slice()) {
            (None, _, _) => format!("payees, wherever they work; {ready} of them enrolled"),
            (Some(_), true, _) => format!("{ready} of them enrolled{before}"),
            (Some(_), false, [one]) => format!("{}'s days of grace are over", one.name),
            (Some(_), false, _) => format!("their days of grace are over{before}"),
        };
        line(day, What::Required, company, people.len(), note)
    };
    groups.into_iter().map(line_of).collect()
}

fn notice_lines(tables: &Tables) -> Vec<Line> {
    let mut groups: BTreeMap<Group, BTreeSet<Id>> = BTreeMap::new();
    for notice in &tables.notices {
        groups.entry(group(tables, notice)).or_default().insert(notice.user_id);
    }
    let line_of = |(group, people): (Group, BTreeSet<Id>)| {
        let enforcement = tables.enforcements.get(&group.enforcement);
        let company = enforcement.and_then(|(company, _)| tables.company_name(Some(*company)));
        let was_moved = enforcement.is_some_and(|(_, one)| one.state == EnforcementState::Superseded);
        let why = match (group.skip_reason, company) {
            (Some(reason), _) => skip_words(reason, was_moved),
            (None, None) => "payees".to_owned(),
            (None, Some(_)) => String::new(),
        };
        let plain = line(group.day, group.what, company, people.len(), why);
        Line { kind: Some(group.kind), days_before: group.days_before, ..plain }
    };
    groups.into_iter().map(line_of).collect()
}

/// What admins got, a line for each day.
fn admin_lines(tables: &Tables) -> Vec<Line> {
    let mut days: BTreeMap<NaiveDate, BTreeMap<AdminMailKind, usize>> = BTreeMap::new();
    for mail in &tables.admin_mails {
        let day = tables.company_day(mail.company_id, mail.sent_at.unwrap_or(mail.due_at));
        *days.entry(day).or_default().entry(mail.kind).or_default() += 1;
    }
    let line_of = |(day, kinds): (NaiveDate, BTreeMap<AdminMailKind, usize>)| {
        let plural = |count| if count == 1 { "" } else { "s" };
        let told = kinds.iter().map(|(kind, count)| format!("{count} {kind}{}", plural(*count)).replace('_', " "));
        line(day, What::ToldAdmins, None, kinds.values().sum(), told.collect::<Vec<_>>().join(", "))
    };
    days.into_iter().map(line_of).collect()
}

fn group(tables: &Tables, notice: &NoticeRecord) -> Group {
    let zone = tables.reader_zone(notice.user_id, notice.company_id);
    let what = match notice.state {
        NoticeState::Sent => What::Sent,
        NoticeState::Failed => What::Failed,
        NoticeState::Skipped => What::Skipped,
        NoticeState::Pending | NoticeState::Sending => What::Pending,
    };
    let enforce_at = tables.enforcements.get(&notice.enforcement_id).map(|(_, one)| one.enforce_at);
    let days_before = enforce_at.filter(|_| notice.kind.is_reminder()).map(|at| days_left(at, notice.due_at, zone));
    Group {
        day: tables.in_story(notice.sent_at.unwrap_or(notice.due_at)).date_in(zone),
        what,
        kind: notice.kind,
        days_before,
        enforcement: notice.enforcement_id,
        skip_reason: notice.skip_reason,
    }
}

fn skip_words(reason: SkipReason, was_moved: bool) -> String {
    match reason {
        SkipReason::Enrolled => "had enrolled meanwhile".to_owned(),
        SkipReason::Superseded if was_moved => "the date had been moved".to_owned(),
        SkipReason::Superseded => "a later notice took its place".to_owned(),
        SkipReason::SameDay => "had another mail that day".to_owned(),
        SkipReason::AlreadyTold => "knew the date already".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}

fn enrolled_lines(tables: &Tables) -> Vec<Line> {
    let mut days: BTreeMap<NaiveDate, BTreeMap<String, usize>> = BTreeMap::new();
    for event in tables.events.iter().filter(|event| event.action == "user_enrolled") {
        let day = event.at.date_in(home_zone(tables));
        let method = event.detail["method"].as_str().unwrap_or("unknown").to_owned();
        *days.entry(day).or_default().entry(method).or_default() += 1;
    }
    let line_of = |(day, methods): (NaiveDate, BTreeMap<String, usize>)| {
        let words = |method: &str| match method {
            "authenticator" => "authenticator app".to_owned(),
            "sms" => "SMS".to_owned(),
            other => other.to_owned(),
        };
        let told: Vec<_> = methods.iter().map(|(method, count)| format!("{count} by {}", words(method))).collect();
        line(day, What::Enrolled, None, methods.values().sum(), told.join(", "))
    };
    days.into_iter().map(line_of).collect()
}

impl Line {
    /// What happened, in words.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = self.kind.map(|kind| kind.as_str().replace('_', " ")).unwrap_or_default();
        let days = match self.days_before {
            Some(days) if self.kind == Some(NoticeKind::Reminder) => format!(" ({days} days)"),
            _ => String::new(),
        };
        match self.what {
            What::Imported => "imported".to_owned(),
            What::Joined => "joined".to_owned(),
            What::ExemptionEnded => "exemption ended".to_owned(),
            What::DateSet => "date set".to_owned(),
            What::DateMoved => "date moved".to_owned(),
            What::DateCancelled => "date cancelled".to_owned(),
            What::Held => "HELD".to_owned(),
            What::AtRisk => "warning".to_owned(),
            What::Required => "MFA REQUIRED".to_owned(),
            What::Sent => format!("sent {kind}{days}"),
            What::Failed => format!("failed {kind}{days}"),
            What::Skipped => format!("skipped {kind}{days}"),
            What::Pending => format!("to be sent {kind}{days}"),
            What::ToldAdmins => "told admins".to_owned(),
            What::Enrolled => "enrolled".to_owned(),
        }
    }
}
