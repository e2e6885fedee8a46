//! The words of notices: templates, checked when they are loaded so that no reader ever meets their mistakes.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use tera::{Context, ErrorKind, Tera};
use thiserror::Error;

use super::language::Language;
use super::sample;
use super::template_files::{self, TemplateFile};
use super::template_tags;
use super::words::{ContactWords, FrameWords, SectionWords, SubjectWords};
use super::wrap::wrap;
use crate::config::notices::NoticeSettings;
use crate::domain::message::Message;

/// Why templates cannot be used. Each names the file, where possible the line, and what to do.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// A file or folder that cannot be read.
    #[error("{place} cannot be read: {reason}")]
    Unreadable {
        /// The file or folder.
        place: String,
        /// The system's reason.
        reason: String,
    },
    /// A file that takes no template's place.
    #[error("{place} takes no template's place: rename it (did you mean {nearest}?) or move it elsewhere")]
    UnknownFile {
        /// The file.
        place: String,
        /// The template with the nearest name.
        nearest: &'static str,
    },
    /// A text that is no template.
    #[error("{place}{}: {reason}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
    Wrong {
        /// The file.
        place: String,
        /// The line, counted from 1, where known.
        line: Option<usize>,
        /// What is wrong there.
        reason: String,
    },
    /// A variable that nothing gives a value.
    #[error("{place}:{line}: there is no variable '{name}' here: use one of {known}")]
    UnknownVariable {
        /// The file.
        place: String,
        /// The line, counted from 1.
        line: usize,
        /// The variable.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A message without notices has nothing to say.
    #[error("a message without notices cannot be written")]
    NothingToSay,
}

/// One mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, on one line.
    pub subject: String,
    /// The body as plain text, in lines of at most 76 characters where words allow.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// The words of notices.
#[derive(Clone)]
pub struct Templates {
    tera: Tera,
    /// Where each template was read from, by name.
    places: HashMap<&'static str, String>,
    settings: NoticeSettings,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads every template, checks its variables, and renders every kind of notice with sample data.
    ///
    /// # Errors
    /// The first [`TemplateError`].
    pub fn load(settings: &NoticeSettings) -> Result<Self, TemplateError> {
        let files = template_files::read(settings.template_dir.as_deref())?;
        let places = files.iter().map(|file| (file.name, file.place.clone())).collect();
        let mut templates = Self { tera: Tera::new(), places, settings: settings.clone() };
        for file in &files {
            templates
                .tera
                .add_raw_template(file.name, &file.source)
                .map_err(|error| templates.wrong(file.name, &error))?;
        }
        let samples = sample::messages();
        for file in &files {
            templates.check_variables(file, samples.first().ok_or(TemplateError::NothingToSay)?)?;
        }
        for message in &samples {
            templates.render(message)?;
        }
        Ok(templates)
    }

    /// The words of one message, in the best of the reader's languages.
    ///
    /// # Errors
    /// [`TemplateError`]; none is known that [`load`](Self::load) would not have found.
    pub fn render(&self, message: &Message) -> Result<Rendered, TemplateError> {
        let language = Language::best(&message.reader.locales);
        let count = message.notices.len();
        let mut headlines = Vec::with_capacity(count);
        let mut texts = Vec::with_capacity(count);
        let mut htmls = Vec::with_capacity(count);
        for statement in &message.notices {
            let mut words = SectionWords::new(statement, message, language, &self.settings);
            let kind = statement.kind.as_str();
            words.headline = one_line(&self.fill(&format!("{kind}/subject.txt"), &words)?);
            texts.push(self.fill(&format!("{kind}/body.txt"), &words)?.trim().to_owned());
            htmls.push(self.fill(&format!("{kind}/body.html"), &words)?.trim().to_owned());
            headlines.push(words.headline);
        }
        let lead = message.notices.iter().position(|statement| statement.kind.tells_date()).unwrap_or(0);
        let headline = headlines.get(lead).ok_or(TemplateError::NothingToSay)?;
        let subject = one_line(&self.fill("frame/subject.txt", &SubjectWords { headline, others: count - 1 })?);
        let contacts = ContactWords::all(message, &self.settings)
            .iter()
            .map(|words| self.fill("frame/contact.txt", words).map(|line| one_line(&line)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut frame = FrameWords::new(message, language, &self.settings, &subject, &texts, &contacts);
        let text = wrap(&self.fill("frame/body.txt", &frame)?);
        frame.sections = &htmls;
        let html = self.fill("frame/body.html", &frame)?;
        Ok(Rendered { subject, text, html })
    }

    fn fill<T: Serialize>(&self, name: &str, words: &T) -> Result<String, TemplateError> {
        let context = Context::from_serialize(words).map_err(|error| self.wrong(name, &error))?;
        self.tera.render(name, &context).map_err(|error| self.wrong(name, &error))
    }

    /// Tera takes a condition on what does not exist for false, so that every name is compared with those that there
    /// are. What templates are given is flat: none of it has parts of its own.
    fn check_variables(&self, file: &TemplateFile, sample: &Message) -> Result<(), TemplateError> {
        if let Some((line, part)) = template_tags::part_of_a_variable(&file.source) {
            let reason = format!("'{part}' does not exist: variables have no parts here; write the variable alone");
            return Err(TemplateError::Wrong { place: file.place.clone(), line: Some(line), reason });
        }
        let known = self.variables_for(file.name, sample)?;
        let used = self.tera.get_template_variables(file.name).map_err(|error| self.wrong(file.name, &error))?;
        let mut unknown: Vec<_> = used.into_iter().filter(|name| !known.contains(*name)).collect();
        unknown.sort_unstable();
        let Some(name) = unknown.first() else { return Ok(()) };
        Err(TemplateError::UnknownVariable {
            place: file.place.clone(),
            line: template_tags::line_of(&file.source, name),
            name: (*name).to_owned(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        })
    }

    fn variables_for(&self, name: &str, sample: &Message) -> Result<BTreeSet<String>, TemplateError> {
        let language = Language::best(&sample.reader.locales);
        let settings = &self.settings;
        let statement = sample.notices.first().ok_or(TemplateError::NothingToSay)?;
        let words = match name {
            "frame/subject.txt" => serde_json::to_value(SubjectWords { headline: "", others: 0 }),
            "frame/contact.txt" => serde_json::to_value(ContactWords::all(sample, settings).first()),
            "frame/body.txt" | "frame/body.html" => {
                serde_json::to_value(FrameWords::new(sample, language, settings, "", &[], &[]))
            }
            _ => serde_json::to_value(SectionWords::new(statement, sample, language, settings)),
        };
        let words = words.ok().and_then(|words| words.as_object().cloned()).unwrap_or_default();
        Ok(words.keys().cloned().collect())
    }

    fn wrong(&self, name: &str, error: &tera::Error) -> TemplateError {
        let place_of = |name: &str| self.places.get(name).cloned().unwrap_or_else(|| name.to_owned());
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => TemplateError::Wrong {
                place: place_of(report.filename()),
                line: Some(report.span().start_line),
                reason: report.message().to_owned(),
            },
            _ => {
                // Some come as a report in several lines: what is wrong, `--> name:line:column`, the source.
                let report = error.to_string();
                let reason = report.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let line = report.split_once(&format!("--> {name}:")).and_then(|(_, place)| place.split(':').next());
                let line = line.and_then(|line| line.parse().ok());
                TemplateError::Wrong { place: place_of(name), line, reason }
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
