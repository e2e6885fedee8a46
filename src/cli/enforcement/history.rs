//! `enforcement show`: all that became of a company's dates.

use crate::cli::outlook::{local, named};
use crate::cli::output::{cell, instant, maybe, pairs, table, yes_no};
use crate::domain::notice::HoldReason;
use crate::store::enforcement_history::{EnforcementHistory, EnforcementRecord, MilestoneRecord};

/// What helps a held enforcement.
#[must_use]
pub fn remedy(reason: Option<&str>, key: &str) -> String {
    match reason.and_then(|reason| reason.parse().ok()) {
        Some(HoldReason::MfaNotAvailable) => format!(
            "once your account representative has MFA made available: mfa-enforcer company set {key} --mfa-available true, \
             then mfa-enforcer enforcement release {key}"
        ),
        Some(HoldReason::UnknownTimeZone) => format!("mfa-enforcer company set {key} --time-zone ZONE"),
        Some(HoldReason::DateInPast) => format!(
            "mfa-enforcer enforcement set {key} --date YYYY-MM-DD, or, to have it take effect at once, \
             mfa-enforcer enforcement release {key} --override-notice --reason 'WHY'"
        ),
        Some(HoldReason::NoticeTooShort) => format!(
            "mfa-enforcer enforcement set {key} --date YYYY-MM-DD, or \
             mfa-enforcer enforcement release {key} --override-notice --reason 'WHY'"
        ),
        Some(HoldReason::NoEnrolledAdmin | HoldReason::TooFewEnrolled | HoldReason::TooFewTold) => format!(
            "mfa-enforcer enforcement release {key} --override-notice --reason 'WHY', or \
             mfa-enforcer enforcement set {key} --date YYYY-MM-DD"
        ),
        Some(HoldReason::Requested) | None => format!(
            "mfa-enforcer enforcement release {key} (with --override-notice --reason 'WHY' where the date is too near by now)"
        ),
    }
}

pub(super) fn history_text(history: &EnforcementHistory) -> String {
    if history.enforcements.is_empty() {
        return format!(
            "{} has never had a date: `mfa-enforcer enforcement set {} --date YYYY-MM-DD` sets one.",
            named(&history.company),
            history.company.key()
        );
    }
    let mut parts = vec![named(&history.company)];
    parts.extend(history.enforcements.iter().map(|one| enforcement_text(one, &history.company.key())));
    parts.join("\n\n")
}

fn enforcement_text(one: &EnforcementRecord, key: &str) -> String {
    let zone = crate::domain::time::zone(&one.time_zone).unwrap_or(chrono_tz::Tz::UTC);
    let at = |at| format!("{} ({})", instant(at), local(at, zone));
    let mut lines = vec![
        ("date", cell(one.enforcement_date)),
        ("state", cell(one.state)),
        ("id", cell(one.id)),
        ("enforce_at", at(one.enforce_at)),
        ("set_by", cell(&one.set_by)),
        ("created_at", at(one.created_at)),
        ("reason", maybe(one.reason.as_ref())),
        ("notice_overridden", yes_no(one.notice_overridden)),
        ("required", one.required.to_string()),
    ];
    lines.extend(one.flipped_at.map(|flipped| ("flipped_at", at(flipped))));
    lines.extend(one.closed_at.map(|closed| ("closed_at", at(closed))));
    if one.closed_at.is_none() && one.flipped_at.is_none() {
        lines.extend(one.warning.iter().map(|finding| ("at_risk", finding.to_string())));
    }
    if one.risk_accepted {
        lines.push(("risk_accepted", yes_no(true)));
    }
    let labels = std::iter::once("history").chain(std::iter::repeat(""));
    lines.extend(one.acts.iter().zip(labels).map(|(act, label)| {
        let reason = act.reason.as_ref().map(|reason| format!(": {}", cell(reason))).unwrap_or_default();
        (label, format!("{} {} by {}{reason}", instant(act.at), act.action, cell(&act.actor)))
    }));
    if one.state.as_str() == "held" {
        lines.push(("remedy", remedy(one.reason.as_deref(), key)));
    }
    if one.milestones.is_empty() {
        return pairs(&lines);
    }
    let milestones = table(&["  milestone", "due", "state", "notices"], one.milestones.iter().map(milestone_row));
    format!("{}\n{}", pairs(&lines), milestones.trim_fmt())
}

fn milestone_row(milestone: &MilestoneRecord) -> Vec<String> {
    let days = milestone.days_before.map(|days| format!(", {days} days before")).unwrap_or_default();
    let notices: Vec<String> = milestone.notices.iter().map(|(state, count)| format!("{count} {state}")).collect();
    vec![
        format!("  {}{days}", milestone.kind),
        instant(milestone.due_at),
        cell(milestone.state),
        if notices.is_empty() { "-".to_owned() } else { notices.join(", ") },
    ]
}
