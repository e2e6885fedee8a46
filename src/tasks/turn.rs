//! When a mail that `deliver` has claimed may be sent: the limits of `[smtp]`, and the end of its claim.

use std::time::Duration;

use chrono::TimeDelta;

use super::Services;
use crate::domain::time::Timestamp;
use crate::mail::compose::Composed;
use crate::mail::limits::Turn;

/// A mail that is given back rather than sent.
#[derive(Debug)]
pub(super) struct NotBegun {
    /// When it may be claimed again; none: at once.
    pub(super) next_attempt_at: Option<Timestamp>,
    /// Why.
    pub(super) reply: &'static str,
}

impl NotBegun {
    const OUT_OF_TIME: Self = Self { next_attempt_at: None, reply: "not begun" };
}

/// Whether there is no time left to send a mail before its claim lapses, or it is time to end.
pub(super) fn too_late(services: &Services, until: Timestamp) -> Result<(), NotBegun> {
    if services.shutdown.is_requested() || services.clock.now().plus(services.limits.send_timeout) > until {
        return Err(NotBegun::OUT_OF_TIME);
    }
    Ok(())
}

/// Waits until the mail may go. Where only its domain has to wait, it is given back with a place of its own in the queue, so
/// that it holds up no other.
pub(super) async fn turn(services: &Services, mail: &Composed, until: Timestamp) -> Result<(), NotBegun> {
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
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
                return Err(NotBegun { next_attempt_at: Some(services.clock.now().plus(wait)), reply });
            }
            Turn::Soon(wait) => {
                let room = until.utc() - services.clock.now().plus(services.limits.send_timeout).utc();
                let wait = wait.min(room.to_std().unwrap_or(Duration::ZERO));
                let _ = tokio::time::timeout(wait, services.shutdown.requested()).await;
                too_late(services, until)?;
            }
        }
    }
}
