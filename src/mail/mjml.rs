//! MJML, compiled once when templates are loaded: what becomes of it is HTML with the templates' tags still in it.

use std::collections::HashMap;

use htmlparser::{ElementEnd, Token, Tokenizer};
use mrml::prelude::parser::Error as ParseError;
use mrml::prelude::render::RenderOptions;

use super::template_files::TemplateFile;
use super::templates::TemplateError;

/// Elements of MJML. Its parser takes any other for one of HTML, so that a misspelt one would be sent to readers.
const ELEMENTS: [&str; 28] = [
    "mjml",
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-body",
    "mj-breakpoint",
    "mj-button",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-group",
    "mj-head",
    "mj-hero",
    "mj-image",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
    "mj-wrapper",
];

/// Where a part is cut out of the page that it is compiled in.
const CUT: &str = "<mj-raw>@cut@</mj-raw>";
const CUT_TEXT: &str = "@cut@";

/// The frame as HTML.
///
/// # Errors
/// [`TemplateError::Wrong`] with the file and the line.
pub(super) fn compile_page(frame: &TemplateFile) -> Result<String, TemplateError> {
    check_elements(frame)?;
    let page = compile(frame, &frame.source, 0)?;
    // A landmark, for who reads by ear (WCAG 2.2, 2.4.1): MJML has no element for it.
    let (before, rest) = page.split_once("<body").unwrap_or((&page, ""));
    let (attributes, body) = rest.split_once('>').unwrap_or((rest, ""));
    let body = body.replacen("</body>", "</main></body>", 1);
    Ok(format!("{before}<body{attributes}><main>{body}"))
}

/// A part of the page, one or more `mj-section`, as HTML to be put into the frame with `mj-raw`: with the attributes and styles
/// that the frame's head gives.
///
/// # Errors
/// [`TemplateError::Wrong`] with the file and the line.
pub(super) fn compile_part(frame: &TemplateFile, part: &TemplateFile) -> Result<String, TemplateError> {
    check_elements(part)?;
    let head = frame.source.split_once("<mj-head>").and_then(|(_, rest)| rest.split_once("</mj-head>"));
    let head = head.map_or("", |(head, _)| head);
    let before = format!("<mjml><mj-head>{head}</mj-head><mj-body>{CUT}");
    let page = format!("{before}{}{CUT}</mj-body></mjml>", part.source);
    let html = compile(part, &page, before.len())?;
    let cut = html.split(CUT_TEXT).nth(1);
    cut.map(|part| part.trim().to_owned())
        .ok_or_else(|| wrong(part, None, "it does not end as it began: write whole mj-section elements".to_owned()))
}

/// Compiles `page`, in which the text of `file` starts at `offset`.
fn compile(file: &TemplateFile, page: &str, offset: usize) -> Result<String, TemplateError> {
    let parsed = mrml::parse(page).map_err(|error| {
        let at = position(&error).and_then(|position| page.get(offset..position.max(offset)));
        let line = at.map(|before| before.matches('\n').count() + 1);
        wrong(file, line, format!("it is no MJML ({}): see https://documentation.mjml.io", plain(&error)))
    })?;
    if let Some(warning) = parsed.warnings.first() {
        let before = page.get(offset..warning.span.start.max(offset));
        let line = before.map(|before| before.matches('\n').count() + 1);
        return Err(wrong(file, line, format!("{}: see https://documentation.mjml.io", warning.kind)));
    }
    // No fonts: they would be fetched from elsewhere, which tells somebody who reads what when.
    let options = RenderOptions { fonts: HashMap::new(), ..RenderOptions::default() };
    parsed.element.render(&options).map_err(|error| wrong(file, None, format!("it cannot be compiled: {error}")))
}

/// Every element whose name begins with `mj` is one of MJML, and is closed where it belongs.
fn check_elements(file: &TemplateFile) -> Result<(), TemplateError> {
    let line_of = |position: usize| file.source.get(..position).map(|before| before.matches('\n').count() + 1);
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut last = "";
    for token in Tokenizer::from(file.source.as_ref()) {
        let token = token.map_err(|error| {
            let line = usize::try_from(error.pos().row).ok();
            wrong(
                file,
                line,
                "it cannot be read: write '<' in a condition the other way round, such as `2 > days_left`".to_owned(),
            )
        })?;
        match token {
            Token::ElementStart { local, span, .. } => {
                last = local.as_str();
                if !last.starts_with("mj") {
                    continue;
                }
                if !ELEMENTS.contains(&last) {
                    let nearest = ELEMENTS.iter().max_by(|one, other| {
                        strsim::jaro_winkler(last, one).total_cmp(&strsim::jaro_winkler(last, other))
                    });
                    let reason = format!("there is no <{last}>: did you mean <{}>?", nearest.unwrap_or(&"mj-text"));
                    return Err(wrong(file, line_of(span.start()), reason));
                }
                open.push((last, span.start()));
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } if last.starts_with("mj") => {
                open.pop();
            }
            Token::ElementEnd { end: ElementEnd::Close(_, local), span } if local.starts_with("mj") => {
                let closes = local.as_str();
                if open.last().map(|(name, _)| *name) != Some(closes) {
                    let opened = open.last().map_or("nothing", |(name, _)| name);
                    let reason = format!("</{closes}> closes {opened}: close what was opened last");
                    return Err(wrong(file, line_of(span.start()), reason));
                }
                open.pop();
            }
            _ => {}
        }
    }
    match open.pop() {
        None => Ok(()),
        Some((name, at)) => Err(wrong(file, line_of(at), format!("<{name}> is not closed: add </{name}>"))),
    }
}

fn position(error: &ParseError) -> Option<usize> {
    match error {
        ParseError::UnexpectedElement { position, .. }
        | ParseError::UnexpectedToken { position, .. }
        | ParseError::MissingAttribute { position, .. }
        | ParseError::InvalidAttribute { position, .. }
        | ParseError::InvalidFormat { position, .. }
        | ParseError::IncludeLoaderError { position, .. } => Some(position.start),
        _ => None,
    }
}

/// The error without its position, which is one in the page.
fn plain(error: &ParseError) -> String {
    let text = error.to_string();
    text.split(" in ").next().unwrap_or_default().to_owned()
}

fn wrong(file: &TemplateFile, line: Option<usize>, reason: String) -> TemplateError {
    TemplateError::Wrong { place: file.place.clone(), line, reason }
}
