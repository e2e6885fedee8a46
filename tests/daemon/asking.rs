//! What an operator's machine asks a daemon over HTTP.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Asks for a page; gives back the status and the body. 0 when nobody answers.
pub async fn get(port: u16, path: &str) -> (u16, String) {
    let asked = async {
        let mut line = TcpStream::connect(("127.0.0.1", port)).await?;
        line.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let Ok(answer) = asked.await else { return (0, String::new()) };
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

/// The metrics, by name and labels.
pub async fn metrics(port: u16) -> BTreeMap<String, String> {
    let (status, text) = get(port, "/metrics").await;
    assert_eq!(status, 200);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
