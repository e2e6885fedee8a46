//! The shape of our own: `{"bounces": [{"message_id": …, "permanent": true, "status": …, "diagnostic": …}]}`.

use serde::Deserialize;

use super::{Fate, Told, message_id, recipient, text};
use crate::domain::bounce::BouncedMail;
use crate::mail::return_path::ReturnPath;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    bounces: Vec<One>,
}

/// One mail, named by one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    message_id: Option<String>,
    return_path: Option<String>,
    recipient: Option<String>,
    permanent: bool,
    #[serde(default, deserialize_with = "text")]
    status: String,
    #[serde(default, deserialize_with = "text")]
    diagnostic: String,
}

pub(super) fn told(list: &List, return_path: Option<&ReturnPath>) -> Result<Told, String> {
    let mut told = Told::default();
    for (number, one) in list.bounces.iter().enumerate() {
        let mail = match (&one.message_id, &one.return_path, &one.recipient) {
            (Some(text), None, None) => message_id(text),
            (None, Some(text), None) => return_path.and_then(|path| path.mail_of(text)).map(BouncedMail::Id),
            (None, None, Some(text)) => recipient(text),
            _ => {
                return Err(format!(
                    "bounces[{number}] must name its mail by exactly one of message_id, return_path and recipient"
                ));
            }
        };
        let fate = Fate { permanent: one.permanent, status: Some(&one.status), said: &one.diagnostic };
        told.add(mail.map(|mail| fate.of(mail)));
    }
    Ok(told)
}
