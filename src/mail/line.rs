//! The TCP line to a mail server, encrypted or not.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The first byte of every TLS handshake record (RFC 8446, 5.1); no SMTP command begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// A line that, where it is to be encrypted, never reads further than it must until it is.
///
/// What somebody in the middle slips in after the answer to STARTTLS must not pass for an answer of the server that came
/// encrypted, nor go unnoticed in a buffer. Read byte by byte, it goes into the handshake, which fails.
#[derive(Debug)]
pub(super) struct Line {
    tcp: TcpStream,
    /// Whether what comes next must be read byte by byte.
    guarded: bool,
    /// How many bytes have come since something was said.
    answered: usize,
}

/// The longest answer that is listened to: a hundred lines of the longest that there may be (RFC 5321, 4.5.3.1.5), and more.
/// Who goes on and on would fill the memory.
const LONGEST_ANSWER: usize = 128 * 1024;

impl Line {
    /// A line over `tcp`, on which small writes are not held back (that costs 40 ms a mail).
    pub(super) fn new(tcp: TcpStream, to_be_encrypted: bool) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, guarded: to_be_encrypted, answered: 0 })
    }

    /// Who is at the other end.
    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.answered > LONGEST_ANSWER {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "an answer without end")));
        }
        if !self.guarded || buf.remaining() <= 1 {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
            self.answered += buf.filled().len() - before;
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut one))?;
        buf.put_slice(one.filled());
        self.answered += one.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.answered = 0;
        self.guarded &= buf.first() != Some(&TLS_HANDSHAKE);
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
