//! What one mail says, before any words are chosen.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::ids::Id;
use super::methods::Method;
use super::notice::NoticeKind;
use super::time::Timestamp;

/// One mail to one user: all of the notices that are due together.
#[derive(Clone, Debug)]
pub struct Message {
    /// The row in `mails`, and the name of the `.eml` file.
    pub mail_id: Id,
    /// Whom it is for.
    pub reader: Reader,
    /// What it says, the earliest date first; never empty.
    pub notices: Vec<Statement>,
    /// When it is written: `Date`, and what days left are counted from.
    pub at: Timestamp,
}

/// Whom a mail is for.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The row in `users`.
    pub user_id: Id,
    /// Where it goes. Not parsed: what cannot be an address fails this mail alone.
    pub address: String,
    /// The user's name as stored; may hold anything.
    pub name: String,
    /// Language tags, the best first: the user's, then the company's. May be empty.
    pub locales: Vec<String>,
    /// The zone in which dates and times are shown.
    pub zone: Tz,
    /// The second steps this user may choose from.
    pub methods: Vec<Method>,
}

/// What one notice states.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The row in `notices`.
    pub notice_id: Id,
    /// The enforcement that it is about.
    pub enforcement_id: Id,
    /// What it says.
    pub kind: NoticeKind,
    /// The company; none for the payee mandate, which is the vendor's own.
    pub company_id: Option<Id>,
    /// The company's name; none for the payee mandate.
    pub company: Option<String>,
    /// Whom to ask at the company, if it has said so.
    pub support_contact: Option<String>,
    /// When MFA becomes required for this reader (for `cancelled`: would have).
    pub required_at: Timestamp,
    /// The date that this reader was told before, for `rescheduled` and `cancelled`.
    pub told_date: Option<NaiveDate>,
    /// Whether something else requires this reader already: another company, an earlier date, or being a payee.
    pub required_otherwise: bool,
    /// For `cancelled`: whether the date had come and required this reader, and was reverted.
    pub was_required: bool,
    /// Who set the date, as they gave it; none: nobody is named.
    pub set_by: Option<String>,
    /// Until when this reader is exempt, for who is told before that ends.
    pub exempt_until: Option<Timestamp>,
}
