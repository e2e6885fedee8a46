//! What the templates of mail to admins are given.

use serde::Serialize;

use super::language::Language;
use super::words::{Variable, clean, name_to_show, who_to_show, words};
use crate::config::called::as_called;
use crate::config::notices::NoticeSettings;
use crate::domain::admin_mail::{Action, AdminMessage, Contact, Decision, News, Progress};
use crate::domain::notice::{HoldReason, NoticeKind};
use crate::domain::schedule;
use chrono_tz::Tz;

words! {
    /// What the templates of `decision`, `digest` and `day_report` are given.
    AdminWords {
        /// The language tag, such as `en`
        language: &'a str,
        /// The product's name
        product: &'a str,
        /// The company's name
        company: String,
        /// The product's colour, such as `#0b57d0`
        brand_color: &'a str,
        /// The date, with its weekday
        date: String,
        /// The date with the time and the zone
        when: String,
        /// The same moment in UTC, with date and time
        when_utc: String,
        /// Days from the day of writing to the date, both in the company's zone; 0 when it has come
        days_left: i64,
        /// Of `decision`: what was decided: `set`, `moved`, `cancelled`, `ended`, `held`, `released` or `reverted`
        action: &'static str,
        /// Of `decision`: by whom; where nobody is named, the message `admin-somebody`
        by: String,
        /// Of `decision`: when
        decided: String,
        /// Of `decision`: the date before, where one was moved
        was: Option<String>,
        /// Of `decision`: why, in a person's words; none: they gave none
        reason: Option<String>,
        /// Of `decision`: why, where the date is held by the service itself, such as `notice_too_short`; none otherwise
        held: Option<&'static str>,
        /// Of `decision`: from when on people are written to; empty: nobody is
        first_mail: String,
        /// Of `decision`: another date of the company, which goes on to stand; none: there is none
        stands: Option<String>,
        /// The command that undoes it, for whoever runs the service
        command: String,
        /// How many people are not ready; of `decision`: how many are written to because of it
        people: u64,
        /// How many people the date is about; 0 in a `decision`
        subjects: u64,
        /// How many of them are ready; 0 in a `decision`
        enrolled: u64,
        /// The same in percent, rounded down
        percent: u64,
        /// The same as a bar of 40 characters
        bar: String,
        /// Some of the people who are not ready, by name and address
        waiting: Vec<String>,
        /// How many of those are not named
        more: u64,
        /// How many people were never reached by a notice
        unreachable: u64,
        /// Some of those, by name and address
        unreached: Vec<String>,
        /// Of `digest`: whether what comes next is a reminder, rather than the day itself
        next_reminder: bool,
        /// Of `digest`: when that is
        next_date: String,
    }
}

impl<'a> AdminWords<'a> {
    pub(super) fn new(
        message: &AdminMessage,
        language: &'a Language,
        settings: &'a NoticeSettings,
    ) -> Result<Self, String> {
        let zone = message.zone;
        let day = |instant: crate::domain::time::Timestamp| language.date(instant.date_in(zone));
        let date = day(message.required_at);
        let mut words = Self {
            language: language.tag(),
            product: &settings.product_name,
            company: clean(&message.company),
            brand_color: &settings.brand_color,
            when: language.moment(message.required_at, zone, true)?,
            when_utc: language.moment(message.required_at, Tz::UTC, false)?,
            days_left: schedule::days_left(message.required_at, message.at, zone).max(0),
            action: "",
            by: String::new(),
            decided: String::new(),
            was: None,
            reason: None,
            held: None,
            first_mail: String::new(),
            stands: None,
            command: String::new(),
            people: 0,
            subjects: 0,
            enrolled: 0,
            percent: 0,
            bar: String::new(),
            waiting: Vec::new(),
            more: 0,
            unreachable: 0,
            unreached: Vec::new(),
            next_reminder: false,
            next_date: date.clone(),
            date,
        };
        match &message.news {
            News::Decision(decision) => {
                words.decided = language.moment(decision.decided_at, zone, true)?;
                let first = decision.first_mail_at.map(|at| language.moment(at, zone, true)).transpose()?;
                words.first_mail = first.unwrap_or_default();
                words.say_decision(decision, message, language)?;
            }
            News::Digest(progress) | News::DayReport(progress) => {
                words.command = as_called(&format!("mfa-enforcer enforcement revert {}", message.company_key));
                if let Some((kind, at)) = progress.next {
                    words.next_reminder = kind != NoticeKind::NowRequired;
                    words.next_date = day(at);
                }
                words.say_progress(progress);
            }
        }
        Ok(words)
    }

    fn say_decision(&mut self, decision: &Decision, message: &AdminMessage, language: &Language) -> Result<(), String> {
        let nobody = || language.say("admin-somebody");
        self.action = decision.action.as_str();
        self.by = decision.by.as_deref().and_then(who_to_show).map_or_else(nobody, Ok)?;
        self.was = decision.was.map(|was| language.date(was));
        self.reason = decision.reason.as_deref().map(clean).filter(|reason| !reason.is_empty());
        self.held = decision.held.map(HoldReason::as_str);
        self.people = decision.people;
        self.stands = decision.stands.map(|date| language.date(date));
        let has_come = message.required_at <= message.at;
        self.command = as_called(&undoing(decision, &message.company_key, has_come));
        Ok(())
    }

    fn say_progress(&mut self, progress: &Progress) {
        const WIDTH: u64 = 40;
        let Progress { subjects, enrolled, unreachable, .. } = *progress;
        let of = |whole: u64| (enrolled * whole).checked_div(subjects).unwrap_or(0);
        let (filled, percent) = (of(WIDTH), of(100));
        let run = |sign: &str, count: u64| sign.repeat(usize::try_from(count).unwrap_or(0));
        (self.subjects, self.enrolled, self.percent) = (subjects, enrolled, percent);
        self.bar = format!("[{}{}] {percent} %", run("#", filled), run("-", WIDTH - filled));
        self.people = subjects.saturating_sub(enrolled);
        self.waiting = progress.waiting.iter().map(shown).collect();
        self.more = self.people.saturating_sub(self.waiting.len() as u64);
        self.unreachable = unreachable;
        self.unreached = progress.unreached.iter().map(shown).collect();
    }
}

/// Somebody, as an admin who knows them reads it. What cannot be a name is left out, as in notices.
fn shown(contact: &Contact) -> String {
    let email = clean(&contact.email);
    name_to_show(&contact.name).map_or_else(|| email.clone(), |name| format!("{name} ({email})"))
}

/// The command that undoes a decision.
fn undoing(decision: &Decision, key: &str, has_come: bool) -> String {
    let enforcement = |rest: &str| format!("mfa-enforcer enforcement {rest}");
    let release = if decision.too_soon {
        enforcement(&format!("release {key} --override-notice --reason 'WHY'"))
    } else {
        enforcement(&format!("release {key}"))
    };
    match (decision.action, decision.held) {
        (Action::Set | Action::Moved | Action::Released, _) if has_come => enforcement(&format!("revert {key}")),
        // Beside a date that is in force, taking this one back must not take that one back as well.
        (Action::Set | Action::Moved, _) if decision.beside_in_force => enforcement(&format!("hold {key}")),
        (Action::Set | Action::Moved, _) => enforcement(&format!("cancel {key}")),
        (Action::Cancelled | Action::Reverted, _) => enforcement(&format!("set {key} --date YYYY-MM-DD")),
        (Action::Ended, _) => enforcement(&format!("revert {key}")),
        (Action::Released, _) => enforcement(&format!("hold {key}")),
        (Action::Held, Some(HoldReason::MfaNotAvailable)) => {
            format!("mfa-enforcer company set {key} --mfa-available true && {release}")
        }
        (Action::Held, Some(HoldReason::UnknownTimeZone)) => {
            format!("mfa-enforcer company set {key} --time-zone ZONE")
        }
        (Action::Held, _) => release,
    }
}
