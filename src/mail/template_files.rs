//! The files that templates and their words are read from: built in, and the operator's own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::templates::TemplateError;

/// The folder of the languages' files.
const LOCALES: &str = "locales";

/// One file's source.
#[derive(Debug)]
pub struct TemplateFile {
    /// The name by which it is used and replaced, such as `announcement/subject.txt`.
    pub name: String,
    /// Where it was read from, as error messages show it.
    pub place: String,
    /// Its text.
    pub source: Cow<'static, str>,
}

/// The files of one language.
#[derive(Debug)]
pub struct LocaleFiles {
    /// The language tag.
    pub tag: String,
    /// The built-in file, and the operator's own, whose messages take the place of those of the same name.
    pub sources: Vec<TemplateFile>,
}

/// Everything that notices are made of.
#[derive(Debug)]
pub struct TemplateFiles {
    /// The templates.
    pub templates: Vec<TemplateFile>,
    /// The languages.
    pub locales: Vec<LocaleFiles>,
}

macro_rules! built_in {
    ($list:ident, $($name:literal),* $(,)?) => {
        const $list: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../email_templates/", $name)))),*];
    };
}

built_in!(
    BUILT_IN,
    "announcement/subject.txt",
    "announcement/body.txt",
    "announcement/body.mjml",
    "reminder/subject.txt",
    "reminder/body.txt",
    "reminder/body.mjml",
    "final_reminder/subject.txt",
    "final_reminder/body.txt",
    "final_reminder/body.mjml",
    "now_required/subject.txt",
    "now_required/body.txt",
    "now_required/body.mjml",
    "rescheduled/subject.txt",
    "rescheduled/body.txt",
    "rescheduled/body.mjml",
    "cancelled/subject.txt",
    "cancelled/body.txt",
    "cancelled/body.mjml",
    "welcome/subject.txt",
    "welcome/body.txt",
    "welcome/body.mjml",
    "decision/subject.txt",
    "decision/body.txt",
    "decision/body.mjml",
    "digest/subject.txt",
    "digest/body.txt",
    "digest/body.mjml",
    "day_report/subject.txt",
    "day_report/body.txt",
    "day_report/body.mjml",
    "frame/subject.txt",
    "frame/contact.txt",
    "frame/why_you.txt",
    "frame/body.txt",
    "frame/body.mjml",
);

built_in!(
    BUILT_IN_LOCALES,
    "locales/de.ftl",
    "locales/en.ftl",
    "locales/es.ftl",
    "locales/fr.ftl",
    "locales/it.ftl",
    "locales/pt.ftl",
    "locales/zh-Hant.ftl",
);

/// Every file: the built-in templates, with one from `own` in the place of each that has its name there, and the words
/// of every language.
///
/// # Errors
/// [`TemplateError::Unreadable`], and [`TemplateError::UnknownFile`] for a file in `own` that takes no template's place
/// (else a misspelt name would go unnoticed).
pub fn read(own: Option<&Path>) -> Result<TemplateFiles, TemplateError> {
    if let Some(dir) = own {
        refuse_unknown_files(dir)?;
    }
    let own_file = |name: &str| own.map(|dir| dir.join(name)).filter(|path| path.symlink_metadata().is_ok());
    let templates = BUILT_IN
        .iter()
        .map(|(name, source)| own_file(name).map_or_else(|| Ok(built_in(name, source)), |path| file(name, &path)))
        .collect::<Result<_, _>>()?;
    let mut locales: BTreeMap<String, Vec<TemplateFile>> = BTreeMap::new();
    for (name, source) in BUILT_IN_LOCALES {
        locales.entry(tag(name)).or_default().push(built_in(name, source));
    }
    let own_locales = own.map(|dir| dir.join(LOCALES)).filter(|dir| dir.is_dir());
    for path in own_locales.map(|dir| entries(&dir)).transpose()?.unwrap_or_default() {
        let name = format!("{LOCALES}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if is_locale(&name) {
            locales.entry(tag(&name)).or_default().push(file(&name, &path)?);
        }
    }
    let locales = locales.into_iter().map(|(tag, sources)| LocaleFiles { tag, sources }).collect();
    Ok(TemplateFiles { templates, locales })
}

fn built_in(name: &str, source: &'static str) -> TemplateFile {
    TemplateFile { name: name.to_owned(), place: format!("email_templates/{name}"), source: source.into() }
}

fn file(name: &str, path: &Path) -> Result<TemplateFile, TemplateError> {
    Ok(TemplateFile { name: name.to_owned(), place: path.display().to_string(), source: read_text(path)?.into() })
}

fn is_locale(name: &str) -> bool {
    let tag = name.strip_prefix(LOCALES).and_then(|name| name.strip_suffix(".ftl"));
    tag.is_some_and(|tag| !tag.starts_with("/."))
}

/// `pt-BR` of `locales/pt-BR.ftl`.
fn tag(name: &str) -> String {
    name.trim_start_matches(LOCALES).trim_start_matches('/').trim_end_matches(".ftl").to_owned()
}

fn refuse_unknown_files(dir: &Path) -> Result<(), TemplateError> {
    for path in entries(dir)? {
        let within = if path.is_dir() { entries(&path)? } else { vec![path] };
        for path in within {
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned();
            let is_template = BUILT_IN.iter().any(|(known, _)| *known == name) || is_locale(&name);
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

/// A file's text, with line ends as they are here, and without what some editors put before it.
fn read_text(path: &Path) -> Result<String, TemplateError> {
    const MOST_BYTES: u64 = 1024 * 1024;
    let wrong = |reason: String| TemplateError::Unreadable { place: path.display().to_string(), reason };
    let file = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if !file.is_file() || file.len() > MOST_BYTES {
        return Err(wrong(format!("it is no file of at most {MOST_BYTES} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Some(c) => {
            Err(wrong(format!("it holds the control character {}, which has no place in a text", c.escape_default())))
        }
        None => Ok(text),
    }
}
