//! What a reader is told by a mail: read from its text, by the sentences of `email_templates/`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use mail_parser::MessageParser;

use super::calendar;

/// One mail.
#[derive(Clone, Debug)]
pub struct Letter {
    pub message_id: String,
    pub to: String,
    /// What it says, in its order.
    pub sections: Vec<Section>,
    /// Whether it says that something else requires the second step already.
    pub needed_already: bool,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub kind: &'static str,
    /// The words up to the date: the company's name is among them.
    pub words: String,
    /// From when the second step is needed, or since when.
    pub when: Option<When>,
    /// Whether it is needed already: 'since'.
    pub already: bool,
    /// The date that was told before.
    pub told: Option<Date>,
    /// 'In N days', as a reminder says.
    pub days_left: Option<i32>,
}

/// A moment as a reader is told it: `Friday, 15 January 2027, 00:00 (Europe/Berlin)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    pub local: DateTime,
    pub zone: String,
}

impl When {
    /// Whether it is this instant.
    pub fn is(&self, instant: Timestamp) -> bool {
        let Some(zone) = calendar::zone(&self.zone) else { return false };
        let local = zone.to_datetime(instant);
        (local.date(), local.hour(), local.minute()) == (self.local.date(), self.local.hour(), self.local.minute())
    }
}

/// The sentences with a date: how each begins, and the kind that it belongs to.
const SENTENCES: [(&str, &str); 14] = [
    ("You need it from ", "announcement"),
    (" you need it from ", "announcement"),
    ("Your account does not have it yet, and needs it ", "reminder"),
    ("You have needed it since ", "now_required"),
    ("our account needs it from ", "welcome"),
    ("our account needs the second step from ", "welcome"),
    ("our account has needed it since ", "welcome"),
    ("You now need it from ", "rescheduled"),
    (", and you now need it from ", "rescheduled"),
    (", and is now ", "rescheduled"),
    ("It is now ", "rescheduled"),
    (", and no other date has been set.", "cancelled"),
    (". Should another date be set, you will be told.", "cancelled"),
    ("; doing it now saves you that interruption", "final_reminder"),
];

impl Letter {
    /// Reads the bytes of a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(raw: &[u8]) -> Result<Self, String> {
        let message = MessageParser::default().parse(raw).ok_or("not a message")?;
        let message_id = message.message_id().ok_or("no Message-ID")?.to_owned();
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).ok_or("no To")?.to_owned();
        let body = message.body_text(0).ok_or("no text")?;
        let text = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let sections = sections(&text)?;
        if sections.is_empty() {
            return Err(format!("no notice is recognised in it: {text}"));
        }
        let needed_already = text.to_lowercase().contains("for another reason (");
        Ok(Self { message_id, to, sections, needed_already })
    }
}

fn sections(text: &str) -> Result<Vec<Section>, String> {
    let mut found: Vec<Section> = Vec::new();
    let mut rest = text;
    while let Some((at, sentence, kind)) = next_sentence(rest) {
        let words = rest[..at].to_owned();
        let after = &rest[at + sentence.len()..];
        if kind == "final_reminder" {
            // The last sentence of what has been read as a reminder.
            let reminder = found.last_mut().filter(|section| section.kind == "reminder");
            reminder.ok_or_else(|| format!("no date before '{sentence}'"))?.kind = "final_reminder";
            rest = after;
            continue;
        }
        let told = ["The date was ", "You had needed it since "]
            .iter()
            .find_map(|before| words.rsplit_once(before))
            .and_then(|(_, date)| parse_date(date));
        let already = sentence.ends_with(" since ");
        let mut section = Section { kind, words, when: None, already, told, days_left: None };
        rest = after;
        if kind == "cancelled" {
            if section.told.is_none() {
                return Err(format!("no date in: {}", section.words));
            }
        } else {
            if kind == "reminder" {
                let (days, when) = days_left(after)?;
                section.days_left = Some(days);
                rest = when;
            }
            section.when = Some(parse_when(rest)?);
        }
        found.push(section);
    }
    Ok(found)
}

fn next_sentence(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let at = SENTENCES.iter().filter_map(|(sentence, kind)| Some((text.find(sentence)?, *sentence, *kind)));
    at.min_by_key(|(at, sentence, _)| (*at, sentence.len()))
}

fn days_left(text: &str) -> Result<(i32, &str), String> {
    // 'for Globex ', where something else needs it already.
    let after_name = |text: &'_ str| [" in ", " from "].iter().filter_map(|word| text.find(word)).min();
    let text = if text.starts_with("for ") { after_name(text).map_or(text, |at| &text[at + 1..]) } else { text };
    let of = |days, after| Ok((days, after));
    if let Some(after) = text.strip_prefix("from tomorrow, ") {
        return of(1, after);
    }
    if let Some(after) = text.strip_prefix("from today, ") {
        return of(0, after);
    }
    let counted = text.strip_prefix("in ").and_then(|text| text.split_once(" days, from "));
    let Some((days, after)) = counted else { return Err(format!("no days left in: {text}")) };
    of(days.parse().map_err(|_| format!("not a number of days: {days}"))?, after)
}

/// `Friday, 15 January 2027, 00:00 (Europe/Berlin)` and more.
fn parse_when(text: &str) -> Result<When, String> {
    let wrong = || format!("no date with time and zone: {}", text.chars().take(80).collect::<String>());
    let (moment, after) = text.split_once(" (").ok_or_else(wrong)?;
    let (zone, _) = after.split_once(')').ok_or_else(wrong)?;
    let (date, time) = moment.rsplit_once(", ").ok_or_else(wrong)?;
    let date = parse_date(date).ok_or_else(wrong)?;
    let time: jiff::civil::Time = time.parse().map_err(|_| wrong())?;
    Ok(When { local: date.to_datetime(time), zone: zone.replace(' ', "_") })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `Friday, 15 January 2027`, the weekday of which must be right.
fn parse_date(text: &str) -> Option<Date> {
    let (weekday, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let date = Date::new(year.parse().ok()?, i8::try_from(month).ok()?, day.parse().ok()?).ok()?;
    (format!("{:?}", date.weekday()) == weekday).then_some(date)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_sentence_is_read() {
        let text = "Hello Ada, Globex has moved the date from which you need a second step when you sign in to Ledger \
            (after your password, a code from your phone). The date was Friday, 8 January 2027, and you now need it \
            from Friday, 15 January 2027, 00:00 (Europe/Berlin). If you have not set it up by then, you can still \
            sign in. * In 43 days: Initech needs a second step Your account does not have it yet, and needs it in 43 \
            days, from Saturday, 23 January 2027, 00:00 (America/New York). If you do nothing, you can still sign in; \
            doing it now saves you that interruption. Hooli has cancelled the date from which. The date was Friday, 8 January 2027, and no other date has been \
            set.";
        let read = sections(text).unwrap();
        let kinds: Vec<_> = read.iter().map(|section| section.kind).collect();
        assert_eq!(kinds, ["rescheduled", "final_reminder", "cancelled"]);
        assert_eq!(read[0].told, Some(date(2027, 1, 8)));
        assert!(read[0].when.as_ref().unwrap().is("2027-01-14T23:00:00Z".parse().unwrap()));
        assert_eq!(read[1].days_left, Some(43));
        assert!(read[1].when.as_ref().unwrap().is("2027-01-23T05:00:00Z".parse().unwrap()));
        assert!(read[1].words.contains("Initech"));
        assert_eq!((read[2].told, &read[2].when), (Some(date(2027, 1, 8)), &None));
    }

    #[test]
    fn what_is_needed_already_is_told_apart() {
        let read = |word| {
            let text = format!("Your account {word} Friday, 15 January 2027, 00:00 (Europe/Berlin).");
            sections(&text).unwrap()[0].already
        };
        assert_eq!((read("has needed it since"), read("needs it from")), (true, false));
    }

    #[test]
    fn a_wrong_weekday_is_no_date() {
        assert_eq!(parse_date("Friday, 15 January 2027"), Some(date(2027, 1, 15)));
        assert_eq!(parse_date("Saturday, 15 January 2027"), None);
    }
}
