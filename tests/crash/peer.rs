//! One of several daemons that share a database and a mail server.

use super::house::House;
use crate::asking::metrics;
use crate::mail::servers::Sink;
use crate::process::Process;

/// A daemon that can be asked.
pub struct Peer {
    pub process: Process,
    http: u16,
}

impl Peer {
    /// Starts one that calls itself so to the mail server, and waits until it works.
    pub async fn start(house: &mut House, name: &str) -> Self {
        house.installation.set("smtp.hello_name", name);
        let (process, http) = house.installation.serving_daemon().await;
        Self { process, http }
    }

    /// How many mails it has sent, by what it says itself.
    pub async fn sent(&self) -> f64 {
        metric(self.http, "mfa_enforcer_mails_total{kind=\"announcement\",outcome=\"sent\"}").await
    }

    /// How many mails it has tried to send, whatever came of it.
    pub async fn outcomes(&self) -> f64 {
        metric(self.http, "mfa_enforcer_mails_total").await
    }

    /// Ends it in order.
    pub async fn end(self) {
        self.process.signal("TERM");
        let ended = self.process.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked at"), "{}", ended.stderr);
    }
}

/// The sum of the values of this metric of the daemon that serves on this port.
pub async fn metric(http: u16, name: &str) -> f64 {
    let metrics = metrics(http).await;
    metrics.iter().filter(|(shown, _)| shown.starts_with(name)).map(|(_, value)| value.parse::<f64>().unwrap()).sum()
}

/// Has all mail go to a server that answers a second after it has a mail, so that each daemon has as many on its lines as it
/// may, and none can do the others' work before they begin.
pub fn slow_down_mail(house: &mut House) {
    house.sink = Sink::start(&["-W", ".:1"]);
    let url = format!("smtp://127.0.0.1:{}", house.sink.port);
    house.installation.set("smtp.url", &url);
}
