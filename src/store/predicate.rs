//! The conditions that several statements share, as one text each.
//!
//! Aliases: `u` users, `m` memberships, `c` companies, `e` enforcements, `n` notices.

use crate::domain::notice::{NoticeKind, SkipReason};

/// The enforcement's copies still equal the company's row (R5).
pub(super) const DATE_STANDS: &str = "c.enforcement_date = e.enforcement_date AND c.time_zone = e.time_zone";

/// When the announcement of enforcement `e` is due; null: it was held from the start, and has no milestones.
pub(super) const ANNOUNCED_AT: &str =
    "(SELECT a.due_at FROM milestones AS a WHERE a.enforcement_id = e.id AND a.kind = 'announcement')";

/// Company `c` has an enforcement that is open or in force.
pub(super) const HAS_ENFORCEMENT: &str = "EXISTS (SELECT 1 FROM enforcements AS any_e
    WHERE any_e.company_id = c.id AND any_e.state IN ('scheduled', 'held', 'in_force'))";

/// The date that company `e.company_id` told user `u.id` last: that of the latest mail which was sent, is being sent, or
/// is of unknown outcome; null where that cancelled it, or where there is none (R5).
pub(super) fn told_date() -> String {
    told("source.enforcement_date", "true")
}

/// The instant from which that mail told the user that MFA is required.
pub(super) fn told_at() -> String {
    told("told.told_at", "true")
}

/// The notice that told it, but for those of notice `n`'s own mail: what is repeated says again what moved.
pub(super) fn told_otherwise() -> String {
    told("told.id", "(n.mail_id IS NULL OR mails.id <> n.mail_id)")
}

fn told(what: &str, counts: &str) -> String {
    format!(
        "(SELECT CASE WHEN told.kind = 'cancelled' THEN NULL ELSE {what} END
         FROM notices AS told JOIN mails ON mails.id = told.mail_id JOIN enforcements AS source ON source.id = told.enforcement_id
         WHERE told.user_id = u.id AND source.company_id = e.company_id AND mails.maybe_received AND {counts}
         ORDER BY mails.attempted_at DESC, told.due_at DESC, told.id DESC LIMIT 1)"
    )
}

/// A notice of enforcement `e.id` that tells user `u.id` the date is on its way.
pub(super) const TELLING: &str = "EXISTS (SELECT 1 FROM notices AS t WHERE t.user_id = u.id AND t.enforcement_id = e.id
    AND t.kind IN ('announcement', 'rescheduled', 'welcome') AND t.state IN ('pending', 'sending'))";

/// The mail of notice `n`, if the reader may have received it. A notice that is put aside keeps no other: the mail may yet
/// be sent without it, and would count as having told what it did not carry.
pub(super) const MAIL_RECEIVED: &str = "(SELECT l.id FROM mails AS l WHERE l.id = n.mail_id AND l.maybe_received)";

/// Notice `n` was not sent for a reason that may pass: it is due again when its user has to be told after all.
pub(super) fn skipped_for_now() -> String {
    let reasons = |kind: NoticeKind| {
        let passing = SkipReason::ALL.iter().filter(|reason| reason.may_pass(kind));
        passing.map(|reason| format!("'{reason}'")).collect::<Vec<_>>().join(", ")
    };
    let of_kinds =
        NoticeKind::ALL.iter().map(|kind| format!("n.kind = '{kind}' AND n.skip_reason IN ({})", reasons(*kind)));
    format!("n.state = 'skipped' AND n.mail_id IS NULL AND ({})", of_kinds.collect::<Vec<_>>().join(" OR "))
}

/// Milestone `s` has been expanded as far as user `u`: it makes no notice for them any more.
pub(super) const EXPANDED: &str = "(s.state = 'expanded'
    OR s.state = 'pending' AND s.cursor IS NOT NULL AND u.id <= s.cursor)";

/// Enforcement `e.id` requires user `u.id`.
pub(super) const REQUIRED: &str = "EXISTS (SELECT 1 FROM requirements AS r
    WHERE r.user_id = u.id AND r.enforcement_id = e.id AND r.cleared_at IS NULL)";

/// Notice `n` of enforcement `e` waits for what becomes of a date that does not stand at the moment, but is in force: it welcomes to it.
pub(super) fn is_shelved() -> String {
    format!("(e.state = 'in_force' AND n.kind = 'welcome' AND ({DATE_STANDS}) IS NOT TRUE)")
}

/// Enforcement `e` has begun to require its members, and has not been through all of them.
pub(super) const FLIPPING: &str = "e.state = 'in_force' AND e.flipped_at IS NULL";

/// The flip of enforcement `e` put off whose personal date this is, as somebody kept the account locked; on PostgreSQL, nobody locks
/// accounts elsewhere.
pub(super) fn is_put_off(date: &str) -> String {
    format!("e.state IN ('in_force', 'cancelled') AND {date} <= e.flipped_at + interval '1 microsecond'")
}

/// Something else than enforcement `e.id` requires user `u.id`.
pub(super) const REQUIRED_OTHERWISE: &str = "EXISTS (SELECT 1 FROM requirements AS r
    WHERE r.user_id = u.id AND r.enforcement_id <> e.id AND r.cleared_at IS NULL)";

/// Company `e.company_id` required user `u.id`, and has undone that.
pub(super) const FREED: &str =
    "EXISTS (SELECT 1 FROM requirements AS r JOIN enforcements AS earlier ON earlier.id = r.enforcement_id
    WHERE r.user_id = u.id AND r.cleared_at IS NOT NULL AND earlier.company_id = e.company_id)";

/// Another enforcement of company `e.company_id` requires user `u.id`.
pub(super) const REQUIRED_BEFORE: &str = "EXISTS (SELECT 1 FROM requirements AS r
    JOIN enforcements AS earlier ON earlier.id = r.enforcement_id
    WHERE r.user_id = u.id AND r.enforcement_id <> e.id AND r.cleared_at IS NULL AND earlier.company_id = e.company_id)";

/// The membership makes the user a subject of the company's enforcement: an active person, not exempt, and not left out by
/// SSO unless `$include_sso`. An exemption covers until it has been ended: who comes out of one is told first.
pub(super) fn subject(include_sso: usize) -> String {
    subject_unless("m.exempt_until IS NOT NULL", &format!("${include_sso}"))
}

/// The user would be a subject if the membership were not exempt.
pub(super) fn subject_but_for_exemption(include_sso: usize) -> String {
    subject_unless("false", &format!("${include_sso}"))
}

/// The same, foretold for the instant `at`: exemptions that have passed by then will have been ended.
pub(super) fn subject_at(at: &str, include_sso: &str) -> String {
    subject_unless(&format!("m.exempt_until > {at}"), include_sso)
}

/// Enforcement `e` was put in force by a clock ahead of `$now`: another daemon's, or one's own that has been set back since. Nobody is
/// required by it before one's own has come so far; whoever was passed over until then would be forgotten.
pub(super) fn in_force_ahead_of(now: usize) -> String {
    format!("e.state = 'in_force' AND e.enforce_at > ${now}")
}

/// The enforcement requires the member at `$now`: a subject whose own date has come as well. Who was no subject when the daemon
/// looked last, or was never looked at, is told before: they were reactivated, or a setting has changed. Shared by flip and
/// review; who uses it for newcomers adds [`DATE_STANDS`].
pub(super) fn must_be_required(now: usize, include_sso: usize) -> String {
    let come = date_has_come(&format!("${now}"), "m.require_at");
    let seen = "m.reviewed AND m.reviewed_as IS DISTINCT FROM 'left_out'";
    format!("{} AND {come} AND {seen}", subject(include_sso))
}

/// The same, foretold for an instant, a setting and a personal date that are SQL expressions: what is unreviewed by now
/// will be reviewed by then, and exemptions that pass will be ended.
pub(super) fn would_be_required(at: &str, include_sso: &str, require_at: &str) -> String {
    format!("{} AND {}", subject_at(at, include_sso), date_has_come(at, require_at))
}

fn subject_unless(exempt: &str, include_sso: &str) -> String {
    format!("u.kind = 'person' AND u.active AND ({exempt}) IS NOT TRUE AND (NOT u.sso OR {include_sso})")
}

fn date_has_come(at: &str, require_at: &str) -> String {
    format!("e.enforce_at <= {at} AND ({require_at} IS NULL OR {require_at} <= {at})")
}
