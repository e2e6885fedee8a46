//! A server's answers as lettre reads them: it takes a code alone (`250`, without words: RFC 5321, 4.2), words that are not
//! UTF-8, and lines that end with LF alone for no answer. Whoever hands a mail over and does not hear that it was taken would
//! hand it over again, and again.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Mutex;
use tokio_rustls::client::TlsStream;

use super::encryption::Encryptor;
use super::line::Line;

/// A line as it is now.
#[derive(Debug)]
enum Wire {
    Plain(Line),
    Encrypted(Box<TlsStream<Line>>),
    /// It could not be encrypted.
    Broken,
}

/// Both ways of a line.
trait BothWays: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> BothWays for T {}

impl Wire {
    fn poll<T>(&mut self, act: impl FnOnce(Pin<&mut dyn BothWays>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self {
            Self::Plain(line) => act(Pin::new(line)),
            Self::Encrypted(line) => act(Pin::new(line.as_mut())),
            Self::Broken => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

/// A line, encrypted or not, on which answers come in one form.
#[derive(Debug)]
pub(super) struct Answers {
    /// Shared, as lettre keeps what it is given: the line is encrypted below what has been said on it in plain.
    wire: Arc<Mutex<Wire>>,
    /// What has come of a line of an answer.
    begun: Vec<u8>,
    /// What is to be read.
    ready: Vec<u8>,
    /// How many lines have come since something was said.
    lines: usize,
}

/// How many lines an answer has at most: lettre reads all of them once more with each.
const MOST_LINES: usize = 500;

impl Answers {
    /// The answers on `line`.
    pub(super) fn on(line: Line) -> Self {
        Self::over(Arc::new(Mutex::new(Wire::Plain(line))))
    }

    fn over(wire: Arc<Mutex<Wire>>) -> Self {
        Self { wire, begun: Vec::new(), ready: Vec::new(), lines: 0 }
    }

    /// The same line once more: one of the two is read at a time.
    pub(super) fn again(&self) -> Self {
        Self::over(Arc::clone(&self.wire))
    }

    /// The line as one on which a server has just greeted: it greets nobody again once the line is encrypted (RFC 3207, 4.2).
    pub(super) fn greeted(self) -> Self {
        Self { ready: b"220 \r\n".to_vec(), ..self }
    }

    /// Encrypts the line.
    ///
    /// # Errors
    /// When it cannot be encrypted, or is already. Then it leads nowhere any more.
    pub(super) async fn encrypt(&self, encryptor: &Encryptor) -> io::Result<()> {
        let mut wire = self.wire.lock().await;
        let Wire::Plain(line) = std::mem::replace(&mut *wire, Wire::Broken) else {
            return Err(io::Error::other("the line is encrypted already, or broken"));
        };
        *wire = Wire::Encrypted(Box::new(encryptor.encrypt(line).await?));
        Ok(())
    }

    fn with_wire<T>(&self, act: impl FnOnce(&mut Wire) -> T) -> io::Result<T> {
        let mut wire = self.wire.try_lock().map_err(|_| io::Error::other("the line is being encrypted"))?;
        Ok(act(&mut wire))
    }

    /// Takes up what has come: whole lines are ready to be read.
    fn take_up(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.ready.extend_from_slice(in_one_form(&self.begun).as_bytes());
                self.begun.clear();
                self.lines += 1;
            }
        }
    }
}

/// A line of an answer: its code and a space or hyphen, words in UTF-8, CR and LF.
fn in_one_form(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    let is_code_alone = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    format!("{text}{}\r\n", if is_code_alone { " " } else { "" })
}

impl AsyncRead for Answers {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.lines > MOST_LINES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "an answer without end")));
        }
        while self.ready.is_empty() {
            let mut bytes = [0; 1024];
            let mut bytes = ReadBuf::new(&mut bytes);
            ready!(self.with_wire(|wire| wire.poll(|line| line.poll_read(cx, &mut bytes)))?)?;
            let bytes = bytes.filled();
            if bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.take_up(bytes);
        }
        let count = buf.remaining().min(self.ready.len());
        buf.put_slice(&self.ready[..count]);
        self.ready.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Answers {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.lines = 0;
        self.with_wire(|wire| wire.poll(|line| line.poll_write(cx, buf)))?
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_wire(|wire| wire.poll(|line| line.poll_flush(cx)))?
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_wire(|wire| wire.poll(|line| line.poll_shutdown(cx)))?
    }
}

impl AsyncTokioStream for Answers {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.with_wire(|wire| match wire {
            Wire::Plain(line) => line.peer_addr(),
            Wire::Encrypted(line) => line.get_ref().0.peer_addr(),
            Wire::Broken => Err(io::ErrorKind::NotConnected.into()),
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_comes_in_one_form() {
        for (sent, read) in [
            (&b"250 2.0.0 Ok\r\n"[..], "250 2.0.0 Ok\r\n"),
            (b"250\r\n", "250 \r\n"),
            (b"250-first\r\n250\r\n", "250-first\r\n250 \r\n"),
            (b"250 taken\n", "250 taken\r\n"),
            (b"250 re\xe7u\r\n", "250 re\u{fffd}u\r\n"),
            (b"rubbish\r\n", "rubbish\r\n"),
            (b"\r\n", "\r\n"),
        ] {
            let read_of =
                |line: &[u8]| line.split_inclusive(|byte| *byte == b'\n').map(in_one_form).collect::<String>();
            assert_eq!(read_of(sent), read);
        }
    }
}
