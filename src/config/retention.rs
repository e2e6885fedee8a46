//! `[retention]`: how long history is kept. Everything is, so that there is nothing to set yet.

use serde::Deserialize;

/// How long history is kept: for ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {}
