//! One mail server, and the lines to it that are kept and used again.
//!
//! lettre speaks the protocol; the lines are kept here, because its own pool takes back a line whose send was given up
//! half-way, and then reads old answers for new ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::answers::Answers;
use super::compose::Composed;
use super::dialogue::{Speaker, Stop};
use super::encryption::Encryptor;
use super::line::Line;
use super::line_limit::LineLimit;
use super::smtp_replies::{self, Failure, Step};
use crate::config::smtp::{Encryption, MailServer, SmtpSettings};
use crate::domain::ids::Id;
use crate::telemetry::MaskedText;

/// How long a line is kept without use. Servers hang up after five minutes (RFC 5321, 4.5.3.2), many much sooner.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// How long a server is told of no next mail after it was silent when it was: a mail is lost time for each try, and it may have
/// been silent for another reason.
const DEAF_FOR: Duration = Duration::from_hours(24);

/// A mail server.
pub(super) struct Relay {
    server: MailServer,
    encryptor: Option<Encryptor>,
    hello: ClientId,
    lines: LineLimit,
    kept: Mutex<Vec<KeptLine>>,
    /// Lines on which the next mail is announced: nobody else may use them.
    announced: Mutex<BTreeMap<Id, Seat>>,
    /// When the server was silent after an announcement behind a mail: one that throws away what comes behind a mail is told of
    /// no next one for [`DEAF_FOR`].
    silent_at: Mutex<Option<Instant>>,
}

/// Notes that the server was silent, if an announcement is given up before it was answered.
struct Unanswered<'a> {
    silent_at: &'a Mutex<Option<Instant>>,
    handed_over: &'a AtomicBool,
    answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.answered && !self.handed_over.load(Ordering::Relaxed) {
            *lock(self.silent_at) = Some(Instant::now());
        }
    }
}

/// The right to use a line, and the line itself where the mail is announced on it already.
pub(super) struct Seat {
    permit: OwnedSemaphorePermit,
    speaker: Option<Speaker>,
}

struct KeptLine {
    speaker: Speaker,
    since: Instant,
    /// Whether the last mail on it was refused, so that the server must be told to forget it.
    to_reset: bool,
}

impl KeptLine {
    fn new(speaker: Speaker, to_reset: bool) -> Self {
        Self { speaker, since: Instant::now(), to_reset }
    }
}

impl Relay {
    /// Prepares to speak with `server` over at most `connections` lines at a time. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with `smtp.ca_file`, or that TLS cannot be set up.
    pub(super) fn new(server: MailServer, settings: &SmtpSettings, connections: usize) -> Result<Self, String> {
        let encryptor = match server.encryption {
            Encryption::Plain => None,
            Encryption::Implicit | Encryption::StartTls => {
                Some(Encryptor::to(&server.host, settings.ca_file.as_deref())?)
            }
        };
        Ok(Self {
            server,
            encryptor,
            hello: settings.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain),
            lines: LineLimit::new(connections),
            kept: Mutex::default(),
            announced: Mutex::default(),
            silent_at: Mutex::default(),
        })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.server.is_loopback()
    }

    /// Waits until a line may be used.
    pub(super) async fn seat(&self) -> Option<Seat> {
        Some(Seat { permit: self.lines.permit().await?, speaker: None })
    }

    /// The line on which this mail is announced, if there is one. Dropped, the announcement was for nothing.
    pub(super) fn announced_seat(&self, mail: Id) -> Option<Seat> {
        self.announced().remove(&mail)
    }

    /// Hands one mail over, and announces the one that follows it, where that can be done at once. `handed_over` is set
    /// before the mail itself goes out: from then on the server may have it. A line that is there only after `latest` is kept
    /// for others.
    pub(super) async fn send(
        &self,
        seat: Seat,
        latest: Instant,
        mail: &Composed,
        following: Option<&Composed>,
        handed_over: &AtomicBool,
    ) -> Result<String, Failure> {
        // A strange server may repeat the password at any time.
        let masked = |reply: &str| smtp_replies::without_secrets(reply, self.server.credentials.as_ref());
        let outcome = self.hand_over(seat, latest, mail, following, handed_over).await;
        outcome
            .map(|reply| masked(&reply))
            .map_err(|failure| Failure { error: failure.error.map_reply(masked), ..failure })
    }

    async fn hand_over(
        &self,
        seat: Seat,
        latest: Instant,
        mail: &Composed,
        following: Option<&Composed>,
        handed_over: &AtomicBool,
    ) -> Result<String, Failure> {
        let Seat { permit, mut speaker } = seat;
        let is_deaf = lock(&self.silent_at).is_some_and(|at| at.elapsed() < DEAF_FOR);
        let following = following.filter(|_| !is_deaf);
        let mut unanswered = Unanswered { silent_at: &self.silent_at, handed_over, answered: speaker.is_none() };
        let mut may_be_kept = true;
        loop {
            let before = match speaker.take() {
                Some(speaker) => Some(speaker),
                None if may_be_kept => self.take_kept().await,
                None => None,
            };
            let is_new = before.is_none();
            let speaker = match before {
                Some(speaker) => speaker,
                None => match self.connect().await {
                    Ok(speaker) if Instant::now() > latest => {
                        self.keep(KeptLine::new(speaker, false), permit);
                        return Err(smtp_replies::late_line(&self.place()));
                    }
                    Ok(speaker) => speaker,
                    Err(failure) => return Err(self.refused(failure, permit)),
                },
            };
            let (line, outcome) = self.say(speaker, mail, following, handed_over).await;
            unanswered.answered = true;
            if let Some(line) = line {
                self.keep(line, permit);
                return outcome;
            }
            match outcome {
                // The server had hung up meanwhile: nothing is lost, as nothing was handed over.
                // Other lines of before may go the same way, and would be wasted.
                Err(failure) if failure.of_line && !is_new && !handed_over.load(Ordering::Relaxed) => {
                    may_be_kept = false;
                }
                outcome => return outcome,
            }
        }
    }

    /// A line of before that still works, as far as can be known.
    async fn take_kept(&self) -> Option<Speaker> {
        loop {
            let mut line = self.kept().pop()?;
            if line.since.elapsed() > KEPT_FOR {
                continue;
            }
            if !line.to_reset || line.speaker.connection.command(Rset).await.is_ok() {
                return Some(line.speaker);
            }
        }
    }

    async fn connect(&self) -> Result<Speaker, Failure> {
        let place = self.place();
        let refused = |step| {
            let place = &place;
            move |error: SmtpError| smtp_replies::not_connected(place, step, &error, self.server.credentials.as_ref())
        };
        let _first = self.lines.may_open().await;
        let address = (self.server.host.as_str(), self.server.port);
        let tcp = TcpStream::connect(address).await;
        let line = tcp.and_then(|tcp| Line::new(tcp, self.server.encryption == Encryption::StartTls));
        let answers = Answers::on(line.map_err(|error| smtp_replies::not_reached(&place, &error))?);
        let answers = match &self.encryptor {
            None => answers,
            Some(encryptor) if self.server.encryption == Encryption::Implicit => {
                self.encrypt(&answers, encryptor, Step::Connect).await?;
                answers
            }
            Some(encryptor) => {
                let plain = AsyncSmtpConnection::connect_with_transport(Box::new(answers.again()), &self.hello).await;
                let mut plain = plain.map_err(refused(Step::Connect))?;
                if !plain.can_starttls() {
                    return Err(smtp_replies::no_encryption(&place));
                }
                plain.command(Starttls).await.map_err(refused(Step::Encrypt))?;
                self.encrypt(&answers, encryptor, Step::Encrypt).await?;
                answers.greeted()
            }
        };
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(answers), &self.hello)
            .await
            .map_err(refused(Step::Connect))?;
        if let Some((name, password)) = &self.server.credentials {
            let credentials = Credentials::new(name.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(refused(Step::Authenticate))?;
        }
        Speaker::new(connection, &self.hello, self.lines.opened()).await.map_err(refused(Step::Connect))
    }

    async fn encrypt(&self, answers: &Answers, encryptor: &Encryptor, step: Step) -> Result<(), Failure> {
        let encrypted = answers.encrypt(encryptor).await;
        encrypted.map_err(|error| smtp_replies::not_encrypted(&self.place(), step, &error))
    }

    /// What becomes of a mail for which there was no line: no attempt, where the server takes no more lines than are open.
    fn refused(&self, failure: Failure, permit: OwnedSemaphorePermit) -> Failure {
        let lines = match &failure {
            Failure { throttle: Some(_), .. } => self.lines.refused(permit),
            Failure { of_line: true, .. } => self.lines.closed(permit),
            _ => None,
        };
        let Some(lines) = lines else { return failure };
        let error = MaskedText(failure.error.reply());
        tracing::info!(server = self.place(), lines, %error, "a mail server takes no more lines: going on with those it has");
        smtp_replies::no_more_lines(&self.place(), failure.error.reply())
    }

    /// Says one mail on a line, and gives the line back if it is good for another.
    async fn say(
        &self,
        mut speaker: Speaker,
        mail: &Composed,
        following: Option<&Composed>,
        handed_over: &AtomicBool,
    ) -> (Option<KeptLine>, Result<String, Failure>) {
        let said = speaker.say(mail, following, handed_over).await;
        let line = |to_reset| Some(KeptLine::new(speaker, to_reset));
        match said {
            Ok(response) => {
                self.lines.worked();
                (line(false), Ok(smtp_replies::accepted(&response)))
            }
            Err(Stop::NeedsSmtpUtf8) => (line(false), Err(smtp_replies::needs_smtputf8())),
            Err(Stop::Refused(step, error)) => {
                let failure = smtp_replies::stopped(&self.place(), step, &error);
                (if failure.of_server { None } else { line(true) }, Err(failure))
            }
            Err(Stop::Broken(step, error)) => (None, Err(smtp_replies::stopped(&self.place(), step, &error))),
            Err(Stop::OutOfStep(step, response)) => {
                (None, Err(smtp_replies::out_of_step(&self.place(), step, &response)))
            }
        }
    }

    /// Keeps a line for whoever comes next, or with its place for the mail that is announced on it.
    fn keep(&self, line: KeptLine, permit: OwnedSemaphorePermit) {
        match line.speaker.announced() {
            Some(mail) => drop(self.announced().insert(mail, Seat { permit, speaker: Some(line.speaker) })),
            None => self.kept().push(line),
        }
    }

    fn announced(&self) -> MutexGuard<'_, BTreeMap<Id, Seat>> {
        lock(&self.announced)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<KeptLine>> {
        lock(&self.kept)
    }

    /// Connects, encrypts and authenticates as for a mail, and says goodbye.
    pub(super) async fn test(&self) -> Result<(), Failure> {
        self.connect().await?.connection.abort().await;
        Ok(())
    }

    /// Says goodbye on every line that is not in use.
    pub(super) async fn close(&self) {
        let lines = std::mem::take(&mut *self.kept());
        futures::future::join_all(lines.into_iter().map(|mut line| async move {
            line.speaker.connection.abort().await;
        }))
        .await;
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        self.server.place()
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Relay {
    /// Where mail goes, without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server.encryption {
            Encryption::Implicit => write!(f, "smtps://{}", self.place()),
            Encryption::StartTls => write!(f, "smtp://{} (STARTTLS required)", self.place()),
            Encryption::Plain => write!(f, "smtp://{} (on this machine, not encrypted)", self.place()),
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("server", &self.server).finish_non_exhaustive()
    }
}
