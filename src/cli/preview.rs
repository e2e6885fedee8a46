//! `mfa-enforcer notice preview`: what notices look like, before anybody gets one.

mod reader;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{ArgGroup, Args};
use serde::Serialize;
use serde_json::json;
use tera::Tera;

use self::reader::Prospect;
use super::context::load_config;
use super::output::{cell, say};
use super::{CliError, Context, GlobalArgs, Output, notice, values};
use crate::domain::message::Message;
use crate::domain::notice::NoticeKind;
use crate::domain::values::shown;
use crate::mail::memory::MemoryTransport;
use crate::mail::templates::Rendered;
use crate::mail::transport::Transport;
use crate::mail::{Mailer, sample};

/// Which notices, for whom, and where to.
#[derive(Args, Clone, Debug)]
#[command(
    group(ArgGroup::new("which").args(["kind", "all"])),
    after_help = "\
Examples:
  mfa-enforcer notice preview
  mfa-enforcer notice preview --kind final_reminder --language de --json
  mfa-enforcer notice preview --all previews
  mfa-enforcer notice preview --user u-1 --company acme --date 2099-01-15
  mfa-enforcer notice preview --all --user u-1 --company acme u-1

Without a user it shows made-up people, and needs no database. With one, it shows the words, steps and dates that this
person would get. Nothing is sent and nothing is changed.")]
pub struct PreviewArgs {
    /// Write each into this folder, as .eml, .html and .txt in a folder of its language, with an index.html to look through
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// This kind [default: announcement]
    #[arg(long, value_parser = notice::kind())]
    kind: Option<NoticeKind>,
    /// Every kind; of made-up people also what special cases get
    #[arg(long)]
    all: bool,
    /// In this language [default: the user's; for made-up people English, and every one for --all with DIR]
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// As this user would get it: the id, external id or e-mail address
    #[arg(long, requires = "company", value_parser = values::key)]
    user: Option<String>,
    /// About this company's date: its id or external id
    #[arg(long, requires = "user", value_parser = values::key)]
    company: Option<String>,
    /// About this date [default: the one that the company has]
    #[arg(long, value_name = "DATE", value_parser = values::date, requires = "user")]
    date: Option<NaiveDate>,
}

/// One notice, written.
#[derive(Serialize)]
struct Preview {
    /// What it is called: its kind, and which case of that.
    name: String,
    language: String,
    subject: String,
    text: String,
    html: String,
    /// The whole mail.
    #[serde(skip)]
    eml: Vec<u8>,
}

/// Runs the command.
///
/// # Errors
/// When the settings or templates are wrong, the store knows no such user or company, there is no such language, or the files
/// cannot be written.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    args: &PreviewArgs,
) -> Result<(), CliError> {
    let kinds = match (args.all, args.kind) {
        (true, _) => NoticeKind::ALL.to_vec(),
        (false, kind) => vec![kind.unwrap_or(NoticeKind::Announcement)],
    };
    let mut made_up = false;
    let (config, messages) = if let (Some(user), Some(company)) = (&args.user, &args.company) {
        let context = Context::open(global, variables).await?;
        let prospect = Prospect::find(&context, user, company, args.date).await?;
        prospect.say_what_keeps_it_away(&kinds);
        let messages = kinds.iter().map(|kind| (kind.to_string(), prospect.message(*kind))).collect();
        (context.config, messages)
    } else {
        made_up = true;
        let one_of_each = kinds.iter().map(|kind| (kind.to_string(), sample::of_kind(*kind, true)));
        let messages: Vec<(String, Message)> =
            if args.all && args.folder.is_some() { sample::gallery() } else { one_of_each.collect() };
        (load_config(global, variables)?, messages)
    };
    let mut notices = config.notices;
    notices.from.get_or_insert_with(|| sample::SENDER.to_owned());
    let mailer = Mailer::new(&notices, Transport::simulated(MemoryTransport::new())).map_err(failed)?;
    let known = mailer.templates().languages();
    let languages: Vec<Option<&str>> = match &args.language {
        Some(tag) => vec![Some(known_language(tag, &known)?)],
        None if made_up && args.all && args.folder.is_some() => known.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let whole_gallery = made_up && args.all && args.folder.is_some();
    let mut previews = Vec::new();
    let mut add = |name: &str, words: Rendered, eml: Vec<u8>| {
        let html = mailer.page(&words);
        let Rendered { language, subject, text, .. } = words;
        previews.push(Preview { name: name.to_owned(), language, subject, text, html, eml });
    };
    for language in languages {
        let language = language.map(str::to_owned);
        for (name, message) in &messages {
            let mut message = message.clone();
            message.reader.locales.splice(..0, language.clone());
            let words = mailer.templates().render(&message).map_err(failed)?;
            add(name, words, mailer.prepare(&message).map_err(failed)?.bytes);
        }
        for (name, mut message) in if whole_gallery { sample::admin_gallery() } else { Vec::new() } {
            message.locales.splice(..0, language.clone());
            let words = mailer.templates().render_admin(&message).map_err(failed)?;
            add(&name, words, mailer.prepare_admin(&message).map_err(failed)?.bytes);
        }
    }
    show(Output::new(global.json), args, &previews)
}

/// The language that is meant.
pub(super) fn known_language<'a>(tag: &str, known: &[&'a str]) -> Result<&'a str, CliError> {
    known.iter().find(|known| known.eq_ignore_ascii_case(tag)).copied().ok_or_else(|| {
        CliError::Failed(format!(
            "there are no notices in '{}': use one of {}, or add its words (see notices.template_dir)",
            shown(tag),
            known.join(", ")
        ))
    })
}

fn show(output: Output, args: &PreviewArgs, previews: &[Preview]) -> Result<(), CliError> {
    if let Some(folder) = &args.folder {
        let written = write(folder, previews).map_err(|error| {
            CliError::Failed(format!("cannot write to the folder {}: {error}; name another", folder.display()))
        })?;
        return output.show(&json!({ "folder": folder, "files": written }), |_| {
            let index = folder.join("index.html");
            format!("Wrote {} into {}: open {}.", counted(previews.len()), folder.display(), index.display())
        });
    }
    match previews {
        [preview] if !args.all => output.show(preview, text),
        _ => output.show(&previews, |previews| {
            let titled = |preview: &Preview| format!("=== {} ===\n{}", preview.name, text(preview));
            previews.iter().map(titled).collect::<Vec<_>>().join("\n\n")
        }),
    }
}

fn counted(mails: usize) -> String {
    if mails == 1 { "one mail".to_owned() } else { format!("{mails} mails") }
}

/// As a mail program for a terminal shows it.
fn text(preview: &Preview) -> String {
    let lines: Vec<String> = preview.text.trim_end().lines().map(cell).collect();
    format!("Subject: {}\n\n{}", cell(&preview.subject), lines.join("\n"))
}

const INDEX: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Notices</title>
<style>
  body { font: 16px/1.5 sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }
  iframe { width: 100%; height: 40rem; border: 1px solid #999; }
</style>
<h1>Notices</h1>
{%- for mail in mails %}
<h2>{{ mail.name }} <small>({{ mail.language }})</small></h2>
<p lang=\"{{ mail.language }}\">{{ mail.subject }}</p>
<p><a href=\"{{ mail.language }}/{{ mail.name }}.html\">HTML</a>, <a href=\"{{ mail.language }}/{{ mail.name }}.txt\">text</a>, \
<a href=\"{{ mail.language }}/{{ mail.name }}.eml\">the mail</a></p>
<iframe src=\"{{ mail.language }}/{{ mail.name }}.html\" title=\"{{ mail.name }} ({{ mail.language }})\" loading=\"lazy\" sandbox></iframe>
{%- endfor %}
</html>
";

/// Writes every mail in three forms, and a page to look through them. Returns the names of the files.
fn write(folder: &Path, previews: &[Preview]) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let mut written = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        fs::write(folder.join(&name), bytes).map_err(|error| format!("{name}: {error}"))?;
        written.push(name);
        Ok::<_, String>(())
    };
    let mut index = tera::Context::new();
    index.insert("mails", &previews);
    put("index.html".to_owned(), Tera::one_off(INDEX, &index, true)?.as_bytes())?;
    for Preview { name, language, text, html, eml, subject } in previews {
        fs::create_dir_all(folder.join(language))?;
        put(format!("{language}/{name}.eml"), eml)?;
        put(format!("{language}/{name}.html"), html.as_bytes())?;
        put(format!("{language}/{name}.txt"), format!("Subject: {subject}\n\n{text}").as_bytes())?;
    }
    Ok(written)
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::Failed(error.to_string())
}

/// A note that nobody would get what is shown.
fn note(kind: NoticeKind, reason: impl std::fmt::Display) {
    say(&format!("note: as things are, this user would not get {kind}: {reason}"));
}
