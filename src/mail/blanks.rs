//! Blanks: what in a mail is another for each reader, and stays open until the mail is addressed. All the rest is put into
//! words, wrapped and encoded once for many readers.

use super::wrap::wrap_line;

/// What stands for the reader's name and address while they are open: characters for private use, which nothing that is
/// shown to readers has (see `words::clean`).
const NAME: char = '\u{e010}';
const ADDRESS: char = '\u{e011}';

/// Who is greeted by which name, and where they are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greeted {
    /// What to call the reader; none: the stored name cannot be one.
    pub(super) name: Option<String>,
    /// Where the mail goes, as it is shown.
    pub(super) address: String,
}

impl Greeted {
    /// Nobody yet: what is written for them is open. Whether there is a name makes a difference to what is said.
    pub(super) fn anybody(has_name: bool) -> Self {
        Self { name: has_name.then(|| NAME.to_string()), address: ADDRESS.to_string() }
    }

    /// A line with its blanks filled in.
    fn fill(&self, line: &str, escape: impl Fn(&str) -> String) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        line.replace(NAME, &escape(name)).replace(ADDRESS, &escape(&self.address))
    }

    /// A line of plain text with its blanks filled in, and broken where it has become too long.
    pub(super) fn fill_text(&self, line: &str) -> String {
        let mut wrapped = String::new();
        wrap_line(&self.fill(line, str::to_owned), &mut wrapped);
        wrapped.truncate(wrapped.trim_end().len());
        wrapped
    }

    /// A line of HTML with its blanks filled in.
    pub(super) fn fill_html(&self, line: &str) -> String {
        self.fill(line, |text| {
            let mut escaped = Vec::with_capacity(text.len() + 16);
            // Writing into memory cannot fail.
            let _ = tera::escape_html(text, &mut escaped);
            String::from_utf8_lossy(&escaped).into_owned()
        })
    }
}

/// Whether there is a blank in the line.
pub(super) fn is_open(line: &str) -> bool {
    line.contains([NAME, ADDRESS])
}

/// Each line of the text, those with blanks filled in by `fill`.
pub(super) fn filled(text: &str, fill: impl Fn(&str) -> String) -> String {
    let mut whole = String::with_capacity(text.len() + 128);
    for line in text.split_inclusive('\n') {
        if is_open(line) {
            whole.push_str(&fill(line.trim_end_matches('\n')));
            whole.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            whole.push_str(line);
        }
    }
    whole
}
