//! Builds every part of the daemon, runs it, and ends it in order.

mod guard;
mod lock;
mod readiness;
mod service;
mod signals;
pub mod skew;

use std::pin::pin;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use guard::{FIRST_RUN_KEY, Guard, first_run_guard};
pub use lock::{DaemonLock, LockError};
pub use signals::Signals;

use crate::clock::{Clock, Randomness};
use crate::config::Config;
use crate::domain::audit::sha256_hex;
use crate::http::{self, BindError, BounceRoute, HttpState};
use crate::lmtp;
use crate::mail::limits::RateLimits;
use crate::mail::return_path::ReturnPath;
use crate::mail::transport::Transport;
use crate::mail::{Mailer, MailerError};
use crate::store::{Store, StoreError};
use crate::tasks::driver::{self, TickError};
use crate::tasks::{self, Intake, Limits, Services, Shutdown, ShutdownTrigger};
use crate::telemetry;

/// Why the daemon does not run.
#[derive(Debug, Error)]
pub enum AppError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No mail can be written.
    #[error(transparent)]
    Mailer(#[from] MailerError),
    /// No mail can be sent.
    #[error("{0}")]
    Transport(String),
    /// No bounce can be taken.
    #[error("{0}")]
    Bounces(String),
    /// Nothing can be served.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No mail server can be listened to.
    #[error(transparent)]
    Lmtp(#[from] lmtp::BindError),
    /// The metrics cannot be collected.
    #[error("the metrics cannot be collected: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// Nobody can end it in order.
    #[error("signals cannot be heard: {0}")]
    Signals(#[source] std::io::Error),
    /// Nothing wakes the tasks.
    #[error(transparent)]
    Tick(#[from] TickError),
}

/// Builds what the tasks work with: templates are loaded and rendered once, so that a wrong one stops the start.
///
/// # Errors
/// [`AppError`].
pub fn services(
    config: &Config,
    store: Arc<dyn Store>,
    clock: Clock,
    randomness: Randomness,
    shutdown: Shutdown,
) -> Result<Services, AppError> {
    let transport = Transport::from_settings(&config.smtp).map_err(AppError::Transport)?;
    let redirect = config.smtp.redirect().map_err(AppError::Transport)?;
    let limits = RateLimits::new(&config.smtp, &clock);
    let return_path = ReturnPath::from_settings(&config.bounces).map_err(AppError::Bounces)?;
    let intake = Intake::from_config(config).map_err(AppError::Bounces)?;
    let mailer = Mailer::new(&config.notices, transport)?;
    let mailer = mailer.redirected(redirect).with_return_path(return_path).limited(limits);
    Ok(Services { intake, ..services_mailing_by(mailer, config, store, clock, randomness, shutdown) })
}

/// The same where mail leaves by `transport`, whatever the settings say, without their limits, and none comes back.
///
/// # Errors
/// [`AppError`].
pub fn services_sending_by(
    transport: Transport,
    config: &Config,
    store: Arc<dyn Store>,
    clock: Clock,
    randomness: Randomness,
    shutdown: Shutdown,
) -> Result<Services, AppError> {
    let mailer = Mailer::new(&config.notices, transport)?;
    Ok(services_mailing_by(mailer, config, store, clock, randomness, shutdown))
}

fn services_mailing_by(
    mailer: Mailer,
    config: &Config,
    store: Arc<dyn Store>,
    clock: Clock,
    randomness: Randomness,
    shutdown: Shutdown,
) -> Services {
    Services {
        store,
        clock,
        randomness,
        mailer: Arc::new(mailer),
        intake: None,
        policy: config.policy(),
        limits: Limits::from_config(config),
        shutdown,
    }
}

/// What every start does before the first task: zone rules come with the binary, and settings may have changed. If they have,
/// scheduled dates are looked at before anything can be flipped by an instant that the new rules have moved (R3).
///
/// # Errors
/// What the database answers.
pub async fn prepare(services: &Services) -> Result<(), StoreError> {
    services.store.recheck_sso_users(services.policy.leave_out_sso).await?;
    let judged_by = format!("{} {}", chrono_tz::IANA_TZDB_VERSION, sha256_hex([format!("{:?}", services.policy)]));
    services.store.recheck_scheduled(&judged_by).await?;
    if let Err(error) = tasks::run_task(&tasks::Reconcile, services).await {
        tracing::warn!(%error, "not every scheduled date could be looked at");
    }
    Ok(())
}

/// Runs the daemon until SIGTERM or SIGINT: then mail in flight is finished, what was claimed and not begun is given back,
/// and everything ends; a second one ends the process at once. What operators' machines ask is answered until the last mail has gone.
///
/// # Errors
/// [`AppError`] at the start.
pub async fn run(config: &Config, services: Services, trigger: ShutdownTrigger) -> Result<(), AppError> {
    let services = Arc::new(services);
    // Heard before anybody is told that the daemon is ready.
    let signals = tokio::spawn(Signals::listen().map_err(AppError::Signals)?.end(trigger));
    let (stop_serving, stopped) = oneshot::channel::<()>();
    let mut serving = None;
    if let Some(address) = config.http.listen {
        let listener = http::bind(address).await?;
        let metrics = telemetry::metrics::install(&crate::tasks::names())?;
        tracing::info!(%address, "serving /healthz, /readyz and /metrics");
        let readiness = Arc::new(readiness::TasksRan::new(&services, config.schedule.tick));
        let token = config.bounces.webhook_token.as_ref().filter(|_| services.intake.is_some());
        let bounces = token.map(|token| BounceRoute::new(Arc::clone(&services), token));
        let stop = async move { drop(stopped.await) };
        serving = Some(tokio::spawn(serve(listener, HttpState { readiness, metrics, bounces }, stop)));
    }
    let return_path = services.intake.as_ref().and_then(|intake| intake.return_path.clone());
    let mut listening = None;
    if let Some((path, return_path)) = config.bounces.lmtp_socket.as_ref().zip(return_path) {
        let listener = lmtp::bind(path)?;
        tracing::info!(socket = %path.display(), "taking bounces by LMTP");
        listening = Some(tokio::spawn(lmtp::serve(listener, Arc::clone(&services), return_path)));
    }
    let watchdog = tokio::spawn(service::keep_watchdog());
    let comparing = tokio::spawn(skew::keep_comparing(Arc::clone(&services)));
    service::tell_ready();
    tracing::info!(mail = %services.mailer.transport(), "started");

    let mut driven = pin!(driver::run(Arc::clone(&services), config.schedule.tick));
    let ended = tokio::select! {
        ended = &mut driven => {
            service::tell_stopping();
            ended
        }
        // As soon as the end begins: mail in flight may take its time.
        () = services.shutdown.requested() => {
            service::tell_stopping();
            services.mailer.transport().end();
            driven.await
        }
    };

    if let Some(listening) = listening {
        if ended.is_err() {
            listening.abort();
        }
        let _ = listening.await;
    }
    services.mailer.transport().close().await;
    watchdog.abort();
    comparing.abort();
    drop(stop_serving);
    if let Some(serving) = serving {
        let _ = serving.await;
    }
    if let Ok((seq, hash)) = services.store.audit_head().await {
        tracing::info!(seq, hash, "the audit trail's head");
    }
    // Heard to the very end, so that a second one always ends what hangs.
    signals.abort();
    tracing::info!("ended");
    Ok(ended?)
}

async fn serve(listener: TcpListener, state: HttpState, stop: impl Future<Output = ()> + Send + 'static) {
    if let Err(error) = http::serve(listener, state, stop).await {
        tracing::error!(%error, "nothing is served any more; the tasks go on");
    }
}
