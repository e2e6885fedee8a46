//! Mistakes in templates, found when they are loaded.

use mfa_enforcer::domain::notice::NoticeKind;
use mfa_enforcer::mail::sample;
use mfa_enforcer::mail::templates::Templates;
use tempfile::TempDir;

use crate::support::notice_settings;

/// A template folder with one file, and the settings that use it.
fn with_file(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    let settings = format!("template_dir = '{}'", folder.path().display());
    (folder, settings)
}

/// What is said about one file, with its folder left out.
fn complaint(name: &str, text: &str) -> String {
    let (folder, settings) = with_file(name, text);
    let loaded = Templates::load(&notice_settings(&settings));
    let Err(error) = loaded else { panic!("nothing is said about {name}: {text}") };
    let error = error.to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    error.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn a_file_of_the_operator_s_takes_the_built_in_one_s_place() {
    let (_folder, settings) = with_file("reminder/subject.txt", "{{ days_left }} days, {{ product }}");
    let templates = Templates::load(&notice_settings(&settings)).unwrap();
    assert_eq!(templates.render(&sample::of_kind(NoticeKind::Reminder, true)).unwrap().subject, "14 days, Ledger");
    let other = templates.render(&sample::of_kind(NoticeKind::Announcement, true)).unwrap();
    assert!(other.subject.starts_with("From Friday"), "{}", other.subject);
}

#[test]
fn a_message_of_the_operator_s_takes_the_built_in_one_s_place() {
    let (_folder, settings) =
        with_file("locales/en.ftl", "hello = Dear { $name },\nask-admin = Ask <strong>IT</strong>.\n");
    let templates = Templates::load(&notice_settings(&settings)).unwrap();
    let rendered = templates.render(&sample::of_kind(NoticeKind::Reminder, true)).unwrap();
    assert!(rendered.text.starts_with("Dear Ada Lovelace,\n"), "{}", rendered.text);
    assert!(rendered.text.contains("\nAsk IT.\n") && rendered.html.contains("<p>Ask IT.</p>"), "{}", rendered.html);
}

#[test]
fn line_ends_and_marks_of_other_editors_are_read() {
    let (_folder, settings) = with_file("locales/en.ftl", "\u{feff}hello = Dear { $name },\r\n");
    let templates = Templates::load(&notice_settings(&settings)).unwrap();
    let text = templates.render(&sample::of_kind(NoticeKind::Reminder, true)).unwrap().text;
    assert!(text.starts_with("Dear Ada Lovelace,\n"), "{text}");
}

#[test]
fn a_language_is_added_by_its_file() {
    let english =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/email_templates/locales/en.ftl")).unwrap();
    let (_folder, settings) = with_file("locales/nl.ftl", &english.replace("hello = Hello", "hello = Dag"));
    let templates = Templates::load(&notice_settings(&settings)).unwrap();
    let mut message = sample::of_kind(NoticeKind::Reminder, true);
    message.reader.locales = vec!["nl-BE".to_owned()];
    let rendered = templates.render(&message).unwrap();
    assert!(rendered.text.starts_with("Dag Ada Lovelace,\n"), "{}", rendered.text);
    assert!(rendered.text.contains("vrijdag 15\njanuari 2027"), "dates come with it: {}", rendered.text);
    assert!(rendered.html.starts_with("<!doctype html><html lang=\"nl\""), "{}", rendered.html);
}

#[test]
fn a_mistake_stops_the_start_with_file_and_line() {
    let cases = [
        ("reminder/body.txt", "Hello\n{{ compny }}\n"),
        ("reminder/body.txt", "Hello\n\n{% if compny %}at {{ company }}{% endif %}\n"),
        (
            "frame/body.mjml",
            "<mjml><mj-head></mj-head><mj-body>\n{% for section in sektions %}{{ section | safe }}{% endfor %}\n",
        ),
        ("frame/subject.txt", "{{ headline }}\n{{ others | plural }}"),
        ("cancelled/body.mjml", "<p>\n{{ told </p>\n"),
        ("cancelled/body.mjml", "<p>{% if told %}</p>\n"),
        ("welcome/subject.txt", "x\n{{ company | nth(n=\"a\") }}"),
        ("welcome/subject.txt", "x\n{{ date.year }}"),
        ("frame/contact.txt", "{% if company.name %}x{% endif %}\nAsk {{ contact }}"),
        ("frame/body.txt", "{% for contact in contacts %}\n{% if contact.name %}x{% endif %}{% endfor %}"),
        ("frame/body.txt", "{% include \"missing.txt\" %}"),
        ("frame/body.txt", "{{ t(key=\"hello\") }}\n{{ t(key=\"helo\") }}"),
        ("frame/subject.txt", "{{ t(key=\"subject-from\") }}"),
        ("reminder/subject.txt", "{{ t(key=\"when-moved\") }}"),
        ("reminder/body.mjml", "<mj-section>\n<mj-colum><mj-text>x</mj-text></mj-colum></mj-section>"),
        ("reminder/body.mjml", "<mj-section>\n<mj-column>\n<mj-text>x</mj-column></mj-section>"),
        ("reminder/body.mjml", "<mj-section>\n<mj-column>\n"),
        (
            "reminder/body.mjml",
            "<mj-section><mj-column><mj-text>\n{% if days_left < 2 %}x{% endif %}</mj-text></mj-column></mj-section>",
        ),
        ("reminder/body.mjml", "<mj-section><mj-column>\n<mj-text>{{ compny }}</mj-text></mj-column></mj-section>"),
        ("locales/en.ftl", "hello = Hello\nhi there"),
        ("locales/en.ftl", "hello = Hello <b>{ $name }</b>"),
        ("locales/en.ftl", "\nhello = Hello <strong>{ $name }"),
        ("locales/de.ftl", "\nhello = Guten Tag { $nmae },"),
        ("locales/de.ftl", "helo = Guten Tag"),
        ("locales/de.ftl", "hello = Guten Tag { helo }"),
        ("locales/de.ftl", "hello = { DATETIME($name) }"),
        ("locales/de.ftl", "when-from = Das gilt bald."),
        ("locales/de.ftl", "when-moved-now = Erst { $told }, nun { $when }."),
        ("locales/de.ftl", "when-exempt = { when-exempt-there }\nwhen-exempt-there = { when-exempt }"),
        ("locales/en.ftl", "-who = { $company }\nhello = Hello { $name } of { -who },"),
        ("locales/en.ftl", "hello = <a>javascript:alert(1)</a> { $name }"),
        ("locales/en.ftl", "hello = <a>{ $name }</a>"),
        ("locales/en.ftl", "hello = Hello \u{1b}{ $name }"),
        ("locales/DE.ftl", "hello = Moin,"),
        ("frame/body.txt", "{% if several %}{{ t(key = 'nosuch') }}{% endif %}"),
        ("frame/body.txt", "{% if several %}{{ t(key=product) }}{% endif %}"),
        ("frame/body.txt", "{{ t(key=\"hello\") }}{% for section in sections %}{{ section }}{% endfor %}"),
        ("frame/body.txt", "Hello"),
        ("frame/body.mjml", "<mjml><mj-head><mj-attributes>junk</mj-attributes></mj-head><mj-body></mj-body></mjml>"),
        ("announcement/subject.txt", ""),
        ("announcement/body.txt", ""),
        ("announcement/body.mjml", "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>"),
        ("locales/nl.ftl", "hello = Hallo { $name },"),
        ("locales/nederlands?.ftl", "hello = Hallo"),
    ];
    let complaints: Vec<_> = cases.iter().map(|(name, text)| complaint(name, text)).collect();
    insta::assert_snapshot!("mistakes", complaints.join("\n\n"));
}

#[test]
fn a_misnamed_file_is_not_passed_over_in_silence() {
    insta::assert_snapshot!(complaint("anouncement/subject.txt", "x"), @"DIR/anouncement/subject.txt takes no template's place: rename it (did you mean announcement/subject.txt?) or move it elsewhere");
    insta::assert_snapshot!(complaint("reminder/body.htm", "x"), @"DIR/reminder/body.htm takes no template's place: rename it (did you mean reminder/body.txt?) or move it elsewhere");
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let error = Templates::load(&notice_settings("template_dir = '/nowhere/at/all'")).unwrap_err().to_string();
    assert_eq!(error, "/nowhere/at/all cannot be read: No such file or directory (os error 2)");
}

#[test]
fn the_built_in_folder_can_be_copied_and_changed() {
    let settings = format!("template_dir = '{}/email_templates'", env!("CARGO_MANIFEST_DIR"));
    Templates::load(&notice_settings(&settings)).unwrap();
}

#[test]
fn the_table_of_variables_is_the_code_s_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/email_templates/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let table = mfa_enforcer::mail::templates::variables_table();
    assert!(readme.contains(&table), "put this table into email_templates/README.md:\n\n{table}");
}
