//! Lines of plain text that fit every mail program.

/// The widest line, in characters (RFC 3676 suggests at most 78, with room for a quotation mark).
const WIDTH: usize = 76;

/// Breaks lines at spaces so that none is wider than 76 characters, but for single words that are. What belongs to a
/// list's item stays under it. No more than one blank line follows another line.
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
            wrap_line(line, &mut wrapped);
        }
    }
    wrapped
}

fn wrap_line(line: &str, wrapped: &mut String) {
    let content = line.trim_start();
    let first_indent = line.len() - content.len();
    let hanging = first_indent + marker_width(content);
    wrapped.extend(std::iter::repeat_n(' ', first_indent));
    let mut column = first_indent;
    for (place, word) in content.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > WIDTH && column > hanging {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', hanging));
            column = hanging;
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped.push('\n');
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
        assert_eq!(wrap(&format!("1. Sign in at {url} now")), format!("1. Sign in at\n   {url}\n   now\n"));
    }

    #[test]
    fn wrapping_twice_changes_nothing() {
        let once = wrap(&"one two three four five six seven ".repeat(20));
        assert_eq!(wrap(&once), once);
    }
}
