//! Messages to try templates with: every kind of notice, for every sort of reader.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::domain::admin_mail::{Action, AdminMessage, Contact, Decision, News, Progress};
use crate::domain::ids::Id;
use crate::domain::message::{Message, Reader, Statement};
use crate::domain::methods::Method;
use crate::domain::notice::{HoldReason, NoticeKind};
use crate::domain::schedule;
use crate::domain::time::{self, Timestamp};

/// The sender that is used on a simulated clock when none is set.
pub const SENDER: &str = "Example App <no-reply@example.com>";

/// One message of every kind and of each case that templates tell apart: for a reader with text messages and one without, from
/// a company with and without a contact and from the vendor, and one mail with several statements. Each start renders them.
#[must_use]
pub fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for kind in NoticeKind::ALL {
        messages.push(of_kind(*kind, true));
        let mut with_contact = statement(*kind, Some("Initech"), 2);
        with_contact.support_contact = Some("it@initech.example".to_owned());
        let two = vec![statement(*kind, Some("Globex"), 1), with_contact];
        messages.push(message(*kind, reader(true), two));
    }
    for late in [NoticeKind::Reminder, NoticeKind::FinalReminder, NoticeKind::Welcome] {
        for hours in [-200, -4, 30, 90] {
            let mut late = message(late, reader(true), vec![statement(late, Some("Globex"), 1)]);
            late.at = required_at(late.reader.zone).plus(TimeDelta::hours(-hours));
            messages.push(late);
        }
    }
    // The vendor's own rule, and readers and companies of whom little is known.
    let mandate = statement(NoticeKind::NowRequired, None, 1);
    messages.push(message(NoticeKind::NowRequired, reader(false), vec![mandate]));
    for kind in NoticeKind::ALL {
        let mut bare = of_kind(*kind, false);
        bare.reader.name = String::new();
        bare.notices.iter_mut().for_each(|statement| {
            (statement.set_by, statement.told_date, statement.support_contact) = (None, None, None);
        });
        messages.push(bare);
    }
    let mut reverted = of_kind(NoticeKind::Cancelled, true);
    reverted.notices.iter_mut().for_each(|statement| statement.was_required = true);
    messages.push(reverted);
    for kind in NoticeKind::ALL {
        let mut otherwise = of_kind(*kind, true);
        otherwise.notices.iter_mut().for_each(|statement| statement.required_otherwise = true);
        messages.push(otherwise);
    }
    let mut exempt = of_kind(NoticeKind::Welcome, true);
    exempt.notices.iter_mut().for_each(|statement| {
        statement.exempt_until = Some(statement.required_at.plus(-TimeDelta::hours(12)));
    });
    messages.push(exempt);
    messages
}

/// One message of `kind` from a company, as `notice preview` shows it; `sms` says whether the reader may use text
/// messages.
#[must_use]
pub fn of_kind(kind: NoticeKind, sms: bool) -> Message {
    message(kind, reader(sms), vec![statement(kind, Some("Globex"), 1)])
}

/// Messages to look at, by name: one of every kind, and of those whom it says something else to.
#[must_use]
pub fn gallery() -> Vec<(String, Message)> {
    let mut gallery: Vec<_> = NoticeKind::ALL.iter().map(|kind| (kind.to_string(), of_kind(*kind, true))).collect();
    let mut add = |name: &str, kind, sms, change: fn(&mut Statement)| {
        let mut message = of_kind(kind, sms);
        message.notices.iter_mut().for_each(change);
        gallery.push((name.to_owned(), message));
    };
    add("announcement-without-text-messages", NoticeKind::Announcement, false, |_| {});
    add("announcement-required-otherwise", NoticeKind::Announcement, true, |one| one.required_otherwise = true);
    add("now_required-payee", NoticeKind::NowRequired, false, |one| (one.company, one.set_by) = (None, None));
    add("welcome-exempt", NoticeKind::Welcome, true, |one| {
        one.exempt_until = Some(one.required_at.plus(-TimeDelta::hours(12)));
    });
    add("cancelled-reverted", NoticeKind::Cancelled, true, |one| one.was_required = true);
    let several = vec![
        statement(NoticeKind::Announcement, Some("Globex"), 1),
        Statement {
            support_contact: Some("it@initech.example".to_owned()),
            ..statement(NoticeKind::Reminder, Some("Initech"), 9)
        },
        statement(NoticeKind::Cancelled, Some("Hooli"), 2),
    ];
    gallery.push(("several-companies".to_owned(), message(NoticeKind::Announcement, reader(true), several)));
    gallery
}

/// One mail to an admin of every kind, and of each case that templates tell apart.
#[must_use]
pub fn admin_messages() -> Vec<AdminMessage> {
    admin_gallery().into_iter().map(|(_, message)| message).collect()
}

/// Mails to admins to look at, by name.
#[must_use]
pub fn admin_gallery() -> Vec<(String, AdminMessage)> {
    let mut gallery: Vec<_> = Action::ALL
        .iter()
        .map(|action| (format!("decision-{action}"), admin_message(News::Decision(Box::new(decision(*action))))))
        .collect();
    let unnamed = Decision {
        by: None,
        held: Some(HoldReason::NoticeTooShort),
        reason: None,
        too_soon: true,
        ..decision(Action::Held)
    };
    let nobody = Decision { people: 0, first_mail_at: None, ..decision(Action::Set) };
    let beside = Decision { stands: Some(time::add_days(enforcement_date(), 31)), ..decision(Action::Reverted) };
    for (name, decision) in [("held-by-itself", unnamed), ("set-nobody", nobody), ("reverted-beside-another", beside)] {
        gallery.push((format!("decision-{name}"), admin_message(News::Decision(Box::new(decision)))));
    }
    for (name, news) in [
        ("digest", News::Digest(progress(20, 12))),
        ("digest-last-day", News::Digest(Progress { next: None, ..progress(1, 0) })),
        ("digest-all-ready", News::Digest(progress(20, 20))),
        ("day_report", News::DayReport(progress(20, 17))),
        ("day_report-all-ready", News::DayReport(progress(20, 20))),
    ] {
        let mut message = admin_message(news);
        match (&message.news, name) {
            (News::DayReport(_), _) => message.at = message.required_at.plus(TimeDelta::hours(9)),
            (_, "digest-last-day") => message.at = message.required_at.plus(-TimeDelta::hours(15)),
            _ => {}
        }
        gallery.push((name.to_owned(), message));
    }
    gallery
}

fn admin_message(news: News) -> AdminMessage {
    let zone = Tz::Europe__Berlin;
    AdminMessage {
        mail_id: id(0x03),
        address: "grace@example.com".to_owned(),
        name: "Grace Hopper".to_owned(),
        locales: vec!["en".to_owned()],
        company_id: id(0x51),
        company: "Globex".to_owned(),
        company_key: "globex".to_owned(),
        enforcement_id: id(0x21),
        required_at: required_at(zone),
        zone,
        at: required_at(zone).plus(TimeDelta::hours(9) - TimeDelta::days(14)),
        news,
    }
}

fn decision(action: Action) -> Decision {
    let at = required_at(Tz::Europe__Berlin).plus(TimeDelta::hours(9) - TimeDelta::days(14));
    Decision {
        action,
        by: Some("Grace Hopper".to_owned()),
        decided_at: at,
        was: (action == Action::Moved).then(|| time::add_days(enforcement_date(), -7)),
        reason: matches!(action, Action::Held | Action::Reverted).then(|| "Audit week".to_owned()),
        held: None,
        people: 8,
        first_mail_at: Some(at.plus(TimeDelta::minutes(15))),
        stands: None,
        beside_in_force: false,
        too_soon: false,
    }
}

/// `enrolled` of `subjects` people are ready; some of the others cannot be reached.
fn progress(subjects: u64, enrolled: u64) -> Progress {
    let names = ["Ada Lovelace", "Alan Turing", "Edsger Dijkstra", "Kathleen Booth", "Konrad Zuse"];
    let contact = |(number, name): (usize, &&str)| Contact {
        user_id: id(0x30 + number as u128),
        name: (*name).to_owned(),
        email: format!("{}@example.com", name.split(' ').next().unwrap_or_default().to_lowercase()),
    };
    let waiting = subjects - enrolled;
    let most = usize::try_from(waiting).unwrap_or_default();
    let unreached: Vec<_> = names.iter().enumerate().map(contact).skip(3).take(most / 4).collect();
    Progress {
        subjects,
        enrolled,
        waiting: names.iter().enumerate().map(contact).take(most).collect(),
        unreachable: unreached.len() as u64,
        unreached,
        next: Some((
            NoticeKind::Reminder,
            required_at(Tz::Europe__Berlin).plus(TimeDelta::hours(9) - TimeDelta::days(7)),
        )),
    }
}

/// The same as if it was due at `now`, to be really sent.
#[must_use]
pub fn of_kind_now(kind: NoticeKind, now: Timestamp) -> Message {
    let mut message = of_kind(kind, true);
    let zone = message.reader.zone;
    let days = (now.date_in(zone) - message.at.date_in(zone)).num_days();
    message.at = now;
    for statement in &mut message.notices {
        let date = time::add_days(statement.required_at.date_in(zone), days);
        statement.required_at = schedule::enforce_at(date, zone);
        statement.told_date = statement.told_date.map(|told| time::add_days(told, days));
    }
    message
}

/// A message that is written when its first statement's kind is due.
#[must_use]
pub fn message(kind: NoticeKind, reader: Reader, notices: Vec<Statement>) -> Message {
    let days_before = match kind {
        NoticeKind::Announcement | NoticeKind::Rescheduled | NoticeKind::Cancelled => 35,
        NoticeKind::Reminder => 14,
        NoticeKind::Welcome => 7,
        NoticeKind::FinalReminder => 1,
        NoticeKind::NowRequired => 0,
    };
    let day = time::add_days(required_at(reader.zone).date_in(reader.zone), -days_before);
    let nine = chrono::NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default();
    Message { mail_id: id(0x01), at: time::instant_at(day, nine, reader.zone), reader, notices }
}

/// A reader in Berlin, where text messages may be allowed.
#[must_use]
pub fn reader(sms: bool) -> Reader {
    Reader {
        user_id: id(0x02),
        address: "ada@example.com".to_owned(),
        name: "Ada Lovelace".to_owned(),
        locales: vec!["en".to_owned()],
        zone: Tz::Europe__Berlin,
        methods: if sms { vec![Method::Authenticator, Method::Sms] } else { vec![Method::Authenticator] },
    }
}

/// What a notice of `kind` states: a date in January 2027, told as a week earlier before if the kind corrects it.
#[must_use]
pub fn statement(kind: NoticeKind, company: Option<&str>, number: u8) -> Statement {
    let corrects = matches!(kind, NoticeKind::Rescheduled | NoticeKind::Cancelled);
    Statement {
        notice_id: id(0x10 + u128::from(number)),
        enforcement_id: id(0x20 + u128::from(number)),
        kind,
        company_id: company.map(|_| id(0x50 + u128::from(number))),
        company: company.map(str::to_owned),
        support_contact: None,
        required_at: required_at(Tz::Europe__Berlin).plus(TimeDelta::days(i64::from(number) - 1)),
        told_date: corrects.then(|| time::add_days(enforcement_date(), -7)),
        required_otherwise: false,
        was_required: false,
        set_by: company.map(|_| "Grace Hopper".to_owned()),
        exempt_until: None,
    }
}

fn enforcement_date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 1, 15).unwrap_or_default()
}

fn required_at(zone: Tz) -> Timestamp {
    schedule::enforce_at(enforcement_date(), zone)
}

fn id(number: u128) -> Id {
    Id(Uuid::from_u128(0x0194_0000_0000_7000_8000_0000_0000_0000 + number))
}
