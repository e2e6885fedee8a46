//! Form letters: a mail that many get, put together and encoded once, with gaps for what is another in each copy.

use std::sync::LazyLock;

use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;
use uuid::Uuid;

use super::blanks::is_open;
use super::compose::{Copy, UNADDRESSED};
use super::templates::Rendered;
use crate::domain::ids::Id;

/// Stands for a mail's id in a form letter: in its Message-ID and between its parts. It is drawn anew by each process, so that
/// nobody can have a name or an address with it.
#[expect(clippy::disallowed_methods, reason = "it is in no mail and no row: nothing depends on it")]
pub(super) static ANY_MAIL: LazyLock<Id> = LazyLock::new(|| Id(Uuid::new_v4()));

/// A mail without its reader.
#[derive(Debug)]
pub(super) struct FormLetter(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    /// The same in each copy.
    Same(String),
    /// The header fields that say whom it is for, and when it was written.
    Heading,
    /// The mail's id, as it stands in the Message-ID.
    Id,
    /// The mail's id, as it stands between the parts.
    Boundary,
    /// A line of the plain text, with its blanks.
    Text(String),
    /// A line of the HTML, with its blanks.
    Html(String),
}

/// The lines of a draft that have blanks, taken out so that the rest can be encoded.
pub(super) struct OpenLines(Vec<(String, Piece)>);

impl OpenLines {
    /// The draft with a mark in place of each line that has blanks; and these lines.
    pub(super) fn take_from(draft: &Rendered) -> (Rendered, Self) {
        let mut taken = Vec::new();
        let mut mark = |text: &str, piece: fn(String) -> Piece| {
            let lines = text.split('\n').map(|line| {
                if !is_open(line) {
                    return line.to_owned();
                }
                // Letters and digits alone, which quoted-printable leaves as they are.
                let mark = format!("{}x{}x", ANY_MAIL.0.simple(), taken.len());
                taken.push((mark.clone(), piece(line.to_owned())));
                mark
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let text = mark(&draft.text, Piece::Text);
        let html = mark(&draft.html, Piece::Html);
        (Rendered { text, html, ..draft.clone() }, Self(taken))
    }
}

impl FormLetter {
    /// A mail in which [`ANY_MAIL`], [`UNADDRESSED`] and the marks of `open` stand for what is another in each copy.
    pub(super) fn new(mail: String, open: OpenLines) -> Self {
        let gaps = open.0.into_iter().chain([
            (UNADDRESSED.to_owned(), Piece::Heading),
            (ANY_MAIL.to_string(), Piece::Id),
            (ANY_MAIL.0.simple().to_string(), Piece::Boundary),
        ]);
        Self(gaps.fold(vec![Piece::Same(mail)], |pieces, (mark, gap)| cut(pieces, &mark, &gap)))
    }

    /// One copy of it.
    pub(super) fn copy(&self, copy: &Copy) -> String {
        let same = self.0.iter().map(|piece| if let Piece::Same(text) = piece { text.len() } else { 64 });
        let mut mail = String::with_capacity(same.sum::<usize>() + 1024);
        let (id, boundary) = (copy.mail_id.to_string(), copy.mail_id.0.simple().to_string());
        for piece in &self.0 {
            match piece {
                Piece::Same(text) => mail.push_str(text),
                Piece::Heading => mail.push_str(&copy.heading),
                Piece::Id => mail.push_str(&id),
                Piece::Boundary => mail.push_str(&boundary),
                Piece::Text(line) => mail.push_str(&encoded(copy.greeted.fill_text(line))),
                Piece::Html(line) => mail.push_str(&encoded(copy.greeted.fill_html(line))),
            }
        }
        mail
    }
}

/// The pieces, with `gap` for each `mark` in what is the same.
fn cut(pieces: Vec<Piece>, mark: &str, gap: &Piece) -> Vec<Piece> {
    let cut_one = |piece| {
        let Piece::Same(text) = piece else { return vec![piece] };
        let mut parts = Vec::new();
        for part in text.split(mark) {
            if !parts.is_empty() {
                parts.push(gap.clone());
            }
            parts.push(Piece::Same(part.to_owned()));
        }
        parts
    };
    pieces.into_iter().flat_map(cut_one).collect()
}

/// Lines in quoted-printable (RFC 2045, 6.7), which encodes each line by itself.
fn encoded(lines: String) -> String {
    match Body::new_with_encoding(lines, ContentTransferEncoding::QuotedPrintable) {
        Ok(body) => String::from_utf8_lossy(&body.into_vec()).into_owned(),
        // Only asked for an encoding that does not fit would it be given back.
        Err(lines) => String::from_utf8_lossy(&lines).into_owned(),
    }
}
