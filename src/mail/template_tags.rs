//! What stands in a template's tags, and where: for messages about mistakes.

/// The line (from 1) of the first tag that has `name` as a word; the first line of all if none does.
pub(super) fn line_of(source: &str, name: &str) -> usize {
    tags(source)
        .find(|(_, tag)| tag.split(|c| !is_part_of_name(c)).any(|word| word == name))
        .map_or(1, |(line, _)| line)
}

/// The line (from 1) and the text of the first `variable.part`. Of Tera's own, `loop` has parts.
pub(super) fn part_of_a_variable(source: &str) -> Option<(usize, String)> {
    tags(source).find_map(|(line, tag)| {
        tag.split(|c| !is_part_of_name(c) && c != '.')
            .find(|word| {
                let (owner, part) = word.split_once('.').unwrap_or_default();
                owner != "loop" && is_name(owner) && is_name(part.split('.').next().unwrap_or_default())
            })
            .map(|word| (line, word.to_owned()))
    })
}

/// The messages that a template says with `t(key="…")`, each with its line (from 1); none: its name is not written there.
pub(super) fn messages(source: &str) -> Vec<(usize, Option<String>)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("t(") {
        let before = rest[..at].chars().next_back();
        let call = rest[at + 2..].trim_start();
        let line = source[..source.len() - rest.len() + at].matches('\n').count() + 1;
        rest = &rest[at + 2..];
        if before.is_some_and(is_part_of_name) {
            continue;
        }
        let argument = call.strip_prefix("key").map(str::trim_start).and_then(|call| call.strip_prefix('='));
        let Some(argument) = argument.map(str::trim_start) else { continue };
        let quote = argument.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        found.push((line, quote.and_then(|quote| argument[1..].split(quote).next()).map(str::to_owned)));
    }
    found
}

/// Whether every tag that has `name` writes it as it is, or asks whether there is one: `{{ name }}`, `{% if name %}`.
pub(super) fn is_written_plainly(source: &str, name: &str) -> bool {
    let mut rest = source;
    while let Some(at) = [rest.find("{{"), rest.find("{%")].into_iter().flatten().min() {
        let (tag, behind) = rest[at + 2..].split_once('}').unwrap_or((&rest[at + 2..], ""));
        rest = behind;
        let words: Vec<&str> = tag.trim_matches(['%', '-']).split_whitespace().collect();
        let is_plain = matches!(words[..], [one] | ["if" | "elif", one] | ["if" | "elif", "not", one] if one == name);
        if !is_plain && tag.split(|c| !is_part_of_name(c)).any(|word| word == name) {
            return false;
        }
    }
    true
}

/// The lines of every `{{ }}` and `{% %}`, each with its number and without quoted texts.
fn tags(source: &str) -> impl Iterator<Item = (usize, String)> {
    let mut inside = false;
    let mut quote = None;
    source.lines().enumerate().map(move |(number, line)| {
        let mut tag = String::new();
        let mut before = ' ';
        for c in line.chars() {
            match (inside, quote) {
                (false, _) => inside = before == '{' && (c == '{' || c == '%'),
                (true, Some(open)) if c == open => quote = None,
                (true, Some(_)) => {}
                (true, None) if matches!(c, '"' | '\'' | '`') => quote = Some(c),
                (true, None) if c == '}' && (before == '}' || before == '%') => {
                    inside = false;
                    tag.push(' ');
                }
                (true, None) => tag.push(c),
            }
            before = c;
        }
        (number + 1, tag)
    })
}

fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_tags_alone() {
        assert_eq!(part_of_a_variable("a.b {# c #}\n{{ name }}{% if user.name %}"), Some((2, "user.name".to_owned())));
        for fine in
            ["www.example.com", "{{ x | join(sep=\"a.b\") }} e.g.", "{% if x > 1.5 %}", "{{ loop.index }}", "{ a.b }"]
        {
            assert_eq!(part_of_a_variable(fine), None, "{fine}");
        }
    }

    #[test]
    fn messages_are_found_with_their_lines() {
        let found = messages(
            "{{ t(key=\"a\") }} x\n{% if b %}{{ t( key = 'c-d') }}{{ t(key=name) }}{{ int(key='x') }}{% endif %}",
        );
        assert_eq!(found, [(1, Some("a".to_owned())), (2, Some("c-d".to_owned())), (2, None)]);
    }

    #[test]
    fn what_is_done_with_a_name_is_seen() {
        for plain in ["<meta name=\"x\"> {{ name }}", "{%- if name -%}{{name}}{% endif %}", "{{ other_name | upper }}"]
        {
            assert!(is_written_plainly(plain, "name"), "{plain}");
        }
        for done in [
            "{{ name | upper }}",
            "{% if name == \"Ada\" %}",
            "{% set you = name %}",
            "{{ name }}{{ t(key=\"a\", b=name) }}",
        ] {
            assert!(!is_written_plainly(done, "name"), "{done}");
        }
    }

    #[test]
    fn a_name_is_found_where_a_tag_has_it() {
        assert_eq!(line_of("name\n{{ other_name }}\n{{\n  name }}", "name"), 4);
    }
}
