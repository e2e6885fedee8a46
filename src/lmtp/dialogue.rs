//! One conversation with a mail server: what comes over the line, and what is answered, in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::Error;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::transaction::{Step, Transaction};
use crate::mail::dsn::SIZE_MOST;
use crate::mail::return_path::ReturnPath;
use crate::tasks::Services;

/// How long a mail server may be silent (RFC 5321, 4.5.3.2.7).
const PATIENCE: Duration = Duration::from_mins(5);

/// How many lines may be none of LMTP's before that is enough.
const MISTAKES_MOST: usize = 20;

/// The mail that is coming in.
struct Incoming {
    receiver: DataReceiver,
    bytes: Vec<u8>,
    /// Reads on to its end where it is too large to be kept.
    beyond: Option<DummyDataReceiver>,
}

impl Incoming {
    fn new() -> Self {
        let mut receiver = DataReceiver::new();
        // The line end of DATA: a dot that follows at once ends an empty mail.
        receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
        Self { receiver, bytes: Vec::new(), beyond: None }
    }

    /// Takes what has come; true when it was the end.
    fn take(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> bool {
        if let Some(beyond) = &mut self.beyond {
            return beyond.ingest(bytes);
        }
        let ended = self.receiver.ingest(bytes, &mut self.bytes);
        if !ended && self.bytes.len() > SIZE_MOST {
            self.beyond = Some(DummyDataReceiver::new_data(&self.receiver));
            self.bytes = Vec::new();
        }
        ended
    }

    /// The mail; none where it was too large.
    fn whole(self) -> Option<Vec<u8>> {
        Some(self.bytes).filter(|_| self.beyond.is_none())
    }
}

/// Holds a conversation to its end. A line that breaks is no matter: whatever was not answered is handed over again.
pub(super) async fn hold(mut stream: UnixStream, services: Arc<Services>, return_path: ReturnPath) {
    if let Err(error) = converse(&mut stream, &services, return_path).await {
        tracing::debug!(%error, "a conversation on bounces.lmtp_socket broke off");
    }
}

async fn converse(stream: &mut UnixStream, services: &Services, return_path: ReturnPath) -> io::Result<()> {
    let mut transaction = Transaction::new(return_path);
    say(stream, transaction.greeting()).await?;
    let mut requests = RequestReceiver::default();
    let mut incoming: Option<Incoming> = None;
    let mut mistakes = 0;
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            () = services.shutdown.requested() => return say(stream, "421 4.3.2 Ending, come back later".to_owned()).await,
            read = timeout(PATIENCE, stream.read(&mut chunk)) => read,
        };
        let count = match read {
            Err(_) => return say(stream, "421 4.4.2 Nothing was said for too long".to_owned()).await,
            Ok(count) => count?,
        };
        if count == 0 {
            return Ok(());
        }
        let mut bytes = chunk[..count].iter();
        while !bytes.as_slice().is_empty() {
            if let Some(mail) = &mut incoming {
                if mail.take(&mut bytes) {
                    let mail = incoming.take().and_then(Incoming::whole);
                    say(stream, transaction.deliver(mail, services).await).await?;
                }
                continue;
            }
            let step = match requests.ingest(&mut bytes) {
                Ok(request) => transaction.answer(request),
                Err(Error::NeedsMoreData { .. }) => break,
                Err(Error::ResponseTooLong) => {
                    return say(stream, "421 5.5.2 That line is too long".to_owned()).await;
                }
                Err(error) => Step::Say(refusal(&error)),
            };
            match step {
                Step::Say(reply) => {
                    mistakes += usize::from(reply.starts_with("50"));
                    say(stream, reply).await?;
                }
                Step::TakeMail(reply) => {
                    incoming = Some(Incoming::new());
                    say(stream, reply).await?;
                }
                Step::End(reply) => return say(stream, reply).await,
            }
            if mistakes >= MISTAKES_MOST {
                return say(stream, "421 4.7.0 That were too many mistakes".to_owned()).await;
            }
        }
    }
}

/// What is said to a line that is none of LMTP's.
fn refusal(error: &Error) -> String {
    match error {
        Error::InvalidSenderAddress => "501 5.1.7 That is no address".to_owned(),
        Error::InvalidRecipientAddress => "501 5.1.3 That is no address".to_owned(),
        Error::SyntaxError { syntax } => format!("501 5.5.4 Say: {syntax}"),
        Error::InvalidParameter { .. } | Error::UnsupportedParameter { .. } => {
            "501 5.5.4 There is no such parameter".to_owned()
        }
        _ => "500 5.5.1 There is no such command".to_owned(),
    }
}

async fn say(stream: &mut UnixStream, reply: String) -> io::Result<()> {
    timeout(PATIENCE, stream.write_all(format!("{reply}\r\n").as_bytes())).await?
}
