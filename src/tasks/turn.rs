//! When a mail that `deliver` has claimed may be sent: the limits of `[smtp]`, and the end of its claim.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use super::Services;
use crate::domain::time::Timestamp;
use crate::mail::compose::Composed;
use crate::mail::limits::Turn;

/// Whether a mail server would not take a mail that was offered in its turn: those behind it are given back, and the
/// next tick asks again.
#[derive(Debug, Default)]
pub(super) struct TurnedAway(AtomicBool);

impl TurnedAway {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A mail that is given back rather than sent.
#[derive(Debug)]
pub(super) struct NotBegun {
    /// When it may be claimed again; none: at once.
    pub(super) next_attempt_at: Option<Timestamp>,
    /// Why.
    pub(super) reply: &'static str,
}

impl NotBegun {
    const AS_BEFORE: Self = Self { next_attempt_at: None, reply: "not begun" };

    fn for_now(services: &Services, wait: Duration, reply: &'static str) -> Self {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        Self { next_attempt_at: Some(services.clock.now().plus(wait)), reply }
    }
}

/// Whether a mail may begin: there is time left to send it before its claim lapses, it is not time to end, and none before it
/// was turned away.
pub(super) fn may_begin(services: &Services, until: Timestamp, turned_away: &TurnedAway) -> Result<(), NotBegun> {
    if turned_away.is_noted() {
        return Err(NotBegun::AS_BEFORE);
    }
    in_time(services, until)
}

fn in_time(services: &Services, until: Timestamp) -> Result<(), NotBegun> {
    if services.shutdown.is_requested() || services.clock.now().plus(services.limits.send_timeout) > until {
        return Err(NotBegun::AS_BEFORE);
    }
    Ok(())
}

/// Waits until the mail may go. Where only its domain has to wait, it is given back with a place of its own in the queue, so
/// that it holds up no other, and is not counted.
pub(super) async fn turn(services: &Services, mail: &Composed, until: Timestamp) -> Result<(), NotBegun> {
    if let Some(wait) = services.mailer.transport().put_off(mail) {
        return Err(NotBegun::for_now(services, wait, "not begun: a mail server takes less mail for this domain"));
    }
    let limits = services.mailer.limits();
    let at_domain = || limits.turn_at_domain(mail);
    counted(services, until, at_domain, "not begun: enough mail for this domain (smtp.max_per_minute_per_domain)")
        .await?;
    counted(services, until, || limits.turn(), "not begun: enough mail for now (smtp.max_per_minute)").await
}

async fn counted(
    services: &Services,
    until: Timestamp,
    turn: impl Fn() -> Turn,
    reply: &'static str,
) -> Result<(), NotBegun> {
    loop {
        match turn() {
            Turn::Now => return Ok(()),
            Turn::Later(wait) => {
                return Err(NotBegun::for_now(services, wait, reply));
            }
            Turn::Soon(wait) => {
                let room = until.utc() - services.clock.now().plus(services.limits.send_timeout).utc();
                let wait = wait.min(room.to_std().unwrap_or(Duration::ZERO));
                let _ = tokio::time::timeout(wait, services.shutdown.requested()).await;
                in_time(services, until)?;
            }
        }
    }
}
