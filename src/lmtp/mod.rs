//! Bounces by LMTP (RFC 2033), on a Unix socket: the mail server hands over what came to the mailbox of return paths, and
//! keeps what could not be recorded.

mod dialogue;
mod transaction;

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;
use tokio::task::JoinSet;

use crate::mail::return_path::ReturnPath;
use crate::tasks::Services;

/// How many mail servers may speak at the same time.
const CONNECTIONS_MOST: usize = 32;

/// How long conversations may take to end, when it is time to.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no more connections to give.
const PAUSE: Duration = Duration::from_secs(1);

/// Why nobody can be listened to.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("bounces.lmtp_socket: another program listens on {}: stop it, or choose another path", .0.display())]
    Taken(PathBuf),
    /// Something else is there.
    #[error("bounces.lmtp_socket: {} is there and is no socket: remove it, or choose another path", .0.display())]
    NoSocket(PathBuf),
    /// The socket cannot be made.
    #[error("bounces.lmtp_socket: cannot listen on {}: {source}", .path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A socket that is listened on, and goes with what listens on it.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens on `path`, which its owner and group may write to. What a daemon has left there that did not end in order is
/// removed.
///
/// # Errors
/// [`BindError`], which names the setting.
pub fn bind(path: &Path) -> Result<Listener, BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
        Ok(there) if !there.file_type().is_socket() => return Err(BindError::NoSocket(path.to_owned())),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(BindError::Taken(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(refused)?;
            }
            Err(error) => return Err(refused(error)),
        },
    }
    let listener = Listener { listener: UnixListener::bind(path).map_err(refused)?, path: path.to_owned() };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(refused)?;
    Ok(listener)
}

/// Listens to mail servers until it is time to end, and lets those finish who have handed over a mail.
pub async fn serve(listener: Listener, services: Arc<Services>, return_path: ReturnPath) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = services.shutdown.requested() => break,
            accepted = listener.listener.accept() => accepted,
        };
        while conversations.try_join_next().is_some() {}
        match accepted {
            Ok((mut stream, _)) if conversations.len() >= CONNECTIONS_MOST => {
                let _ = stream.write_all(b"421 4.3.2 Too many connections\r\n").await;
            }
            Ok((stream, _)) => {
                conversations.spawn(dialogue::hold(stream, Arc::clone(&services), return_path.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a mail server could not be answered on bounces.lmtp_socket");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let _ = tokio::time::timeout(GRACE, async { while conversations.join_next().await.is_some() {} }).await;
}
