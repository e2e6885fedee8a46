//! What operators' machines ask: whether the daemon lives, whether it works, and its metrics. And what providers tell of mails
//! that came back.

mod bounces;
mod health;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

pub use bounces::BounceRoute;

/// Whether the daemon does its work.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Nothing when the database answers and tasks have run lately.
    ///
    /// # Errors
    /// What is wrong, for an operator to read. It holds no secret: it is served as it is.
    async fn ready(&self) -> Result<(), String>;
}

/// What the routes answer from.
#[derive(Clone)]
pub struct HttpState {
    /// Whether the daemon does its work.
    pub readiness: Arc<dyn Readiness>,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// Who may tell of bounces; none: nobody.
    pub bounces: Option<BounceRoute>,
}

/// Why nothing can be served.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program listens there.
    #[error(
        "http.listen: {address} is taken by another program: stop it, choose another port, or set http.listen to \"\" \
         to serve nothing"
    )]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("http.listen: cannot listen on {address}: {source}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// How often what was measured is put in order, so that it does not pile up when nobody asks for the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long requests that were begun may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Listens on `address`. Port 0 takes any free one.
///
/// # Errors
/// [`BindError`], which names the setting.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => BindError::Taken { address },
        _ => BindError::Refused { address, source },
    })
}

/// Answers requests until `shutdown`, then ends those that were begun, unless they take too long.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    state: HttpState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_with_grace(listener, state, shutdown, GRACE).await
}

async fn serve_with_grace(
    listener: TcpListener,
    state: HttpState,
    shutdown: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> std::io::Result<()> {
    let metrics = state.metrics.clone();
    let (stop, stopping) = oneshot::channel();
    let shutdown = async {
        shutdown.await;
        let _ = stop.send(());
    };
    let grace_over = async {
        let _ = stopping.await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = axum::serve(listener, routes(state)).with_graceful_shutdown(shutdown).into_future() => ended,
        () = grace_over => Ok(()),
        never = keep_up(metrics) => match never {},
    }
}

fn routes(state: HttpState) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/v1/bounces", bounces::route())
        .with_state(state)
}

async fn keep_up(metrics: PrometheusHandle) -> std::convert::Infallible {
    let mut interval = tokio::time::interval(UPKEEP);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests;
