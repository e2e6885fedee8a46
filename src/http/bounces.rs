//! `POST /v1/bounces`: a provider tells which mails came back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::HttpState;
use crate::mail::webhook;
use crate::tasks::Services;
use crate::tasks::intake::{self, Taken};
use crate::telemetry::metrics::WEBHOOK;

/// The largest call that is read, in bytes.
const SIZE_MOST: usize = 1024 * 1024;

/// How long a call may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who may tell of bounces, and where they are recorded.
#[derive(Clone)]
pub struct BounceRoute {
    services: Arc<Services>,
    /// The token's SHA-256: of one length, and compared in constant time.
    token: [u8; 32],
}

impl BounceRoute {
    /// For whoever knows `token`.
    #[must_use]
    pub fn new(services: Arc<Services>, token: &SecretString) -> Self {
        Self { services, token: Sha256::digest(token.expose_secret()).into() }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(token);
        given.is_some_and(|given| Sha256::digest(given).ct_eq(&self.token).into())
    }
}

/// What is given as `Bearer TOKEN`, or as the password of `Basic`: that is how a provider sends it which takes it in the URL.
fn token(authorization: &str) -> Option<String> {
    let (scheme, given) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Some(given.trim().to_owned());
    }
    let pair = BASE64_STANDARD.decode(given.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("Basic"))?;
    let (_, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(password.to_owned())
}

/// The route.
pub(super) fn route() -> MethodRouter<HttpState> {
    post(take).layer(DefaultBodyLimit::max(SIZE_MOST))
}

async fn take(State(state): State<HttpState>, request: Request) -> Response {
    let Some(route) = state.bounces else {
        return problem(StatusCode::NOT_FOUND, "bounces are not taken here: set bounces.webhook_token");
    };
    if !route.knows(request.headers()) {
        let refusal = problem(StatusCode::UNAUTHORIZED, "give the token of bounces.webhook_token");
        return ([(header::WWW_AUTHENTICATE, "Bearer, Basic realm=\"bounces\"")], refusal).into_response();
    }
    let body = match tokio::time::timeout(PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return problem(error.status(), &error.body_text()),
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "the call did not come in within 30 s"),
    };
    let return_path = route.services.intake.as_ref().and_then(|intake| intake.return_path.as_ref());
    let told = match webhook::read(&body, return_path) {
        Ok(told) => told,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    if let Some(how) = &told.to_confirm {
        tracing::warn!("a subscription to bounces waits for you: {how}");
    }
    let (mut recorded, mut ignored) = (0, told.ignored);
    for bounce in &told.bounces {
        match intake::record(&route.services, bounce, WEBHOOK).await {
            Ok(Taken::Recorded) => recorded += 1,
            Ok(Taken::NotOurs) => ignored += 1,
            Ok(Taken::TooSoon) => {
                return problem(StatusCode::SERVICE_UNAVAILABLE, "a mail is still being sent: tell it again later");
            }
            Err(error) => {
                tracing::warn!(%error, "a bounce could not be recorded, and will be told again");
                return problem(StatusCode::SERVICE_UNAVAILABLE, "the database failed: tell it again later");
            }
        }
    }
    let answer = json!({ "recorded": recorded, "ignored": ignored });
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

/// What is wrong (RFC 9457).
fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
