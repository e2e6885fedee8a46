//! `mfa-enforcer check`: whether the daemon could do its work with these settings, and what is in the way.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::context::{agree_on_clock, load_config, open_store};
use super::{CliError, GlobalArgs, Output};
use crate::clock::Randomness;
use crate::config::bounces::BounceSettings;
use crate::config::{Config, Purpose};
use crate::mail::compose::Sender;
use crate::mail::maildir::Maildir;
use crate::mail::templates::Templates;
use crate::mail::transport::Transport;
use crate::store::SqlStore;
use crate::store::connect::{Schema, shown};

/// Look at settings, templates, database and mail server, and say what is wrong.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  mfa-enforcer check
  mfa-enforcer check --json

Nothing is changed and nothing is sent: the database is opened, and the mail server is asked for its name and let in to
the password, as before a mail. In the Maildir of bounces a file is made and removed. Exit 1 when anything is wrong; a part that could not be looked at is not counted.")]
pub struct CheckArgs {}

/// How a part of the installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Wrong,
    /// Something else has to be put right first.
    NotChecked,
}

/// One part of the installation, and what there is to say about it.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    state: State,
    messages: Vec<String>,
}

impl Part {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, state: State::Ok, messages: vec![message.into()] }
    }

    fn wrong(name: &'static str, message: &impl ToString) -> Self {
        Self { name, state: State::Wrong, messages: vec![message.to_string()] }
    }

    fn not_checked(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, state: State::NotChecked, messages: vec![message.into()] }
    }
}

#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    parts: Vec<Part>,
}

/// Runs the command.
///
/// # Errors
/// On wrong usage, and when the results cannot be written. What is found wrong is no error: it is the result.
pub async fn run(
    global: &GlobalArgs,
    variables: impl Iterator<Item = (String, String)>,
    CheckArgs {}: &CheckArgs,
) -> Result<ExitCode, CliError> {
    let parts = match load_config(global, variables) {
        Ok(config) => {
            let store = open_store(&config, Schema::Expect, Randomness::from_system()).await;
            let mut parts = vec![
                settings(global, &config),
                templates(&config),
                database(&config, store.as_ref()),
                clock(&config, store.as_ref().ok()).await,
                mail(&config).await,
            ];
            parts.extend(bounces(&config));
            parts
        }
        Err(CliError::Config(error)) => {
            let messages = error.problems.iter().map(ToString::to_string).collect();
            let others = ["templates", "database", "clock", "mail"];
            let settings = Part { name: "settings", state: State::Wrong, messages };
            let not_checked = |name| Part::not_checked(name, "the settings have to be right first");
            [settings].into_iter().chain(others.map(not_checked)).collect()
        }
        Err(error) => return Err(error),
    };
    let checked = Checked { ok: parts.iter().all(|part| part.state != State::Wrong), parts };
    Output::new(global.json).show(&checked, text)?;
    Ok(if checked.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn settings(global: &GlobalArgs, config: &Config) -> Part {
    let problems = config.problems(Purpose::Check);
    let (state, mut messages) = if problems.is_empty() {
        let from = global.config.as_ref().map_or("the defaults".to_owned(), |file| file.display().to_string());
        (State::Ok, vec![format!("from {from} and the environment")])
    } else {
        (State::Wrong, problems.iter().map(ToString::to_string).collect())
    };
    let mut notes = config.warnings();
    notes.retain(|note| !messages.contains(note));
    messages.extend(notes.iter().map(|note| format!("note: {note}")));
    Part { name: "settings", state, messages }
}

fn templates(config: &Config) -> Part {
    match Templates::load(&config.notices) {
        Ok(_) => {
            let from = config.notices.template_dir.as_ref().map(|dir| format!(", with those in {}", dir.display()));
            Part::ok("templates", format!("built in{}; every kind of notice can be written", from.unwrap_or_default()))
        }
        Err(error) => Part::wrong("templates", &error),
    }
}

fn database(config: &Config, store: Result<&SqlStore, &CliError>) -> Part {
    match store {
        Ok(_) => Part::ok("database", format!("{} is up to date", shown(config.database.url.expose_secret()))),
        Err(error) => Part::wrong("database", error),
    }
}

/// Whether the settings and the database mean the same clock.
async fn clock(config: &Config, store: Option<&SqlStore>) -> Part {
    let Some(store) = store else { return Part::not_checked("clock", "the database has to answer first") };
    match agree_on_clock(config, store).await {
        Ok(()) if config.clock.simulated => Part::ok("clock", "simulated"),
        Ok(()) => Part::ok("clock", "the system's"),
        Err(error) => Part::wrong("clock", &error),
    }
}

async fn mail(config: &Config) -> Part {
    let sender = config.notices.from.as_ref().map(|_| Sender::from_settings(&config.notices)).transpose();
    if let Err(error) = sender {
        return Part::wrong("mail", &error);
    }
    match config.smtp.target() {
        Ok(None) => return Part::not_checked("mail", "smtp.url is not set"),
        Ok(Some(target)) if config.clock.simulated && target.server_elsewhere().is_some() => {
            return Part::not_checked("mail", "on a simulated clock no mail server elsewhere is spoken to");
        }
        Ok(Some(_)) => {}
        Err(error) => return Part::wrong("mail", &error),
    }
    let transport = match Transport::from_settings(&config.smtp) {
        Ok(transport) => transport,
        Err(error) => return Part::wrong("mail", &error),
    };
    match transport.test().await {
        Ok(()) => Part::ok("mail", format!("{transport} is ready to take it")),
        Err(error) => Part::wrong("mail", &error),
    }
}

/// Whether what comes back can be taken; none where no way for it is set.
fn bounces(config: &Config) -> Option<Part> {
    let BounceSettings { maildir, lmtp_socket, .. } = &config.bounces;
    let mut problems = Vec::new();
    if let Some(folder) = maildir
        && let Err(error) = Maildir::new(folder.clone()).test()
    {
        problems.push(format!("bounces.maildir = \"{}\": {error}", folder.display()));
    }
    if let Some(socket) = lmtp_socket {
        // `lmtp` alone is in the working folder.
        let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            problems.push(format!(
                "bounces.lmtp_socket = \"{}\": {} is no folder: make it, so that the daemon's user may write to it",
                socket.display(),
                folder.display()
            ));
        }
        problems.extend(socket_problem(socket));
    }
    if !problems.is_empty() {
        return Some(Part { name: "bounces", state: State::Wrong, messages: problems });
    }
    config.bounces.takes_any().then(|| Part::ok("bounces", "can be taken"))
}

/// What no daemon can listen on.
fn socket_problem(socket: &Path) -> Option<String> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::FileTypeExt as _;
    // unix(7): 108 bytes with the one that ends it.
    const LONGEST: usize = 107;
    let wrong = |why: &str| Some(format!("bounces.lmtp_socket = \"{}\" {why}", socket.display()));
    if socket.as_os_str().as_bytes().len() > LONGEST {
        return wrong("is longer than a socket's path may be (107 bytes): name a shorter one");
    }
    match socket.symlink_metadata() {
        Ok(file) if !file.file_type().is_socket() => {
            wrong("is there and is no socket: name another path, or take away what is there")
        }
        _ => None,
    }
}

fn text(checked: &Checked) -> String {
    let mut lines = Vec::new();
    for Part { name, state, messages } in &checked.parts {
        let state = match state {
            State::Ok => "ok",
            State::Wrong => "WRONG",
            State::NotChecked => "not checked",
        };
        for (number, line) in messages.iter().flat_map(|message| message.lines()).enumerate() {
            let head = if number == 0 { format!("{name:9}  {state:11}") } else { String::new() };
            lines.push(format!("{head:22}  {}", super::output::cell(line)));
        }
    }
    lines.join("\n")
}
