//! `/healthz`, `/readyz` and `/metrics`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::{HttpState, Readiness};

/// How long a look at the database may take before the answer is that it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process is alive: it answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The daemon works, or why it does not.
pub(super) async fn ready(State(state): State<HttpState>) -> (StatusCode, String) {
    readiness(state.readiness.as_ref(), PATIENCE).await
}

/// What `readiness` says, or after `patience` that it says nothing.
pub(super) async fn readiness(readiness: &dyn Readiness, patience: Duration) -> (StatusCode, String) {
    let answer = tokio::time::timeout(patience, readiness.ready()).await;
    match answer.unwrap_or_else(|_| Err(format!("the database does not answer within {} s", patience.as_secs()))) {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

/// The metrics, in Prometheus' text format.
pub(super) async fn metrics(State(state): State<HttpState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
}
