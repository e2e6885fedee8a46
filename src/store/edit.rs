//! What to do with one column that may be null.

/// What to do with a column that may be null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Make it null.
    Clear,
    /// Give it this value.
    To(T),
}

impl<T> Edit<T> {
    /// The edit for a value that was given, or that was given as nothing.
    #[must_use]
    pub fn given(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::To)
    }

    /// Whether anything may change.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The same edit with its value turned into another.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Clear => Edit::Clear,
            Self::To(value) => Edit::To(turn(value)),
        }
    }

    /// Carries it out on a column.
    pub fn apply(self, column: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *column = None,
            Self::To(value) => *column = Some(value),
        }
    }
}
