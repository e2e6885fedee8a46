//! A line to a server that a test leads elsewhere, or breaks in one of the ways in which lines and servers break.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::mail::servers::free_port;

/// How long a connection to a full queue is tried before the queue counts as full.
const UNANSWERED: Duration = Duration::from_millis(200);

/// What becomes of who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They get to the server on this port.
    To(u16),
    /// The connection is refused.
    Refused,
    /// Nobody answers: the packets are lost, as in a black hole.
    Unanswered,
    /// They are connected, and then nothing comes.
    Silent,
    /// They are connected, and get rubbish for an answer to all they say.
    Rubbish,
}

/// A port that leads where the test says. What is connected when that changes is cut off.
pub struct Switch {
    pub port: u16,
    way: watch::Sender<Way>,
    serving: JoinHandle<()>,
}

impl Switch {
    /// Leads this way.
    pub fn new(way: Way) -> Self {
        let port = free_port();
        let (sender, receiver) = watch::channel(way);
        Self { port, way: sender, serving: tokio::spawn(serve(port, receiver)) }
    }

    /// Leads this way from now on.
    pub fn lead(&self, way: Way) {
        self.way.send(way).unwrap();
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(port: u16, mut ways: watch::Receiver<Way>) {
    loop {
        let way = *ways.borrow_and_update();
        tokio::select! {
            () = go(port, way) => {}
            changed = ways.changed() => if changed.is_err() { return },
        }
    }
}

/// Goes this way until it is dropped, and with it all its connections.
async fn go(port: u16, way: Way) {
    match way {
        Way::Refused => {
            // Held, so that nobody else gets it, but not listened to.
            let _held = bound(port);
            std::future::pending::<()>().await;
        }
        Way::Unanswered => {
            let _full = bound(port).listen(1).unwrap();
            // Nobody takes these from the queue. Once it is full, further requests to connect are not answered.
            let mut queue = Vec::new();
            while let Ok(connected) =
                tokio::time::timeout(UNANSWERED, TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await
            {
                queue.push(connected);
            }
            std::future::pending::<()>().await;
        }
        Way::To(_) | Way::Silent | Way::Rubbish => {
            let listener = bound(port).listen(64).unwrap();
            let mut connections = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connections.spawn(lead(connection, way));
            }
        }
    }
}

fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    socket
}

async fn lead(mut connection: TcpStream, way: Way) {
    match way {
        Way::To(port) => {
            if let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                // Who hangs up is no concern of the line's.
                let _ = copy_bidirectional(&mut connection, &mut server).await;
            }
        }
        Way::Rubbish => {
            let mut heard = [0; 1024];
            while connection.write_all(b"\xff\x00 299-?\r\n\r\n").await.is_ok()
                && matches!(connection.read(&mut heard).await, Ok(1..))
            {}
        }
        Way::Refused | Way::Unanswered | Way::Silent => std::future::pending().await,
    }
}
