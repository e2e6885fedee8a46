//! `[http]`: where health and metrics are served.

use std::net::SocketAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Where health and metrics are served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// The address to listen on; none: nothing is served.
    #[serde(default, deserialize_with = "listen")]
    pub listen: Option<SocketAddr>,
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        D::Error::custom(format!("'{text}' is not an address to listen on: write IP:PORT, such as 127.0.0.1:8080"))
    })
}
