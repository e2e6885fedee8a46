//! One of the mails, read back from its file as a mail program would read it.

use std::io;
use std::path::Path;

use mail_parser::MessageParser;
use serde::Serialize;

use super::folder::DemoFolder;
use crate::domain::ids::Id;
use crate::domain::notice::{NoticeKind, NoticeState};
use crate::rehearsal::tables::Tables;

/// A mail as its reader sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    /// Its file.
    pub file: String,
    /// Whom it is from.
    pub from: String,
    /// Whom it is for.
    pub to: String,
    /// When it was written.
    pub date: String,
    /// What it is about.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

/// The mail to show: the first announcement that was sent, or else the first mail.
#[must_use]
pub fn choose(tables: &Tables) -> Option<Id> {
    let sent = || tables.notices.iter().filter(|notice| notice.state == NoticeState::Sent);
    let announcement =
        sent().filter(|notice| notice.kind == NoticeKind::Announcement).min_by_key(|notice| notice.user_id);
    announcement.or_else(|| sent().next()).and_then(|notice| notice.mail_id)
}

impl Letter {
    /// Reads a mail's file.
    ///
    /// # Errors
    /// When it cannot be read, or is no mail.
    pub fn read(folder: &DemoFolder, mail: Id) -> io::Result<Self> {
        let file = folder.mails().join(format!("{mail}.eml"));
        Self::parse(&file, &std::fs::read(&file)?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a mail", file.display())))
    }

    fn parse(file: &Path, bytes: &[u8]) -> Option<Self> {
        let mail = MessageParser::default().parse(bytes)?;
        let mailbox = |address: Option<&mail_parser::Address<'_>>| {
            let first = address?.first()?;
            let email = first.address()?;
            Some(first.name().map_or_else(|| email.to_owned(), |name| format!("{name} <{email}>")))
        };
        Some(Self {
            file: file.display().to_string(),
            from: mailbox(mail.from())?,
            to: mailbox(mail.to())?,
            date: mail.date()?.to_rfc822(),
            subject: mail.subject()?.to_owned(),
            text: mail.body_text(0)?.replace("\r\n", "\n").trim_end().to_owned(),
        })
    }
}
