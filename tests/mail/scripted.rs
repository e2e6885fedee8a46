//! A mail server that says what a test has it say.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mfa_enforcer::mail::transport::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::smtp_settings;

/// Mail to servers of this machine.
pub fn to(ports: &[u16], changes: &str) -> Transport {
    let urls: Vec<_> = ports.iter().map(|port| format!("smtp://127.0.0.1:{port}")).collect();
    Transport::from_settings(&smtp_settings(&format!("url = '{}'\n{changes}", urls.join(" ")))).unwrap()
}

/// The reply says that the server at this port took a mail.
pub fn assert_taken_by(port: u16, reply: &str) {
    assert!(reply.starts_with("250 ") && reply.ends_with(&format!(" (127.0.0.1:{port})")), "{reply}");
}

/// Time moves on, and nobody has waited.
pub async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// The answer that comes when the test says so, and is then the usual one.
pub const WAITS: &str = "waits";

/// A mail server that answers to a command as it is told to, each line once, and to all else kindly.
#[derive(Clone)]
pub struct Scripted {
    pub port: u16,
    script: Arc<Mutex<Script>>,
    going_on: Arc<Notify>,
}

#[derive(Default)]
struct Script {
    /// What is answered to which command; the greeting is the command `connect`.
    answers: VecDeque<(&'static str, &'static str)>,
    /// Every command, in order.
    heard: Vec<String>,
    /// How often there was more to read behind a command.
    pipelined: usize,
}

impl Scripted {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server =
            Self { port: listener.local_addr().unwrap().port(), script: Arc::default(), going_on: Arc::default() };
        let at_work = server.clone();
        tokio::spawn(async move {
            loop {
                let (line, _) = listener.accept().await.unwrap();
                let server = at_work.clone();
                tokio::spawn(async move { server.serve(line).await });
            }
        });
        server
    }

    /// Answers so the next time. An empty answer: hangs up; three dots: says nothing more.
    pub fn answer(&self, command: &'static str, answer: &'static str) {
        self.script.lock().unwrap().answers.push_back((command, answer));
    }

    /// Says of itself that it takes several commands at once, on its next line: it is asked twice.
    pub fn pipelines(&self) {
        for _ in 0..2 {
            self.answer("ehlo", "250-here\r\n250 PIPELINING");
        }
    }

    /// How often a command was heard with more behind it.
    pub fn pipelined(&self) -> usize {
        self.script.lock().unwrap().pipelined
    }

    /// Waits until a command was heard this often.
    pub async fn hears(&self, command: &str, times: usize) {
        while self.heard(command) < times {
            tokio::task::yield_now().await;
        }
    }

    /// Gives an answer that [`WAITS`].
    pub fn goes_on(&self) {
        self.going_on.notify_one();
    }

    /// How often a command was heard.
    pub fn heard(&self, command: &str) -> usize {
        self.script.lock().unwrap().heard.iter().filter(|heard| *heard == command).count()
    }

    fn next(&self, command: &str, usual: &'static str) -> &'static str {
        let mut script = self.script.lock().unwrap();
        script.heard.push(command.to_owned());
        if script.answers.front().is_some_and(|(scripted, _)| *scripted == command) {
            return script.answers.pop_front().unwrap().1;
        }
        usual
    }

    async fn serve(&self, line: TcpStream) {
        line.set_nodelay(true).unwrap();
        let (read, mut write) = line.into_split();
        let mut read = BufReader::new(read);
        let (mut command, mut usual) = ("connect".to_owned(), "220 here");
        loop {
            let answer = self.next(&command, usual);
            if answer == "..." {
                std::future::pending::<()>().await;
            }
            let answer = if answer == WAITS {
                self.going_on.notified().await;
                usual
            } else {
                answer
            };
            if answer.is_empty() || write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
            let mut text = String::new();
            let in_mail = command == "data" && answer.starts_with('3');
            loop {
                text.clear();
                if read.read_line(&mut text).await.unwrap_or(0) == 0 {
                    return;
                }
                if !in_mail || text == ".\r\n" {
                    break;
                }
            }
            if !read.buffer().is_empty() {
                self.script.lock().unwrap().pipelined += 1;
            }
            command = text[..text.len().min(4)].trim().to_lowercase();
            usual = if command == "data" { "354 go on" } else { "250 2.0.0 fine" };
        }
    }
}
