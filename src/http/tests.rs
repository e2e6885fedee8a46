use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;
use crate::telemetry::metrics::tests::scraped;

/// Answers what it was made with; nothing at all for `None`.
struct Fixed(Option<Result<(), String>>);

#[async_trait]
impl Readiness for Fixed {
    async fn ready(&self) -> Result<(), String> {
        match &self.0 {
            Some(answer) => answer.clone(),
            None => std::future::pending().await,
        }
    }
}

/// What a server in this state answers to `request`, before it is told to stop and does.
async fn answer(ready: Option<Result<(), String>>, request: &str) -> String {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = HttpState { readiness: Arc::new(Fixed(ready)), metrics: scraped(|| {}).0, bounces: None };
    let server = tokio::spawn(serve(listener, state, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_living_process_answers_even_when_it_is_not_ready() {
    let answer = answer(Some(Err("the database does not answer".to_owned())), "GET /healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

#[tokio::test]
async fn ready_or_the_reason_why_not() {
    let yes = answer(Some(Ok(())), "GET /readyz").await;
    assert!(yes.starts_with("HTTP/1.1 200 OK\r\n") && yes.ends_with("\r\n\r\nok\n"), "{yes}");
    let no = answer(Some(Err("task deliver last ran 10 minutes ago".to_owned())), "GET /readyz").await;
    assert!(no.starts_with("HTTP/1.1 503 "), "{no}");
    assert!(no.ends_with("\r\n\r\ntask deliver last ran 10 minutes ago\n"), "{no}");
}

#[tokio::test]
async fn the_metrics_are_text() {
    let answer = answer(Some(Ok(())), "GET /metrics").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("# HELP mfa_enforcer_notices_pending "), "{answer}");
    assert!(answer.contains("\nmfa_enforcer_task_last_success_timestamp{task=\"enforce\"} 0\n"), "{answer}");
}

#[tokio::test]
async fn nothing_else_is_served() {
    assert!(answer(Some(Ok(())), "GET /").await.starts_with("HTTP/1.1 404 "));
    assert!(answer(Some(Ok(())), "POST /healthz").await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn a_database_that_never_answers_is_not_ready() {
    let (status, reason) = health::readiness(&Fixed(None), Duration::ZERO).await;
    assert_eq!((status.as_u16(), reason.as_str()), (503, "the database does not answer within 0 s\n"));
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_daemon_from_ending() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = HttpState { readiness: Arc::new(Fixed(None)), metrics: scraped(|| {}).0, bounces: None };
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve_with_grace(listener, state, shutdown, Duration::ZERO));
    // The answer to the first request shows that the connection is being served when the second one hangs.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_ne!(stream.read(&mut [0; 512]).await.unwrap(), 0);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_names_the_setting() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = first.local_addr().unwrap();
    assert_eq!(
        bind(address).await.unwrap_err().to_string(),
        format!(
            "http.listen: {address} is taken by another program: stop it, choose another port, or set http.listen to \
             \"\" to serve nothing"
        )
    );
    let elsewhere = bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err();
    assert!(elsewhere.to_string().starts_with("http.listen: cannot listen on 192.0.2.1:0: "), "{elsewhere}");
}
