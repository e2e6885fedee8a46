//! The words of one language: the messages of its Project Fluent files.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use unic_langid::LanguageIdentifier;

use super::template_files::TemplateFile;
use super::templates::TemplateError;

/// What messages may be marked up with, and what stands for it while they are put together: characters for private use,
/// which nothing that is shown to readers has (see `words::clean`). `<a>` is a link to what stands in it.
const MARKS: [(&str, char); 4] =
    [("<strong>", '\u{e000}'), ("</strong>", '\u{e001}'), ("<a>", '\u{e002}'), ("</a>", '\u{e003}')];

/// The messages of one language.
pub(super) struct Messages {
    bundle: FluentBundle<FluentResource>,
    uses: BTreeMap<String, Uses>,
}

/// What a message needs, and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Uses {
    /// The variables, those of the messages that it is made of included.
    pub(super) variables: BTreeSet<String>,
    /// The variables by which it chooses its words itself.
    pub(super) chosen_by: BTreeSet<String>,
    /// The messages that it is made of.
    pub(super) messages: BTreeSet<String>,
    /// Its file.
    pub(super) place: String,
    /// Its line there, counted from 1.
    pub(super) line: usize,
}

/// What a message is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// Plain text: the marks are nothing.
    Plain,
    /// HTML: everything is escaped, `<strong>` is bold, and `<a>` a link.
    Html,
}

impl Messages {
    /// Reads the files of a language, the built-in one first: what stands in a later one takes the place of what has the
    /// same name.
    ///
    /// # Errors
    /// [`TemplateError::Wrong`] with the file and the line.
    pub(super) fn read<'a>(
        language: &LanguageIdentifier,
        files: impl IntoIterator<Item = &'a TemplateFile>,
    ) -> Result<Self, TemplateError> {
        let mut bundle = FluentBundle::new_concurrent(vec![language.clone()]);
        // Marks of direction would be visible in some mail programs; what is put in is cleaned of its own.
        bundle.set_use_isolating(false);
        let mut uses = BTreeMap::new();
        for file in files {
            let source =
                MARKS.iter().fold(file.source.to_string(), |text, (tag, mark)| text.replace(tag, &mark.to_string()));
            let resource = FluentResource::try_new(source.clone()).map_err(|(_, errors)| {
                let error = errors.first();
                let line = error.map(|error| line_at(&source, error.pos.start));
                let reason = error.map_or_else(String::new, |error| error.kind.to_string());
                wrong(
                    file,
                    line,
                    format!("{reason}: write the message as Project Fluent has it, such as `name = Text`"),
                )
            })?;
            uses.extend(read_uses(file, &source)?);
            bundle.add_resource_overriding(resource);
        }
        let mut messages = Self { bundle, uses };
        messages.resolve()?;
        Ok(messages)
    }

    /// Adds to each message what the messages need that it is made of.
    fn resolve(&mut self) -> Result<(), TemplateError> {
        let direct = self.uses.clone();
        for (name, uses) in &mut self.uses {
            let mut rest: Vec<&String> = direct[name].messages.iter().collect();
            let mut seen = BTreeSet::from([name]);
            while let Some(part) = rest.pop() {
                let Some(of_part) = direct.get(part) else {
                    let reason = format!("'{name}' is made of '{part}', which is not there: correct its name");
                    return Err(TemplateError::Wrong { place: uses.place.clone(), line: Some(uses.line), reason });
                };
                if part == name {
                    let reason =
                        format!("'{name}' is made of itself: leave it out there, or in a message that it is made of");
                    return Err(TemplateError::Wrong { place: uses.place.clone(), line: Some(uses.line), reason });
                }
                if seen.insert(part) {
                    uses.variables.extend(of_part.variables.iter().cloned());
                    rest.extend(&of_part.messages);
                }
            }
        }
        Ok(())
    }

    /// What a message needs; none: there is no such message.
    pub(super) fn uses(&self, name: &str) -> Option<&Uses> {
        self.uses.get(name)
    }

    /// Every message by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Uses)> {
        self.uses.iter().map(|(name, uses)| (name.as_str(), uses))
    }

    /// A message in words. `value` has the variables.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn say<'v>(
        &self,
        name: &str,
        markup: Markup,
        mut value: impl FnMut(&str) -> Result<FluentValue<'v>, String>,
    ) -> Result<String, String> {
        let uses = self.uses.get(name).ok_or_else(|| format!("there is no message '{name}'"))?;
        let mut values = FluentArgs::with_capacity(uses.variables.len());
        for variable in &uses.variables {
            let value = value(variable).map_err(|error| format!("the message '{name}' needs ${variable}: {error}"))?;
            values.set(variable.as_str(), value);
        }
        let message = self.bundle.get_message(name).and_then(|message| message.value());
        let pattern = message.ok_or_else(|| format!("the message '{name}' has no text"))?;
        let mut errors: Vec<FluentError> = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&values), &mut errors);
        if let Some(error) = errors.first() {
            return Err(format!("the message '{name}' cannot be put together: {error}"));
        }
        Ok(match markup {
            Markup::Plain => text.replace(MARKS.map(|(_, mark)| mark), ""),
            Markup::Html => marked_up(&text).map_err(|error| error.to_string())?,
        })
    }
}

/// The text as HTML.
fn marked_up(text: &str) -> std::io::Result<String> {
    let mut escaped = Vec::with_capacity(text.len() + 32);
    tera::escape_html(text, &mut escaped)?;
    let html = String::from_utf8_lossy(&escaped).into_owned();
    let [strong, strong_end, link, link_end] = MARKS;
    let html = html.replace(strong.1, strong.0).replace(strong_end.1, strong_end.0);
    let mut parts = html.split(link.1);
    let mut linked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (target, rest) = part.split_once(link_end.1).unwrap_or((part, ""));
        linked.extend(["<a href=\"", target, "\">", target, "</a>", rest]);
    }
    Ok(linked)
}

fn read_uses(file: &TemplateFile, source: &str) -> Result<BTreeMap<String, Uses>, TemplateError> {
    let mut all = BTreeMap::new();
    let resource = fluent_syntax::parser::parse(source).unwrap_or_else(|(resource, _)| resource);
    for entry in resource.body {
        let (id, value) = match entry {
            Entry::Message(message) => (message.id.name.to_owned(), message.value),
            Entry::Term(term) => (format!("-{}", term.id.name), Some(term.value)),
            _ => continue,
        };
        let line = source.lines().position(|line| line.split(['=', ' ']).next() == Some(&id)).map_or(1, |at| at + 1);
        let mut uses = Uses {
            variables: BTreeSet::new(),
            chosen_by: BTreeSet::new(),
            messages: BTreeSet::new(),
            place: file.place.clone(),
            line,
        };
        let value =
            value.ok_or_else(|| wrong(file, Some(line), format!("'{id}' has no text: write one behind the =")))?;
        uses.read_pattern(&value)
            .and_then(|()| links(&value))
            .map_err(|reason| wrong(file, Some(line), format!("'{id}': {reason}")))?;
        if id.starts_with('-') && !uses.variables.is_empty() {
            return Err(wrong(
                file,
                Some(line),
                format!("'{id}' is a term, which has no variables: make it a message, without the hyphen"),
            ));
        }
        all.insert(id, uses);
    }
    Ok(all)
}

impl Uses {
    fn read_pattern(&mut self, pattern: &Pattern<&str>) -> Result<(), String> {
        // The mark that closes what is open.
        let mut open: Option<char> = None;
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { value } => value.chars().try_for_each(|c| read_mark(c, &mut open))?,
                PatternElement::Placeable { expression } => self.read_expression(expression)?,
            }
        }
        open.map_or(Ok(()), |_| Err("what is opened with '<' is not closed: add </strong> or </a>".to_owned()))
    }

    fn read_expression(&mut self, expression: &Expression<&str>) -> Result<(), String> {
        match expression {
            Expression::Select { selector, variants } => {
                self.read_inline(selector)?;
                if let InlineExpression::VariableReference { id } = selector {
                    self.chosen_by.insert(id.name.to_owned());
                }
                variants.iter().try_for_each(|variant| self.read_pattern(&variant.value))
            }
            Expression::Inline(inline) => self.read_inline(inline),
        }
    }

    fn read_inline(&mut self, inline: &InlineExpression<&str>) -> Result<(), String> {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.to_owned());
            }
            InlineExpression::MessageReference { id, attribute: None } => {
                self.messages.insert(id.name.to_owned());
            }
            InlineExpression::TermReference { id, attribute: None, .. } => {
                self.messages.insert(format!("-{}", id.name));
            }
            InlineExpression::Placeable { expression } => return self.read_expression(expression),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            _ => return Err("functions and attributes are not known here: write the text itself".to_owned()),
        }
        Ok(())
    }
}

fn read_mark(c: char, open: &mut Option<char>) -> Result<(), String> {
    let closing = MARKS.chunks(2).find(|pair| pair[0].1 == c).map(|pair| pair[1].1);
    match (c, closing) {
        ('<', _) => Err("only <strong> and <a> may be written with '<': leave others out".to_owned()),
        (_, Some(_)) if open.is_some() => Err("<strong> or <a> stands within another: close that first".to_owned()),
        (_, Some(closing)) => {
            *open = Some(closing);
            Ok(())
        }
        _ if MARKS.iter().any(|(_, mark)| *mark == c) && open.take() != Some(c) => {
            Err("</strong> or </a> closes nothing: open it first".to_owned())
        }
        _ => Ok(()),
    }
}

/// A link leads where it says: to the sign-in page, or to an address that is written there.
fn links(pattern: &Pattern<&str>) -> Result<(), String> {
    let mut flat = String::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => flat.push_str(value),
            PatternElement::Placeable { expression } => match expression {
                Expression::Inline(InlineExpression::VariableReference { id }) => {
                    flat.extend(["{", id.name, "}"]);
                }
                Expression::Inline(_) => flat.push_str("{}"),
                Expression::Select { variants, .. } => {
                    variants.iter().try_for_each(|variant| links(&variant.value))?;
                    flat.push_str("{}");
                }
            },
        }
    }
    let [_, _, (_, opens), (_, closes)] = MARKS;
    let mut targets = flat.split(opens).skip(1).map(|rest| rest.split(closes).next().unwrap_or_default());
    let fine =
        |target: &str| target == "{sign_in_url}" || target.starts_with("https://") && !target.contains(['{', ' ']);
    if targets.all(fine) {
        return Ok(());
    }
    Err("<a> stands around something else than { $sign_in_url } or an address with https://: leave it out".to_owned())
}

fn line_at(source: &str, position: usize) -> usize {
    source.get(..position).unwrap_or(source).matches('\n').count() + 1
}

fn wrong(file: &TemplateFile, line: Option<usize>, reason: String) -> TemplateError {
    TemplateError::Wrong { place: file.place.clone(), line, reason }
}
