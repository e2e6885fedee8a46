//! How this program is called here, so that commands that are named somewhere can be pasted.

use std::path::Path;
use std::sync::OnceLock;

/// The settings file with which this process was called, as a shell reads it.
static SETTINGS_FILE: OnceLock<String> = OnceLock::new();

/// From now on, commands that are named in results and messages name this settings file as well: pasted, they are about the
/// same database.
pub fn name_settings_file(file: &Path) {
    let _ = SETTINGS_FILE.set(quoted(&file.display().to_string()));
}

/// A text with the commands in it as they have to be called here.
#[must_use]
pub fn as_called(text: &str) -> String {
    const PROGRAM: &str = "mfa-enforcer ";
    let Some(file) = SETTINGS_FILE.get() else { return text.to_owned() };
    let mut called = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(PROGRAM) {
        called.push_str(before);
        called.push_str(PROGRAM);
        if after.starts_with(|c: char| c.is_ascii_lowercase()) {
            called.push_str("--config ");
            called.push_str(file);
            called.push(' ');
        }
        rest = after;
    }
    called + rest
}

/// A word as a shell reads it as one.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@,=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
