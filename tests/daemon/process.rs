//! A process of the program: what it writes is kept, and none outlives its test.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long anything may take before the test fails. Nothing here takes longer than some seconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much of what a process wrote is shown where its test fails.
const LAST_LINES: usize = 30;

/// How often `eventually` looks.
const LOOKS: Duration = Duration::from_millis(25);

/// Waits until `look` gives something, and fails after a minute. It looks again and again, instead of sleeping for as
/// long as something is thought to take.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut interval = tokio::time::interval(LOOKS);
        loop {
            interval.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("it did not happen: {what}"))
}

/// What a process has come to.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A running process of the program.
pub struct Process {
    child: Child,
    stdout: Written,
    stderr: Written,
}

/// What a process has written so far, and who reads it.
struct Written {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = Written::of(child.stdout.take().unwrap());
        let stderr = Written::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until it has written this to standard error.
    pub async fn says(&self, text: &str) {
        eventually(text, async || self.stderr().contains(text).then_some(())).await;
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.id())).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it, if it has not ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // SIGKILL
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let status = eventually("the process ends", async || self.child.try_wait().unwrap()).await;
        let ended = Ended { code: status.code(), stdout: self.stdout.whole(), stderr: self.stderr.whole() };
        assert_secrets_kept(&ended.stderr);
        ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let written = self.stderr.so_far();
        if std::thread::panicking() {
            let last: Vec<_> = written.lines().rev().take(LAST_LINES).collect();
            eprintln!("what the process wrote last, the latest first:\n{}", last.join("\n"));
        } else {
            assert_secrets_kept(&written);
        }
    }
}

impl Written {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// What was written until the end of the process.
    fn whole(&mut self) -> String {
        self.reader.take().map_or(Ok(()), std::thread::JoinHandle::join).unwrap();
        self.so_far()
    }
}

/// No log line and no message may hold a person's address, or a password (they are all made of `hush` here).
fn assert_secrets_kept(written: &str) {
    for line in written.lines() {
        let shows_address = line
            .match_indices("@example.com")
            .any(|(at, _)| line[..at].trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("user"));
        assert!(!shows_address, "an address is shown: {line}");
        assert!(!line.contains("hush"), "a password is shown: {line}");
        // As SMTP's AUTH PLAIN and LOGIN would carry it.
        assert!(!line.contains("aHVza") && !line.contains("h1c2"), "a password is shown: {line}");
    }
}
