//! What went wrong in a world.

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which: `R1` to `R11`, `forecast`, or a word for what must never happen at all, such as `task`.
    pub rule: String,
    /// Who, what, when, why.
    pub text: String,
}

impl Failure {
    pub fn new(rule: &str, text: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), text: text.into() }
    }
}
