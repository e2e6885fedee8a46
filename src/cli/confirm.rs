//! The question before something happens.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::CliError;

/// Asks whether to go ahead, unless `yes` says so.
///
/// # Errors
/// [`CliError::Usage`] where there is no terminal to ask on; then nothing may be done.
pub fn confirm(yes: bool) -> Result<bool, CliError> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "nothing was changed: there is no terminal to ask on. Add --yes to go ahead without the question"
                .to_owned(),
        ));
    }
    write!(io::stderr().lock(), "Go ahead? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", " Yes\r\n", "YES"].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "yep", "y y"].into_iter().any(is_yes));
    }
}
