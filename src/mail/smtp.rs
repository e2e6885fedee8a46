//! Mail to a server by SMTP (RFC 5321), or to the first of several that works.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::compose::Composed;
use super::relay::Relay;
use super::relay_health::RelayHealth;
use super::smtp_replies::{self, Failure};
use super::transport::{About, SendError, shorten, shorten_to};
use crate::config::smtp::{MailServer, SmtpSettings};

/// Mail servers: each mail is handed to the first of them that works.
#[derive(Debug)]
pub struct SmtpTransport {
    relays: Vec<(Relay, RelayHealth)>,
    timeout: Duration,
    connections: usize,
    /// What the instants of the relays' health are counted from.
    began: Instant,
    /// When, while all are avoided, one was last asked all the same.
    asked_anyway: Mutex<Option<Duration>>,
    /// Whether the daemon ends, so that no mail waits for a turn any more.
    ending: watch::Sender<bool>,
}

/// How often a mail server is asked though all are avoided.
const ANYWAY_EVERY: Duration = Duration::from_secs(1);

/// A mail that one mail server did not take.
enum Unsent {
    /// Another may.
    Elsewhere(SendError),
    /// No other is to be asked: it was refused for what it is, or may have been taken.
    Everywhere(SendError),
}

impl SmtpTransport {
    /// Prepares to speak with `servers`, the preferred one first. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with `smtp.ca_file`, or that TLS cannot be set up.
    pub fn new(servers: Vec<MailServer>, settings: &SmtpSettings) -> Result<Self, String> {
        let connections = usize::try_from(settings.max_connections.max(1)).unwrap_or(1);
        let relay = |server| Ok((Relay::new(server, settings, connections)?, RelayHealth::default()));
        Ok(Self {
            relays: servers.into_iter().map(relay).collect::<Result<_, String>>()?,
            timeout: settings.timeout.to_std().unwrap_or_default(),
            connections,
            began: Instant::now(),
            asked_anyway: Mutex::default(),
            ending: watch::Sender::new(false),
        })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.relays.iter().all(|(relay, _)| relay.is_loopback())
    }

    /// From now on no mail waits for a turn: the daemon ends.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    pub(super) fn max_concurrent(&self) -> usize {
        self.connections
    }

    /// Hands one mail over. The time-out covers everything, from the wait for a turn and a line to the answer of the last
    /// server that is asked. The mail that is sent next on the same line is announced on it where that saves time; whoever
    /// names it sends it next or [forgets](Self::forget) it.
    pub(super) async fn send(&self, mail: &Composed, following: Option<&Composed>) -> Result<String, SendError> {
        let outcome = self.send_by_any(mail, following).await;
        // Another server may have been asked than the one at which it was announced.
        self.forget(mail);
        outcome
    }

    /// How long a mail has to wait for its domain, if it has to with every server.
    pub(super) fn put_off(&self, mail: &Composed) -> Option<Duration> {
        let now = self.began.elapsed();
        let waits: Option<Vec<_>> = self.relays.iter().map(|(_, health)| health.put_off(mail, now)).collect();
        waits?.into_iter().min()
    }

    /// Does without the line on which this mail was announced.
    pub(super) fn forget(&self, mail: &Composed) {
        for (relay, _) in &self.relays {
            drop(relay.announced_seat(mail.mail_id));
        }
    }

    async fn send_by_any(&self, mail: &Composed, following: Option<&Composed>) -> Result<String, SendError> {
        let deadline = Instant::now() + self.timeout;
        let (mut left, mut replies, mut about) = (Vec::new(), Vec::new(), None);
        for (place, (relay, health)) in self.relays.iter().enumerate() {
            // First, so that a mail that is not sent takes nobody's try at a server that is avoided.
            match health.turn_of_domain(mail, self.began.elapsed()) {
                None => left.push(place),
                Some(wait) => {
                    let error = smtp_replies::put_off(&relay.place(), wait);
                    about = about.max(Some(error.about()));
                    replies.push(error.reply().to_owned());
                }
            }
        }
        let mut is_asked = false;
        while let Some(place) = self.next(&left, is_asked) {
            is_asked = true;
            left.retain(|other| *other != place);
            match self.send_by(place, mail, following, deadline).await {
                Ok(reply) => return Ok(self.with_place(place, &reply)),
                Err(Unsent::Everywhere(error)) => return Err(error.map_reply(|reply| self.with_place(place, reply))),
                Err(Unsent::Elsewhere(error)) => {
                    about = about.max(Some(error.about()));
                    replies.push(error.reply().to_owned());
                }
            }
        }
        if replies.is_empty() {
            replies.push(format!("not sent: nothing works of {}", self.places()));
        }
        let reply = shorten(&replies.join("; "));
        Err(SendError::Transient { reply, about: about.unwrap_or(About::NoTurn), maybe_received: false })
    }

    /// The server to ask next, of those that are `left`: the first that is not avoided. Where all are and none `is_asked`, one
    /// mail each [`ANYWAY_EVERY`] asks the one whose time comes first, so that mail hardly waits for it, and a campaign does
    /// not knock a thousand times a second.
    fn next(&self, left: &[usize], is_asked: bool) -> Option<usize> {
        let now = self.began.elapsed();
        let mut of_left = left.iter().copied();
        of_left.find(|place| self.relays[*place].1.admits(now)).or_else(|| {
            let soonest = left.iter().copied().min_by_key(|place| self.relays[*place].1.avoided_until());
            soonest.filter(|_| !is_asked && self.may_ask_anyway(now))
        })
    }

    fn may_ask_anyway(&self, now: Duration) -> bool {
        let mut last = self.asked_anyway.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| now.saturating_sub(last) >= ANYWAY_EVERY);
        if may {
            *last = Some(now);
        }
        may
    }

    fn places(&self) -> String {
        self.relays.iter().map(|(relay, _)| relay.place()).collect::<Vec<_>>().join(", ")
    }

    /// Hands one mail to one server. Up to the mail itself, one of several has a part of the time only.
    async fn send_by(
        &self,
        place: usize,
        mail: &Composed,
        following: Option<&Composed>,
        deadline: Instant,
    ) -> Result<String, Unsent> {
        let (relay, health) = &self.relays[place];
        let asked = Instant::now();
        let is_last = place + 1 == self.relays.len();
        let part = self.timeout / u32::try_from(self.relays.len()).unwrap_or(1);
        let share = if is_last { deadline } else { deadline.min(asked + part) };
        let no_turn = || Unsent::Elsewhere(smtp_replies::no_turn(&relay.place()));
        let no_line = || Unsent::Elsewhere(smtp_replies::no_line(&relay.place()));

        // Who waits for longer goes without: a mail that is handed over too late for its answer may have to be repeated.
        let latest = asked + share.saturating_duration_since(asked) / 2;
        let mut ending = self.ending.subscribe();
        loop {
            let now = self.began.elapsed();
            let turn = health.turn(now, latest - self.began).ok_or_else(no_turn)?;
            tokio::select! {
                () = sleep_until(self.began + turn) => {}
                _ = ending.wait_for(|ending| *ending) => return Err(no_turn()),
            }
            if health.stands(now) {
                break;
            }
        }
        // Who wants one mail after the other is not told of the next.
        let following = following.filter(|following| health.is_unhurried(following));
        let begun = self.began.elapsed();
        let handed_over = AtomicBool::new(false);
        let outcome = loop {
            let seat = match relay.announced_seat(mail.mail_id) {
                Some(seat) => Some(seat),
                None => timeout_at(latest, relay.seat()).await.ok().flatten(),
            };
            let seat = seat.ok_or_else(no_line)?;
            let sending = Box::pin(relay.send(seat, latest, mail, following, &handed_over));
            let outcome = in_time(sending, share, deadline, &handed_over).await.unwrap_or_else(|| {
                let within = Instant::now().saturating_duration_since(asked);
                Err(smtp_replies::silent(&relay.place(), within, handed_over.load(Ordering::Relaxed)))
            });
            // A mail for which there was no further line waits for one of those that there are, if no other server takes it.
            if !(is_last && outcome.as_ref().is_err_and(Failure::is_no_line) && Instant::now() < latest) {
                break outcome;
            }
        };
        health.note(&relay.place(), mail, begun, self.began.elapsed(), outcome.as_ref());
        RelayHealth::gauge(self.relays.iter().map(|(_, health)| health));
        outcome.map_err(|failure| {
            if failure.is_no_line() || failure.of_server && !handed_over.load(Ordering::Relaxed) {
                Unsent::Elsewhere(failure.error)
            } else {
                Unsent::Everywhere(failure.error)
            }
        })
    }

    /// A reply as it is stored: where there are several servers, it ends with which of them gave it.
    fn with_place(&self, place: usize, reply: &str) -> String {
        let place = self.relays[place].0.place();
        if self.relays.len() == 1 || reply.contains(&place) {
            return reply.to_owned();
        }
        let giver = format!(" ({place})");
        shorten_to(500_usize.saturating_sub(giver.chars().count()), reply) + &giver
    }

    /// Connects to each server, encrypts and authenticates as for a mail, and says goodbye.
    pub(super) async fn test(&self) -> Result<(), String> {
        let tests = self.relays.iter().map(|(relay, _)| async move {
            match timeout(self.timeout, relay.test()).await {
                Ok(outcome) => outcome.map_err(|failure| format!("smtp.url: {}", failure.error.reply())),
                Err(_) => Err(format!(
                    "smtp.url: no answer from {} within {} s: is it reachable from here, on this port?",
                    relay.place(),
                    self.timeout.as_secs_f32()
                )),
            }
        });
        let problems: Vec<String> = join_all(tests).await.into_iter().filter_map(Result::err).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
    }

    /// Says goodbye on every line that is not in use.
    pub(super) async fn close(&self) {
        let goodbyes = join_all(self.relays.iter().map(|(relay, _)| relay.close()));
        // Who does not answer to a goodbye is left without one.
        let _ = timeout(self.timeout.min(Duration::from_secs(2)), goodbyes).await;
    }
}

/// What `sending` comes to until `share`, or until `deadline` once the mail was handed over; none: time ran out.
///
/// A line that is given up here is dropped with the attempt, and so is never used again.
async fn in_time<T>(
    mut sending: impl Future<Output = T> + Unpin,
    share: Instant,
    deadline: Instant,
    handed_over: &AtomicBool,
) -> Option<T> {
    match timeout_at(share, &mut sending).await {
        Ok(outcome) => Some(outcome),
        Err(_) if handed_over.load(Ordering::Relaxed) => timeout_at(deadline, sending).await.ok(),
        Err(_) => None,
    }
}

impl fmt::Display for SmtpTransport {
    /// Where mail goes, without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (relay, _)) in self.relays.iter().enumerate() {
            if place > 0 {
                f.write_str(", else ")?;
            }
            relay.fmt(f)?;
        }
        Ok(())
    }
}
