//! Chunks of one piece of work that are done at the same time, each in a transaction of its own, while another one holds the
//! lock of the whole.

use std::future::Future;

use futures::{Stream, StreamExt as _};

use super::StoreError;
use crate::domain::ids::Id;

/// How many chunks are done under one lock at most: a second's work, for which a review of the members waits.
pub(super) const WHOLE_CHUNKS: usize = 16;

/// What one chunk came to: how many rows it made, and the member with whom it ends. None: it may not be done now.
pub(super) type Done = Option<(u64, Id)>;

/// What chunks came to, up to the first that was not done.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// How many were done.
    pub chunks: usize,
    /// How many rows they made.
    pub rows: u64,
    /// The member with whom the last of them ends.
    pub cursor: Option<Id>,
    /// What went wrong with the one after that.
    pub failure: Option<StoreError>,
}

/// Does chunks, `beside` of them at a time. One that was not done is done again later, and so are those behind it, though
/// they may have been: each makes what is not made already.
pub(super) async fn side_by_side<F>(beside: usize, chunks: impl Stream<Item = F>) -> Together
where
    F: Future<Output = Result<Done, StoreError>>,
{
    let mut chunks = Box::pin(chunks.buffered(beside));
    let mut together = Together::default();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(Some((rows, last))) => {
                together.chunks += 1;
                together.rows += rows;
                together.cursor = Some(last);
            }
            Ok(None) => break,
            Err(error) => {
                together.failure = Some(error);
                break;
            }
        }
    }
    together
}
