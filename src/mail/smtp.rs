//! Mail to a server by SMTP (RFC 5321), over lines that are kept and used again.
//!
//! lettre speaks the protocol; the lines are kept here, because its own pool takes back a line whose send was given up
//! half-way, and then reads old answers for new ones.

use std::error::Error as _;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::compose::Composed;
use super::line::Line;
use super::smtp_replies::{self, Step};
use super::transport::SendError;
use crate::config::smtp::{Encryption, MailServer, SmtpSettings};

/// How long a line is kept without use. Servers hang up after five minutes (RFC 5321, 4.5.3.2), many much sooner.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// A mail server.
pub struct SmtpTransport {
    server: MailServer,
    tls: Option<TlsParameters>,
    hello: ClientId,
    timeout: Duration,
    connections: usize,
    permits: Semaphore,
    kept: Mutex<Vec<KeptLine>>,
}

struct KeptLine {
    connection: AsyncSmtpConnection,
    since: Instant,
    /// Whether the last mail on it was refused, so that the server must be told to forget it.
    to_reset: bool,
}

impl SmtpTransport {
    /// Prepares to speak with `server`. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with `smtp.ca_file`, or that TLS cannot be set up.
    pub fn new(server: MailServer, settings: &SmtpSettings) -> Result<Self, String> {
        let tls = match server.encryption {
            Encryption::Plain => None,
            Encryption::Implicit | Encryption::StartTls => Some(tls_parameters(&server, settings)?),
        };
        let connections = usize::try_from(settings.max_connections.max(1)).unwrap_or(1);
        Ok(Self {
            server,
            tls,
            hello: settings.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain),
            timeout: settings.timeout.to_std().unwrap_or_default(),
            connections,
            permits: Semaphore::new(connections),
            kept: Mutex::default(),
        })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.server.is_loopback()
    }

    pub(super) fn max_concurrent(&self) -> usize {
        self.connections
    }

    /// Hands one mail over. The time-out covers everything, from the wait for a line to the server's answer.
    pub(super) async fn send(&self, mail: &Composed) -> Result<String, SendError> {
        let handed_over = AtomicBool::new(false);
        // A line that is given up here is dropped with the attempt, and so is never used again.
        timeout(self.timeout, self.attempt(mail, &handed_over)).await.unwrap_or_else(|_| {
            let reply = format!("no answer from {} within {} s", self.place(), self.timeout.as_secs_f32());
            Err(SendError::Transient { reply, maybe_received: handed_over.load(Ordering::Relaxed) })
        })
    }

    async fn attempt(&self, mail: &Composed, handed_over: &AtomicBool) -> Result<String, SendError> {
        let _permit = self.permits.acquire().await;
        while let Some(connection) = self.take_kept().await {
            match self.say(connection, mail, handed_over).await {
                // The server had hung up meanwhile: nothing is lost, as nothing was handed over.
                Err(Failure::LineBroken(_)) if !handed_over.load(Ordering::Relaxed) => {}
                outcome => return outcome.map_err(Failure::into_error),
            }
        }
        let connection = self.connect().await?;
        self.say(connection, mail, handed_over).await.map_err(Failure::into_error)
    }

    /// A line of before that still works, as far as can be known.
    async fn take_kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut line = self.kept().pop()?;
            if line.since.elapsed() > KEPT_FOR {
                continue;
            }
            if !line.to_reset || line.connection.command(Rset).await.is_ok() {
                return Some(line.connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let place = self.place();
        let failed =
            &|step, cause: &str| smtp_replies::not_connected(&place, step, cause, self.server.credentials.as_ref());
        let refused = |step| move |error: SmtpError| failed(step, &smtp_replies::cause(&error));
        let address = (self.server.host.as_str(), self.server.port);
        let mut connection = if self.server.encryption == Encryption::Implicit {
            AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, self.tls.clone(), None)
                .await
                .map_err(refused(Step::Connect))?
        } else {
            let tcp = TcpStream::connect(address).await;
            let line = tcp.and_then(|tcp| Line::new(tcp, self.tls.is_some()));
            let line = line.map_err(|error| failed(Step::Connect, &error.to_string()))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(line), &self.hello)
                .await
                .map_err(refused(Step::Connect))?
        };
        if let (Encryption::StartTls, Some(tls)) = (self.server.encryption, &self.tls) {
            connection.starttls(tls.clone(), &self.hello).await.map_err(refused(Step::Encrypt))?;
        }
        if let Some((name, password)) = &self.server.credentials {
            let credentials = Credentials::new(name.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(refused(Step::Authenticate))?;
        }
        Ok(connection)
    }

    /// Says one mail on a line, and keeps the line if it is good for another.
    async fn say(
        &self,
        mut connection: AsyncSmtpConnection,
        mail: &Composed,
        handed_over: &AtomicBool,
    ) -> Result<String, Failure> {
        match dialogue(&mut connection, mail, handed_over).await {
            Ok(response) => {
                self.keep(connection, false);
                Ok(smtp_replies::accepted(&response))
            }
            Err(Stop::NeedsSmtpUtf8) => {
                self.keep(connection, false);
                Err(Failure::Refused(SendError::Permanent {
                    reply: "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)".to_owned(),
                }))
            }
            Err(Stop::At(step, error)) => match error.status() {
                // 421: the server closes the line (RFC 5321, 3.8).
                Some(code) if u16::from(code) != 421 => {
                    self.keep(connection, true);
                    Err(Failure::Refused(smtp_replies::refused(step, code, &error)))
                }
                Some(code) => Err(Failure::LineBroken(smtp_replies::refused(step, code, &error))),
                None => Err(Failure::LineBroken(smtp_replies::broken(&self.place(), step, &error))),
            },
            Err(Stop::OutOfStep(step, response)) => {
                Err(Failure::LineBroken(smtp_replies::out_of_step(&self.place(), step, &response)))
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection, to_reset: bool) {
        self.kept().push(KeptLine { connection, since: Instant::now(), to_reset });
    }

    fn kept(&self) -> MutexGuard<'_, Vec<KeptLine>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, encrypts and authenticates as for a mail, and says goodbye.
    pub(super) async fn test(&self) -> Result<(), String> {
        let tried = async {
            let mut connection = self.connect().await?;
            let answered = connection.command(Noop).await;
            answered.map_err(|error| smtp_replies::broken(&self.place(), Step::Connect, &error))?;
            connection.abort().await;
            Ok(())
        };
        match timeout(self.timeout, tried).await {
            Ok(outcome) => outcome.map_err(|error: SendError| format!("smtp.url: {}", error.reply())),
            Err(_) => Err(format!(
                "smtp.url: no answer from {} within {} s: is it reachable from here, on this port?",
                self.place(),
                self.timeout.as_secs_f32()
            )),
        }
    }

    /// Says goodbye on every line that is not in use.
    pub(super) async fn close(&self) {
        let lines = std::mem::take(&mut *self.kept());
        let goodbyes = futures::future::join_all(lines.into_iter().map(|mut line| async move {
            line.connection.abort().await;
        }));
        // Who does not answer to a goodbye is left without one.
        let _ = timeout(self.timeout.min(Duration::from_secs(2)), goodbyes).await;
    }

    fn place(&self) -> String {
        let MailServer { host, port, .. } = &self.server;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Where a dialogue stopped.
enum Stop {
    /// The server has not said that it takes such an address, so that it was not asked to.
    NeedsSmtpUtf8,
    /// The server refused, or the line broke.
    At(Step, SmtpError),
    /// The server agreed to something else than what it was asked.
    OutOfStep(Step, Response),
}

/// Says one mail. `handed_over` is set before the mail itself goes out: from then on the server may have it.
async fn dialogue(
    connection: &mut AsyncSmtpConnection,
    mail: &Composed,
    handed_over: &AtomicBool,
) -> Result<Response, Stop> {
    let at = |step| move |error| Stop::At(step, error);
    let mut options = Vec::new();
    if mail.envelope.from().into_iter().chain(mail.envelope.to()).any(|address| !address.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Stop::NeedsSmtpUtf8);
        }
        // Whoever takes such addresses takes eight bits as well (RFC 6531, 3.1).
        options = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    }
    let sender = Mail::new(mail.envelope.from().cloned(), options);
    connection.command(sender).await.map_err(at(Step::Sender))?;
    for recipient in mail.envelope.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(at(Step::Recipient))?;
    }
    let go_ahead = connection.command(Data).await.map_err(at(Step::Announce))?;
    if !go_ahead.has_code(354) {
        return Err(Stop::OutOfStep(Step::Announce, go_ahead));
    }
    handed_over.store(true, Ordering::Relaxed);
    let answer = connection.command(Content(&mail.bytes)).await.map_err(at(Step::Content))?;
    if answer.code().severity == Severity::PositiveCompletion {
        Ok(answer)
    } else {
        Err(Stop::OutOfStep(Step::Content, answer))
    }
}

/// A mail and the dot that ends it, in one piece: written in two, the second waits for the receiver's delayed
/// acknowledgement of the first.
struct Content<'a>(&'a [u8]);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.0).map_err(|_| fmt::Error)?;
        // RFC 5321, 4.5.2: a line that begins with a dot gets another.
        for line in text.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
    }
}

/// Why a mail was not taken, and whether another line might help.
enum Failure {
    /// The server said so.
    Refused(SendError),
    /// The line is of no more use.
    LineBroken(SendError),
}

impl Failure {
    fn into_error(self) -> SendError {
        match self {
            Self::Refused(error) | Self::LineBroken(error) => error,
        }
    }
}

fn tls_parameters(server: &MailServer, settings: &SmtpSettings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(file) = &settings.ca_file {
        let wrong = |why: &dyn fmt::Display| {
            format!("smtp.ca_file = \"{}\" {why}: give a PEM file with certificates", file.display())
        };
        let pem = std::fs::read(file).map_err(|error| wrong(&format!("cannot be read ({error})")))?;
        if !pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
            return Err(wrong(&"holds no certificate"));
        }
        let authorities = Certificate::from_pem(&pem).map_err(|_| wrong(&"cannot be read as certificates"))?;
        builder = builder.add_root_certificate(authorities);
    }
    builder.build_rustls().map_err(|error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("TLS cannot be set up for the mail server: {why}")
    })
}

impl fmt::Display for SmtpTransport {
    /// Where mail goes, without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server.encryption {
            Encryption::Implicit => write!(f, "smtps://{}", self.place()),
            Encryption::StartTls => write!(f, "smtp://{} (STARTTLS required)", self.place()),
            Encryption::Plain => write!(f, "smtp://{} (on this machine, not encrypted)", self.place()),
        }
    }
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpTransport")
            .field("server", &self.server)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
