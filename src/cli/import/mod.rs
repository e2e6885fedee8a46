//! `mfa-enforcer import`: adds and changes companies or users from a file, batch by batch, in constant memory but for a
//! few bytes a line that remember the keys.

mod batches;
mod columns;
mod csv;
mod keys;
mod lines;
mod records;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::batches::{Import, ImportLine};
use self::keys::SeenKeys;
use self::records::{Record, Records};
use super::{ByArgs, CliError, Context, output};
use crate::store::import::{CompanyLine, UserLine};

/// Add and change companies or users from a file.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: ImportCommand,
}

/// What to import.
#[derive(Clone, Debug, Subcommand)]
enum ImportCommand {
    /// Import companies
    #[command(after_help = COMPANIES_HELP)]
    Companies(FileArgs),
    /// Import users and their memberships
    #[command(after_help = USERS_HELP)]
    Users(FileArgs),
}

const COMPANIES_HELP: &str = "\
Columns: external_id (the key), name, time_zone, locale, mfa_available, enforcement_date, enforcement_set_by,
notice_days, new_member_grace_days, support_contact. A new company needs name and time_zone.

A column that the file does not have stays as it is. An empty value, or null, takes away what may be missing, and leaves
the rest as it is. A bad line is reported and nothing of it is stored; the good ones are. The same file may be imported
again.

An enforcement_date is set as by plain SQL: the daemon judges it, and records it under the name sql. One with too
little notice, in the past, or for a company without MFA is held, not refused. To set a date under your own name and
be warned at once, use `mfa-enforcer enforcement set`.

Examples:
  mfa-enforcer import companies companies.csv
  mfa-enforcer import companies companies.jsonl --by 'Jo Diaz'
  cat companies.csv | mfa-enforcer import companies - --format csv";

const USERS_HELP: &str = "\
Columns: external_id (the key), email, name, locale, time_zone, country, kind, active, sso, payee, mfa_enrolled_at,
mfa_method; and of one membership: company (the company's external id), role, joined_at, exempt_until, exempt_reason,
exempt_by, admin_mail (all, decisions or none). A new user needs email and name. A user in several companies has one line for each.

A column that the file does not have stays as it is. An empty value, or null, takes away what may be missing, and leaves
the rest as it is. A bad line is reported and nothing of it is stored; the good ones are. The same file may be imported
again. Instants are written as 2027-01-15T09:00:00Z.

Examples:
  mfa-enforcer import users users.csv
  mfa-enforcer import users users.jsonl --by 'Jo Diaz'
  cat users.csv | mfa-enforcer import users - --format csv --json";

/// Which file.
#[derive(Args, Clone, Debug)]
struct FileArgs {
    /// A CSV file with a header (.csv), JSON lines (.jsonl, .ndjson, .json), or - for standard input
    file: PathBuf,
    /// What the file holds [default: as its name says]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    by: ByArgs,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values, the first line naming the columns
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read or understood, and what the store answers. Batches that were stored before stay.
pub async fn run(context: &Context, args: &ImportArgs) -> Result<ExitCode, CliError> {
    match &args.what {
        ImportCommand::Companies(file) => import::<CompanyLine>(context, file).await,
        ImportCommand::Users(file) => import::<UserLine>(context, file).await,
    }
}

async fn import<L: ImportLine>(context: &Context, file: &FileArgs) -> Result<ExitCode, CliError> {
    let source = Source::open(file)?;
    let records = Records::new(source.reader, source.format, L::COLUMNS, &source.name)?;
    source.progress.set_message("0 lines");
    let mut import = Import {
        context,
        by: file.by.by.as_str().into(),
        name: source.name,
        progress: source.progress,
        summary: Summary::default(),
        keys: SeenKeys::default(),
    };
    let done = import.all::<L>(records).await;
    import.progress.finish_and_clear();
    if import.summary.added + import.summary.changed > 0 {
        context.remember_instant().await?;
    }
    if let Err(error) = done {
        output::say(&format!(
            "stopped early; so far: {}. What was stored stays, and the file may be imported again",
            import.summary.text()
        ));
        return Err(error);
    }
    let bad = import.summary.bad;
    context.output.show(&import.summary, |summary| format!("{}.", summary.text()))?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An opened file.
struct Source {
    name: String,
    reader: Box<dyn BufRead + Send>,
    format: Format,
    progress: ProgressBar,
}

impl Source {
    fn open(args: &FileArgs) -> Result<Self, CliError> {
        let name = args.file.display().to_string();
        let is_stdin = args.file == Path::new("-");
        let format = args.format.or_else(|| if is_stdin { None } else { format_by_name(&args.file) });
        let Some(format) = format else {
            return Err(CliError::Usage(format!(
                "'{name}' does not say what it holds: name a file that ends in .csv or .jsonl, or give --format csv or --format jsonl"
            )));
        };
        if is_stdin {
            let progress = ProgressBar::new_spinner().with_style(style("{spinner} {bytes} read, {msg}"));
            progress.enable_steady_tick(Duration::from_millis(200));
            let reader = BufReader::new(progress.wrap_read(io::stdin()));
            return Ok(Self { name: "standard input".to_owned(), reader: Box::new(reader), format, progress });
        }
        let unreadable = |error: io::Error| {
            CliError::Failed(format!("cannot read {name}: {error}; name a CSV or JSON lines file that you may read"))
        };
        let file = File::open(&args.file).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let progress = ProgressBar::new(metadata.len())
            .with_style(style("[{bar:40}] {percent}% of {total_bytes}, {msg}, {eta} left"));
        let reader = BufReader::new(progress.wrap_read(file));
        Ok(Self { name, reader: Box::new(reader), format, progress })
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn format_by_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
        _ => None,
    }
}

/// What an import came to: numbers of lines.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Summary {
    lines: u64,
    added: u64,
    changed: u64,
    unchanged: u64,
    bad: u64,
}

impl Summary {
    fn text(&self) -> String {
        let Self { lines, added, changed, unchanged, bad } = self;
        format!("{lines} lines: {added} added, {changed} changed, {unchanged} unchanged, {bad} bad")
    }
}
