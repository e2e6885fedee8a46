//! Lines of plain text that fit every mail program.

use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::blanks::is_open;

/// The widest line, in columns (RFC 3676 suggests at most 78, with room for a quotation mark).
const WIDTH: usize = 76;

/// Breaks lines where their language allows it (UAX 14), so that none is wider than 76 columns, but for single words that
/// are. What belongs to a list's item stays under it. No more than one blank line follows another line. What has blanks yet
/// to be filled in is left as it is.
pub(super) fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 16);
    let mut blank = true;
    for line in text.trim().lines() {
        let line = line.trim_end();
        if line.is_empty() {
            if !blank {
                wrapped.push('\n');
            }
            blank = true;
        } else {
            blank = false;
            if is_open(line) {
                wrapped.push_str(line);
                wrapped.push('\n');
            } else {
                wrap_line(line, &mut wrapped);
            }
        }
    }
    wrapped
}

/// Breaks one line.
pub(super) fn wrap_line(line: &str, wrapped: &mut String) {
    let content = line.trim_start();
    let first = line.len() - content.len();
    if first == COMMAND_INDENT {
        return wrap_command(content, wrapped);
    }
    let indents = [" ".repeat(first), " ".repeat(first + marker_width(content))];
    let options = Options::new(WIDTH)
        .initial_indent(&indents[0])
        .subsequent_indent(&indents[1])
        .word_separator(WordSeparator::Custom(words))
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    for line in textwrap::wrap(content, options) {
        wrapped.push_str(line.trim_end());
        wrapped.push('\n');
    }
}

/// What stands so far in is a command, to be pasted into a shell.
const COMMAND_INDENT: usize = 4;

/// Breaks a command so that a shell reads it as one.
fn wrap_command(command: &str, wrapped: &mut String) {
    let options = Options::new(WIDTH - 2)
        .initial_indent("    ")
        .subsequent_indent("        ")
        .word_separator(WordSeparator::AsciiSpace)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let lines: Vec<String> = textwrap::wrap(command, options).iter().map(|line| line.trim_end().to_owned()).collect();
    wrapped.push_str(&lines.join(" \\\n"));
    wrapped.push('\n');
}

/// Words as their language has them. Within what is written in narrow letters only spaces part: addresses stay whole.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let is_wide = |c: Option<char>| c.is_some_and(|c| display_width(c.encode_utf8(&mut [0; 4])) > 1);
    let mut start = 0;
    let mut end = 0;
    let mut whole = Vec::new();
    for part in WordSeparator::UnicodeBreakProperties.find_words(line) {
        end += part.len() + part.whitespace.len();
        let spaced = !part.whitespace.is_empty();
        let beside_wide = is_wide(part.chars().next_back()) || is_wide(line[end..].chars().next());
        if spaced || beside_wide {
            whole.push(Word::from(&line[start..end]));
            start = end;
        }
    }
    whole.extend((start < line.len()).then(|| Word::from(&line[start..])));
    Box::new(whole.into_iter())
}

/// The width of a list's mark (`* `, `12. `) at the start of a line.
fn marker_width(content: &str) -> usize {
    let Some((mark, _)) = content.split_once(' ') else { return 0 };
    let is_number = mark.strip_suffix('.').is_some_and(|number| {
        !number.is_empty() && number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if mark == "*" || is_number { mark.len() + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_is_broken_as_a_shell_reads_it_on() {
        let command = "    mfa-enforcer --config /etc/mfa-enforcer/config.toml enforcement release acme --override-notice --reason 'WHY'";
        let wrapped = super::wrap(&format!("To release it:\n\n{command}"));
        assert_eq!(
            wrapped,
            "To release it:\n\n    mfa-enforcer --config /etc/mfa-enforcer/config.toml enforcement \\\n        release acme --override-notice --reason 'WHY'\n"
        );
    }

    use super::*;

    #[test]
    fn lines_are_at_most_76_wide_and_items_hang() {
        let text = format!("{}\n\n\n\n1. {}\n", "word ".repeat(40), "item ".repeat(30));
        let wrapped = wrap(&text);
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
        assert!(wrapped.contains("\n\n1. item"), "{wrapped}");
        assert!(wrapped.contains("\n   item"), "{wrapped}");
        assert!(!wrapped.contains("\n\n\n"));
    }

    #[test]
    fn a_word_too_wide_stands_alone_and_whole() {
        let url = format!("https://example.com/{}", "x".repeat(100));
        let wrapped = wrap(&format!("1. Sign in at {url} now"));
        assert!(wrapped.lines().any(|line| line.trim() == url), "{wrapped}");
    }

    #[test]
    fn chinese_is_broken_between_its_characters_which_are_two_columns_wide() {
        let wrapped = wrap(&"公司要求您登入時進行兩步驟驗證，".repeat(10));
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH / 2), "{wrapped}");
        assert!(!wrapped.lines().any(|line| line.starts_with('，')), "{wrapped}");
    }

    #[test]
    fn what_is_written_in_narrow_letters_is_broken_at_spaces_alone() {
        let text = format!("{} from (America/Argentina/ComodRivadavia), and/or on-line", "word ".repeat(10));
        assert!(wrap(&text).contains("\n(America/Argentina/ComodRivadavia), and/or on-line\n"), "{}", wrap(&text));
    }

    #[test]
    fn wrapping_twice_changes_nothing() {
        let once = wrap(&"one two three four five six seven ".repeat(20));
        assert_eq!(wrap(&once), once);
    }
}
