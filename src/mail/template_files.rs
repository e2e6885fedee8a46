//! The files that templates are read from: built in, and the operator's own in their place.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::templates::TemplateError;

/// One template's source.
#[derive(Debug)]
pub struct TemplateFile {
    /// The name by which it is rendered and replaced, such as `announcement/subject.txt`.
    pub name: &'static str,
    /// Where it was read from, as error messages show it.
    pub place: String,
    /// Its text.
    pub source: Cow<'static, str>,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// The built-in templates by name.
        const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../email_templates/", $name)))),*];
    };
}

built_in!(
    "announcement/subject.txt",
    "announcement/body.txt",
    "announcement/body.html",
    "reminder/subject.txt",
    "reminder/body.txt",
    "reminder/body.html",
    "final_reminder/subject.txt",
    "final_reminder/body.txt",
    "final_reminder/body.html",
    "now_required/subject.txt",
    "now_required/body.txt",
    "now_required/body.html",
    "rescheduled/subject.txt",
    "rescheduled/body.txt",
    "rescheduled/body.html",
    "cancelled/subject.txt",
    "cancelled/body.txt",
    "cancelled/body.html",
    "welcome/subject.txt",
    "welcome/body.txt",
    "welcome/body.html",
    "frame/subject.txt",
    "frame/contact.txt",
    "frame/body.txt",
    "frame/body.html",
);

/// Every template, from `own` where there is a file of its name, else built in.
///
/// # Errors
/// [`TemplateError::Unreadable`], and [`TemplateError::UnknownFile`] for a file in `own` that takes no template's place
/// (else a misspelt name would go unnoticed).
pub fn read(own: Option<&Path>) -> Result<Vec<TemplateFile>, TemplateError> {
    if let Some(dir) = own {
        refuse_unknown_files(dir)?;
    }
    BUILT_IN
        .iter()
        .map(|(name, source)| {
            let path = own.map(|dir| dir.join(name)).filter(|path| path.exists());
            Ok(match path {
                Some(path) => {
                    TemplateFile { name, source: read_text(&path)?.into(), place: path.display().to_string() }
                }
                None => TemplateFile { name, source: (*source).into(), place: format!("email_templates/{name}") },
            })
        })
        .collect()
}

fn refuse_unknown_files(dir: &Path) -> Result<(), TemplateError> {
    for path in entries(dir)? {
        let within = if path.is_dir() { entries(&path)? } else { vec![path] };
        for path in within {
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned();
            let is_template = BUILT_IN.iter().any(|(known, _)| *known == name);
            let is_beside = name.split('/').any(|part| part.starts_with('.')) || name == "README.md";
            if !is_template && !is_beside {
                let nearest = BUILT_IN
                    .iter()
                    .map(|(known, _)| (strsim::jaro_winkler(&name, known), *known))
                    .max_by(|one, other| one.0.total_cmp(&other.0))
                    .map_or("", |(_, known)| known);
                return Err(TemplateError::UnknownFile { place: path.display().to_string(), nearest });
            }
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let unreadable = |error: std::io::Error| TemplateError::Unreadable {
        place: dir.display().to_string(),
        reason: error.to_string(),
    };
    let mut paths = fs::read_dir(dir)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn read_text(path: &Path) -> Result<String, TemplateError> {
    fs::read_to_string(path)
        .map_err(|error| TemplateError::Unreadable { place: path.display().to_string(), reason: error.to_string() })
}
