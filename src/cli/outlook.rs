//! What is to come for a company, in words.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::output::{cell, instant, pairs};
use crate::domain::forecast::{Forecast, RequiredAt};
use crate::domain::notice::{EnforcementState, NoticeKind};
use crate::domain::time::{self, Timestamp};
use crate::store::companies::Company;
use crate::store::forecast::{Outlined, Outlook};
use crate::store::revert::Reversal;

/// A number with its thousands apart.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 notice`, `1,204 notices`.
#[must_use]
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(0);
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `1 person`, `1,204 people`.
#[must_use]
pub fn people(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", count(number)) }
}

/// An instant as the clocks of a zone show it.
#[must_use]
pub fn local(at: Timestamp, zone: Tz) -> String {
    format!("{} {}", at.utc().with_timezone(&zone).format("%a %-d %b %Y %H:%M"), zone.name())
}

/// The zone in which a company's instants are shown.
#[must_use]
pub fn zone_of(company: &Company) -> Tz {
    time::zone(&company.time_zone).unwrap_or(Tz::UTC)
}

/// `Acme GmbH (acme)`.
#[must_use]
pub fn named(company: &Company) -> String {
    format!("{} ({})", cell(&company.name), cell(company.key()))
}

/// What will happen, in a few lines: who is mailed from when, who becomes required, who is left out and why.
#[must_use]
pub fn summary(outlook: &Outlook) -> String {
    let zone = zone_of(&outlook.company);
    let forecast = &outlook.forecast;
    let mut lines = vec![("company", named(&outlook.company)), ("date", date_line(outlook, zone))];
    if let Some(reversal) = &outlook.reversal {
        lines.extend(reversal_lines(reversal));
    }
    lines.push(("e-mailed", mailed_line(forecast, zone)));
    for (kind, text) in [
        (NoticeKind::Rescheduled, "who were told another date before"),
        (NoticeKind::Cancelled, "who were told the date before"),
    ] {
        let told = by_kind(forecast).get(&kind).copied().unwrap_or(0);
        if told > 0 {
            lines.push(("", format!("{kind} to {} {text}", count(told))));
        }
    }
    lines.extend(required_lines(forecast, zone).into_iter().map(|line| ("required", line)));
    if !outlook.held_for.is_empty() {
        let findings: Vec<String> = outlook.held_for.iter().map(ToString::to_string).collect();
        let words =
            format!("on its day, as things stand (safety.*), and nobody becomes required: {}", findings.join("; "));
        lines.push(("held", words));
    }
    lines.push(("left out", left_out_line(forecast)));
    if let Some(in_force) = outlook.in_force.as_ref() {
        lines.push(("in force", in_force_line(outlook, in_force)));
    }
    pairs(&lines)
}

fn date_line(outlook: &Outlook, zone: Tz) -> String {
    match &outlook.coming {
        Some(coming) => {
            let held = if coming.state == EnforcementState::Held {
                " (held: nothing happens until it is released)"
            } else {
                ""
            };
            format!("{}: {} ({}){held}", coming.date, local(coming.enforce_at, zone), instant(coming.enforce_at))
        }
        None => "none is to come".to_owned(),
    }
}

/// What is undone, and who stays required all the same.
#[must_use]
pub fn reversal_lines(reversal: &Reversal) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    lines.extend(reversal.date.map(|date| ("undone", format!("the date {date}, which has come"))));
    lines.push(("no longer required", people(reversal.freed)));
    let stay =
        [(reversal.required_elsewhere, "by another company"), (reversal.required_as_payees, "for receiving payments")];
    let stay: Vec<String> = stay
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("{} {why}", count(number)))
        .collect();
    if !stay.is_empty() {
        lines.push(("still required", stay.join(", ")));
    }
    lines
}

fn mailed_line(forecast: &Forecast, zone: Tz) -> String {
    match forecast.first_mail_at {
        Some(first) => format!("{}, from {}", people(forecast.mailed), local(first, zone)),
        None => "nobody".to_owned(),
    }
}

fn required_lines(forecast: &Forecast, zone: Tz) -> Vec<String> {
    let flip = forecast.required.iter().find(|row| row.is_flip);
    let personal: Vec<&RequiredAt> = forecast.required.iter().filter(|row| !row.is_flip).collect();
    let mut lines = Vec::new();
    if let Some(flip) = flip {
        lines.push(required_line(flip, zone));
    }
    if let (Some(first), Some(last)) = (personal.first(), personal.last()) {
        let total = personal.iter().map(|row| row.people).sum();
        let until = if first.at == last.at { String::new() } else { format!(" to {}", local(last.at, zone)) };
        lines.push(format!("{} on a date of their own, {}{until}", people(total), local(first.at, zone)));
    }
    if lines.is_empty() {
        lines.push("nobody".to_owned());
    }
    lines
}

/// How many people become required when, and how many of them have nothing left to do.
#[must_use]
pub fn required_line(row: &RequiredAt, zone: Tz) -> String {
    let mut notes = Vec::new();
    if row.enrolled > 0 {
        notes.push(format!("{} enrolled already", count(row.enrolled)));
    }
    if row.required_already > 0 {
        notes.push(format!("{} required already", count(row.required_already)));
    }
    let notes = if notes.is_empty() { String::new() } else { format!("; {}", notes.join(", ")) };
    format!("{}, from {}{notes}", people(row.people), local(row.at, zone))
}

/// Who is left out, and why, in counts.
#[must_use]
pub fn left_out_line(forecast: &Forecast) -> String {
    let out = &forecast.left_out;
    let some = |number, text: &str| (number > 0).then(|| format!("{} {text}", count(number)));
    let reasons: Vec<String> = [
        some(out.sso, "by single sign-on"),
        some(out.exempt, "exempt"),
        (out.service_accounts > 0).then(|| counted(out.service_accounts, "service account")),
        some(out.inactive, "not active"),
        some(out.enrolled, "enrolled already (no mail)"),
        some(out.bounced, "whose address was refused (no mail)"),
        some(out.no_address, "whose address is none (no mail)"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if reasons.is_empty() { "nobody".to_owned() } else { reasons.join(", ") }
}

fn in_force_line(outlook: &Outlook, in_force: &Outlined) -> String {
    let until = match &outlook.coming {
        Some(_) => "who joins before the new date is not required until then".to_owned(),
        None if outlook.date == Some(in_force.date) => "it goes on".to_owned(),
        None => format!(
            "who joins later is not required by it. `mfa-enforcer enforcement revert {}` undoes it for all",
            outlook.company.key()
        ),
    };
    format!("the date {} has come: whom it requires stays required; {until}", in_force.date)
}

/// How many mails of each kind.
fn by_kind(forecast: &Forecast) -> BTreeMap<NoticeKind, u64> {
    let mut kinds = BTreeMap::new();
    for row in &forecast.mails {
        *kinds.entry(row.kind).or_default() += row.people;
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 7, 999, 1204, 1_000_000].map(count), ["0", "7", "999", "1,204", "1,000,000"]);
    }
}
