//! `mfa-enforcer audit`: reading the trail, taking it elsewhere, and proving that nobody has touched it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::json;

use super::output::{cell, instant, maybe, say, table, to_json_line, write_line};
use super::{CliError, Context, PAGE, values};
use crate::domain::audit::{AuditEvent, Verifier};
use crate::store::audit::AuditFilter;

/// Read the audit trail, and prove that nobody has touched it.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// List events, the first one first
    #[command(after_help = "\
Examples:
  mfa-enforcer audit list
  mfa-enforcer audit list --company acme --json
  mfa-enforcer audit list --action company_added --limit 10")]
    List(ListArgs),
    /// Write all events as JSON lines, with their hashes
    #[command(after_help = "\
Examples:
  mfa-enforcer audit export --to audit.jsonl
  mfa-enforcer audit export | gzip > audit.jsonl.gz")]
    Export {
        /// The file to write; it must not exist yet [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Walk the whole trail: exit 1, with the place, where an event was changed, removed or inserted
    #[command(after_help = "\
Examples:
  mfa-enforcer audit verify
  mfa-enforcer audit verify --head \"$(cat head.txt)\"

A cut at the end shows only against a head that was noted down earlier, away from the database: the daemon logs it.")]
    Verify {
        /// The hash of an event that must be there
        #[arg(long, value_name = "HASH", value_parser = hash)]
        head: Option<String>,
    },
}

/// Which events; everything that is given must hold.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Of this company: its id or external id
    #[arg(long, value_parser = values::key)]
    company: Option<String>,
    /// With this action, as the column ACTION has it
    #[arg(long)]
    action: Option<String>,
    /// After the event with this number
    #[arg(long, value_name = "SEQ", default_value_t = 0, value_parser = seq)]
    after: i64,
    /// At most so many [default: all]
    #[arg(long, value_name = "COUNT", value_parser = values::count)]
    limit: Option<u32>,
}

fn seq(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("'{text}' is not the number of an event: give one from the column SEQ"))
}

fn hash(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_lowercase())
    } else {
        Err(format!("'{text}' is not a hash: give the 64 hexadecimal digits that `mfa-enforcer audit verify` prints"))
    }
}

/// Runs the command.
///
/// # Errors
/// What the store answers, and when the results cannot be written.
pub async fn run(context: &Context, command: &AuditCommand) -> Result<ExitCode, CliError> {
    match command {
        AuditCommand::List(args) => list(context, args).await?,
        AuditCommand::Export { to } => export(context, to.as_deref()).await?,
        AuditCommand::Verify { head } => return verify(context, head.as_deref()).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let filter = AuditFilter {
        company_id: match &args.company {
            Some(key) => Some(context.store.company(key).await?.id),
            None => None,
        },
        action: args.action.clone(),
    };
    let mut writer = context.output.list(events_table);
    let mut after = args.after;
    let mut left = args.limit.map_or(i64::MAX, i64::from);
    while left > 0 {
        let page = context.store.audit_page(&filter, after, left.min(PAGE)).await?;
        writer.page(&page)?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        left -= i64::try_from(page.len()).unwrap_or(left);
    }
    writer.finish("No such events.")
}

async fn export(context: &Context, to: Option<&Path>) -> Result<(), CliError> {
    let mut file = match to {
        Some(path) => Some((path, BufWriter::new(new_file(path)?))),
        None => None,
    };
    let mut after = 0;
    let mut count: usize = 0;
    loop {
        let page = context.store.audit_page(&AuditFilter::default(), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        count += page.len();
        let lines = page.iter().map(to_json_line).collect::<Result<Vec<_>, _>>()?.join("\n");
        match &mut file {
            Some((path, file)) => writeln!(file, "{lines}").map_err(|error| unwritable(path, &error))?,
            None => write_line(&lines)?,
        }
    }
    if let Some((path, mut file)) = file {
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|error| unwritable(path, &error))?;
        let exported = json!({ "file": path.display().to_string(), "events": count });
        context.output.show(&exported, |_| format!("Wrote {count} events to {}.", path.display()))?;
    }
    Ok(())
}

fn new_file(path: &Path) -> Result<File, CliError> {
    File::create_new(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Failed(format!(
        "cannot write --to {}: {error}; name a new file in a folder that you may write to",
        path.display()
    ))
}

async fn verify(context: &Context, head: Option<&str>) -> Result<ExitCode, CliError> {
    let mut verifier = Verifier::new(head);
    let walked = walk(context, &mut verifier).await?;
    let (count, hash) = (verifier.count, verifier.hash.clone());
    match walked.and_then(|(head_seq, head_hash)| verifier.finish(head_seq, &head_hash)) {
        Ok(()) => {
            let sound = json!({ "sound": true, "events": count, "head": hash });
            context.output.show(&sound, |_| format!("The audit trail is sound: {count} events, head {hash}."))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(place) => {
            say(&format!("the audit trail is broken: {place}; compare it with an export or a backup"));
            if context.output.is_json() {
                context.output.show(&json!({ "sound": false, "events": count, "broken": place }), |_| String::new())?;
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Walks to the end, and returns the head that stands there.
///
/// Events may come in meanwhile. An event and its head are written together, and the head is read after the events: one
/// that is behind them, or ahead of them with nothing more to walk to, was tampered with, which [`Verifier::finish`] tells.
async fn walk(context: &Context, verifier: &mut Verifier) -> Result<Result<(i64, String), String>, CliError> {
    loop {
        let walked_before = verifier.count;
        loop {
            let page = context.store.audit_page(&AuditFilter::default(), verifier.count, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for event in &page {
                if let Err(place) = verifier.next(event) {
                    return Ok(Err(place));
                }
            }
        }
        let head = context.store.audit_head().await?;
        if head.0 <= verifier.count || verifier.count == walked_before {
            return Ok(Ok(head));
        }
    }
}

fn events_table(rows: &[AuditEvent]) -> Table {
    let header = ["seq", "at", "actor", "action", "company", "subject", "detail"];
    table(
        &header,
        rows.iter().map(|event| {
            vec![
                cell(event.seq),
                instant(event.at),
                cell(&event.actor),
                cell(&event.action),
                maybe(event.company_id),
                maybe(event.subject.as_ref()),
                cell(&event.detail),
            ]
        }),
    )
}
