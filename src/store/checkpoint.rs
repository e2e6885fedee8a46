//! The points at which a simulation may look at the store's work, hold it up, let it fail, or end it.

use async_trait::async_trait;

use super::StoreError;

/// A point in the store's work on its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint<'a> {
    /// A transaction is about to begin.
    Begin,
    /// A statement is about to run inside the transaction.
    Statement(&'a str),
    /// A statement is about to run that is a transaction by itself.
    Alone(&'a str),
    /// The transaction is about to be committed.
    Commit,
    /// The transaction has been committed.
    Committed,
}

/// Somebody who is asked at each [`Checkpoint`], and waited for. In production there is none.
#[async_trait]
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// The store has come to `point`, and goes on when this returns. A caller that is dropped meanwhile has died there: an
    /// open transaction is rolled back.
    ///
    /// # Errors
    /// An error that is returned is one of the database at this point: the store gives it to its caller. At
    /// [`Checkpoint::Committed`] the changes last all the same, as when a line breaks before the server's answer.
    async fn reached(&self, point: Checkpoint<'_>) -> Result<(), StoreError>;
}
