//! R2: one mail a day, none twice, and nothing told twice.

use super::Answer;
use super::calendar::minutes;
use super::look::{Look, days_of, named};
use super::post::{Handing, Post, Told, told};

/// Judges one message, before it is filed.
pub fn check(look: &mut Look<'_>, post: &Post, handing: &Handing) {
    let id = &handing.letter.message_id;
    let days = [&handing.claim.was, &handing.claim.is].map(|rows| days_of(rows, handing.user, handing.claimed_at));
    if !days.iter().flatten().any(|day| *day == handing.day) {
        look.wrong("R2", format!("mail {id} counts for {}, but for user {} it is {days:?}", handing.day, handing.user));
    }
    for earlier in post.to_user(handing.user) {
        if earlier.mail == handing.mail {
            if earlier.letter.message_id != *id {
                look.wrong("R2", format!("mail {id} was sent as {} before", earlier.letter.message_id));
            }
            // Held up for longer than its lease, a daemon is as good as dead.
            let in_time = handing.at < earlier.at + minutes(look.settings.lease_minutes - 1);
            let known = !post.uncertain(handing.mail) && in_time;
            let answer = match earlier.answer {
                Answer::Accepted => "accepted",
                Answer::RefusedForGood => "refused",
                _ => continue,
            };
            if known {
                look.wrong("R2", format!("mail {id} is sent again to user {}, though it was {answer}", handing.user));
            }
            continue;
        }
        if earlier.answer.received() && earlier.day == handing.day {
            look.wrong(
                "R2",
                format!(
                    "user {} gets a second mail on {}: {} and {id}",
                    handing.user, handing.day, earlier.letter.message_id
                ),
            );
        }
        if earlier.answer.received() {
            for telling in &handing.told {
                let same = |other: &&super::post::Telling| other.notice == telling.notice;
                if earlier.told.iter().any(|other| same(&other)) {
                    look.wrong(
                        "R2",
                        format!("notice {} to user {} goes out again, in mail {id}", telling.notice, handing.user),
                    );
                }
            }
        }
    }
    for telling in &handing.told {
        let others =
            post.tellings(&look.is, handing.user, telling.company).filter(|(other, _)| other.mail != handing.mail);
        let last = others.map(|(_, other)| told(other)).next();
        let again = match telling.kind.as_str() {
            "announcement" => matches!(last, Some(Told::Date(_))),
            "rescheduled" | "welcome" => last == telling.told_at.map(Told::Date),
            "cancelled" => last == Some(Told::Cancelled),
            _ => false,
        };
        if again {
            look.wrong(
                "R2",
                format!(
                    "mail {id} tells user {} '{}' for {:?} of {}, who was told {last:?} last",
                    handing.user,
                    telling.kind,
                    telling.told_at,
                    named(&look.is, telling.enforcement)
                ),
            );
        }
    }
}
