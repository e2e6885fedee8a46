//! The words of notices: templates, checked when they are loaded so that no reader ever meets their mistakes.

use std::collections::HashMap;
use std::sync::Arc;

use fluent_bundle::FluentValue;
use serde::Serialize;
use tera::{Context, ErrorKind, Kwargs, State, Tera, TeraResult, Value};
use thiserror::Error;

use super::admin_words::AdminWords;
use super::blanks::{Greeted, filled};
use super::calendar::{self, CalendarPart, Organizer};
use super::language::{Language, Languages};
use super::messages::Markup;
use super::sample;
use super::template_files::{self, TemplateFile};
use super::words::{ContactWords, FrameWords, SectionWords, SubjectWords, Variable};
use super::wrap::wrap;
use super::{mjml, template_tags};
use crate::config::notices::NoticeSettings;
use crate::domain::admin_mail::{AdminMailKind, AdminMessage};
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
    /// A language that there is not.
    #[error(
        "notices.languages has '{tag}', in which there are no words: use {known}, or add {tag}.ftl to the folder locales of notices.template_dir"
    )]
    UnknownLanguage {
        /// Its tag.
        tag: String,
        /// Those that there are.
        known: String,
    },
    /// English, which everything else falls back to, is not there.
    #[error("there are no words in English")]
    NoEnglish,
    /// A message without notices has nothing to say.
    #[error("a message without notices cannot be written")]
    NothingToSay,
}

/// One mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The tag of the language that it is in.
    pub language: String,
    /// The subject, on one line.
    pub subject: String,
    /// The body as plain text, in lines of at most 76 characters where words allow.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// What the reader's calendar gets.
    pub calendar: Vec<CalendarPart>,
}

/// The words of notices.
#[derive(Clone)]
pub struct Templates {
    tera: Tera,
    languages: Arc<Languages>,
    /// Where each template was read from, by name.
    places: HashMap<String, String>,
    /// Whether readers' names and addresses can be filled in afterwards: they are written as they are, and nothing else.
    blanks: bool,
    settings: NoticeSettings,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads every template and every language, checks what they use, and renders every kind of notice with sample data.
    ///
    /// # Errors
    /// The first [`TemplateError`].
    pub fn load(settings: &NoticeSettings) -> Result<Self, TemplateError> {
        let files = template_files::read(settings.template_dir.as_deref())?;
        let languages = Arc::new(Languages::read(&files.locales, &settings.languages)?);
        let mut tera = Tera::new();
        tera.autoescape_on(vec![".html", ".mjml"]);
        let words = Arc::clone(&languages);
        tera.register_function("t", move |arguments: Kwargs, state: &State| say(&words, &arguments, state));
        let places = files.templates.iter().map(|file| (file.name.clone(), file.place.clone())).collect();
        let blanks = can_be_left_open(&files.templates, &languages);
        let mut templates = Self { tera, languages, places, blanks, settings: settings.clone() };
        let frame = files.templates.iter().find(|file| file.name == FRAME).ok_or(TemplateError::NothingToSay)?;
        for file in &files.templates {
            templates.add(&file.name, &file.source)?;
        }
        for file in &files.templates {
            templates.check(file)?;
        }
        // The page first: what is wrong in its head would be found in each part.
        templates.add("frame/body.html", &mjml::compile_page(frame)?)?;
        for file in files.templates.iter().filter(|file| file.name != FRAME) {
            if let Some(name) = file.name.strip_suffix(".mjml") {
                templates.add(&format!("{name}.html"), &mjml::compile_part(frame, file)?)?;
            }
        }
        // Each sentence in English. Another language can fail in nothing else: its messages have the same names, and no
        // variables that some of their readers have no value for.
        for message in sample::messages() {
            let rendered = templates.render(&message)?;
            templates.check_whole(&message, &rendered)?;
        }
        for message in sample::admin_messages() {
            let rendered = templates.render_admin(&message)?;
            templates.check_subject(&rendered, message.news.kind().as_str())?;
        }
        Ok(templates)
    }

    fn add(&mut self, name: &str, source: &str) -> Result<(), TemplateError> {
        self.tera.add_raw_template(name, source).map_err(|error| self.wrong(name, &error))
    }

    /// The languages that notices are written in, by their tags; English first.
    #[must_use]
    pub fn languages(&self) -> Vec<&str> {
        self.languages.all().iter().map(Language::tag).collect()
    }

    /// The words of one message, in the best of the reader's languages.
    ///
    /// # Errors
    /// [`TemplateError`]; none is known that [`load`](Self::load) would not have found.
    pub fn render(&self, message: &Message) -> Result<Rendered, TemplateError> {
        let words = self.draft(message)?;
        let reader = message.reader.greeted();
        let text = filled(&words.text, |line| reader.fill_text(line));
        let html = filled(&words.html, |line| reader.fill_html(line));
        Ok(Rendered { text, html, ..words })
    }

    /// Whether [`drafts`](Self::draft) have blanks, so that one will do for many readers: not where a template does more
    /// with a reader's name or address than writing it, nor with entries for calendars, which are another for each.
    pub(super) fn leave_blanks(&self) -> bool {
        self.blanks && !self.settings.calendar
    }

    /// The words of one message, with the reader's name and address left open.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub(super) fn draft(&self, message: &Message) -> Result<Rendered, TemplateError> {
        let language = self.languages.best(&message.reader.locales);
        let count = message.notices.len();
        let mut headlines = Vec::with_capacity(count);
        let mut texts = Vec::with_capacity(count);
        let mut htmls = Vec::with_capacity(count);
        for statement in &message.notices {
            let kind = statement.kind.as_str();
            let mut words = SectionWords::new(statement, message, language, &self.settings).map_err(|reason| {
                TemplateError::Wrong { place: format!("locales/{}.ftl", language.tag()), line: None, reason }
            })?;
            words.headline = one_line(&self.fill(&format!("{kind}/subject.txt"), &words)?);
            texts.push(self.fill(&format!("{kind}/body.txt"), &words)?.trim().to_owned());
            htmls.push(self.fill(&format!("{kind}/body.html"), &words)?.trim().to_owned());
            headlines.push(words.headline);
        }
        let lead = message.notices.iter().position(|statement| statement.kind.tells_date()).unwrap_or(0);
        let headline = headlines.get(lead).ok_or(TemplateError::NothingToSay)?;
        let subject = SubjectWords { language: language.tag(), headline, others: count - 1 };
        let subject = one_line(&self.fill("frame/subject.txt", &subject)?);
        let contacts = ContactWords::all(message, language, &self.settings)
            .iter()
            .map(|words| self.fill("frame/contact.txt", words).map(|line| one_line(&line)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut greeted = message.reader.greeted();
        if self.blanks {
            greeted = Greeted::anybody(greeted.name.is_some());
        }
        let mut frame = FrameWords::new(message, &greeted, language, &self.settings, &subject, &texts, &contacts);
        let text = wrap(&self.fill("frame/body.txt", &frame)?);
        frame.sections = &htmls;
        let html = self.fill("frame/body.html", &frame)?;
        let calendar = if self.settings.calendar { self.calendar(message, language)? } else { Vec::new() };
        Ok(Rendered { language: language.tag().to_owned(), subject, text, html, calendar })
    }

    fn calendar(&self, message: &Message, language: &Language) -> Result<Vec<CalendarPart>, TemplateError> {
        let sender = self.settings.sender().ok().flatten();
        let address = sender.as_ref().map_or("nobody@localhost", |sender| sender.email.as_ref());
        let domain = sender.as_ref().map_or("localhost", |sender| sender.email.domain());
        calendar::parts(message, Organizer { address, domain }, language, &self.settings).map_err(|reason| {
            TemplateError::Wrong { place: format!("locales/{}.ftl", language.tag()), line: None, reason }
        })
    }

    /// The words of one mail to an admin, in the best of their languages.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_admin(&self, message: &AdminMessage) -> Result<Rendered, TemplateError> {
        let language = self.languages.best(&message.locales);
        let kind = message.news.kind();
        let wrong =
            |reason| TemplateError::Wrong { place: format!("locales/{}.ftl", language.tag()), line: None, reason };
        let words = AdminWords::new(message, language, &self.settings).map_err(wrong)?;
        let subject = one_line(&self.fill(&format!("{kind}/subject.txt"), &words)?);
        let texts = [self.fill(&format!("{kind}/body.txt"), &words)?.trim().to_owned()];
        let htmls = [self.fill(&format!("{kind}/body.html"), &words)?.trim().to_owned()];
        let mut contacts = vec![one_line(&self.fill("frame/why_you.txt", &words)?)];
        if let Some(contact) = &self.settings.support_contact {
            contacts.push(language.say_with("ask", &[("contact", contact)]).map_err(wrong)?);
        }
        let mut frame = FrameWords::for_admin(message, language, &self.settings, &subject, &texts, &contacts);
        let text = wrap(&self.fill("frame/body.txt", &frame)?);
        frame.sections = &htmls;
        let html = self.fill("frame/body.html", &frame)?;
        Ok(Rendered { language: language.tag().to_owned(), subject, text, html, calendar: Vec::new() })
    }

    fn fill<T: Serialize>(&self, name: &str, words: &T) -> Result<String, TemplateError> {
        let context = Context::from_serialize(words).map_err(|error| self.wrong(name, &error))?;
        self.tera.render(name, &context).map_err(|error| self.wrong(name, &error))
    }

    /// Tera takes a condition on what does not exist for false, so that every name is compared with those that there
    /// are. What templates are given is flat: none of it has parts of its own.
    fn check(&self, file: &TemplateFile) -> Result<(), TemplateError> {
        let wrong = |line, reason| Err(TemplateError::Wrong { place: file.place.clone(), line: Some(line), reason });
        if let Some((line, part)) = template_tags::part_of_a_variable(&file.source) {
            return wrong(
                line,
                format!("'{part}' does not exist: variables have no parts here; write the variable alone"),
            );
        }
        let variables = variables_of(&file.name);
        let known = |name: &str| variables.iter().any(|variable| variable.name == name);
        let named = self.tera.get_template_variables(&file.name).map_err(|error| self.wrong(&file.name, &error))?;
        let mut unknown: Vec<_> = named.into_iter().filter(|name| !known(name)).collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            return Err(TemplateError::UnknownVariable {
                place: file.place.clone(),
                line: template_tags::line_of(&file.source, name),
                name: (*name).to_owned(),
                known: variables.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", "),
            });
        }
        for (line, message) in template_tags::messages(&file.source) {
            let Some(message) = message else {
                return wrong(line, "t(key=…) needs the message's name itself, in quotes".to_owned());
            };
            for language in self.languages.all() {
                let Some(uses) = language.messages().uses(&message) else {
                    let nearest = language.messages().all().map(|(name, _)| name).max_by(|one, other| {
                        strsim::jaro_winkler(&message, one).total_cmp(&strsim::jaro_winkler(&message, other))
                    });
                    let nearest = nearest.unwrap_or_default();
                    return wrong(line, format!("there is no message '{message}': did you mean '{nearest}'?"));
                };
                if let Some(missing) = uses.variables.iter().find(|name| !known(name)) {
                    let known = variables.iter().map(|variable| format!("${}", variable.name)).collect::<Vec<_>>();
                    let reason = format!(
                        "'{message}' needs ${missing}, which {}:{line} has not, where it is said: use one of {}",
                        file.place,
                        known.join(", ")
                    );
                    return Err(TemplateError::Wrong { place: uses.place.clone(), line: Some(uses.line), reason });
                }
            }
        }
        Ok(())
    }

    /// Whether a mail says what its reader needs, in both forms: a template may leave out much, but not all of it.
    fn check_whole(&self, message: &Message, rendered: &Rendered) -> Result<(), TemplateError> {
        let incomplete = |name: &str, reason: &str| self.incomplete(name, reason);
        let kind = message.notices.first().map_or("frame", |statement| statement.kind.as_str());
        self.check_subject(rendered, kind)?;
        let language = self.languages.named(&rendered.language);
        for statement in message.notices.iter().filter(|statement| statement.kind.tells_date()) {
            let date = language.date(statement.required_at.date_in(message.reader.zone));
            let is_there = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&date);
            let lacks = "the mail does not say the date: put in {{ t(key=\"when-from\") }} or another sentence with it";
            for (text, form) in [(&rendered.text, "txt"), (&rendered.html, "mjml")] {
                let (part, frame) = (format!("{}/body.{form}", statement.kind), format!("frame/body.{form}"));
                // Whichever of the two is the operator's own is what is wrong.
                let built_in =
                    |name: &String| self.places.get(name).is_none_or(|place| place.starts_with("email_templates/"));
                if !is_there(text) {
                    return incomplete(if built_in(&part) { &frame } else { &part }, lacks);
                }
            }
        }
        if rendered.html.contains("&lt;div") {
            return incomplete(FRAME, "it shows the code of the notices: put them in with {{ section | safe }}");
        }
        Ok(())
    }

    fn check_subject(&self, rendered: &Rendered, kind: &str) -> Result<(), TemplateError> {
        if rendered.subject.is_empty() {
            let reason = "it gives an empty subject: say what the mail is about";
            return self.incomplete(&format!("{kind}/subject.txt"), reason);
        }
        Ok(())
    }

    fn incomplete(&self, name: &str, reason: &str) -> Result<(), TemplateError> {
        let place = self.places.get(name).cloned().unwrap_or_else(|| name.to_owned());
        Err(TemplateError::Wrong { place, line: None, reason: reason.to_owned() })
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

/// The frame's page, whose head all parts share.
const FRAME: &str = "frame/body.mjml";

/// Every variable that templates may use, as a table in Markdown: for `email_templates/README.md`.
#[must_use]
pub fn variables_table() -> String {
    let of = [
        ("`KIND/subject.txt`, `KIND/body.txt`, `KIND/body.mjml`", SectionWords::VARIABLES),
        ("`decision/…`, `digest/…`, `day_report/…`, `frame/why_you.txt`", AdminWords::VARIABLES),
        ("`frame/subject.txt`", SubjectWords::VARIABLES),
        ("`frame/contact.txt`", ContactWords::VARIABLES),
        ("`frame/body.txt`, `frame/body.mjml`", FrameWords::VARIABLES),
    ];
    let rows = of.iter().flat_map(|(files, variables)| {
        let row = |variable: &Variable| format!("| {files} | `{}` |{} |\n", variable.name, variable.meaning);
        variables.iter().map(row).collect::<Vec<_>>()
    });
    format!("| file | variable | what it is |\n|---|---|---|\n{}", rows.collect::<String>())
}

/// The variables that a template may use.
fn variables_of(template: &str) -> &'static [Variable] {
    match template {
        "frame/subject.txt" => SubjectWords::VARIABLES,
        "frame/contact.txt" => ContactWords::VARIABLES,
        "frame/body.txt" | FRAME => FrameWords::VARIABLES,
        "frame/why_you.txt" => AdminWords::VARIABLES,
        name if AdminMailKind::ALL.iter().any(|kind| name.starts_with(&format!("{kind}/"))) => AdminWords::VARIABLES,
        _ => SectionWords::VARIABLES,
    }
}

/// `t(key="…")`: a message in the reader's language, with the variables that it names.
fn say(languages: &Languages, arguments: &Kwargs, state: &State) -> TeraResult<Value> {
    let key = arguments.must_get::<&str>("key")?;
    let language = languages.named(&state.get::<String>("language")?.unwrap_or_default());
    let html = state.autoescaping_enabled();
    let value = |name: &str| -> Result<FluentValue<'static>, String> {
        let value = state.get::<Value>(name).ok().flatten().filter(|value| !value.is_none());
        let value = value.ok_or("it has no value here")?;
        let number = value.as_i64().map(FluentValue::from);
        number
            .or_else(|| value.as_str().map(|text| text.to_owned().into()))
            .ok_or_else(|| "it is no text or number".to_owned())
    };
    let markup = if html { Markup::Html } else { Markup::Plain };
    let text = language.messages().say(key, markup, value).map_err(tera::Error::message)?;
    Ok(if html { Value::safe_string(&text) } else { Value::normal_string(&text) })
}

/// Whether all that is done with a reader's name and address is to write them.
fn can_be_left_open(templates: &[TemplateFile], languages: &Languages) -> bool {
    ["name", "address"].into_iter().all(|open| {
        let mut frame = templates.iter().filter(|file| file.name.starts_with("frame/"));
        let mut messages = languages.all().iter().flat_map(|language| language.messages().all());
        frame.all(|file| template_tags::is_written_plainly(&file.source, open))
            && messages.all(|(_, uses)| !uses.chosen_by.contains(open))
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
