//! Values as people write them: of which type they must be, and how messages show them.

use toml::Value;

use super::schema::Schema;

/// What an environment variable's `text` means where the default is `like`; none if it cannot be of that type.
///
/// A list is separated by commas, or written as in TOML.
pub(super) fn from_text(text: &str, like: &Value) -> Option<Value> {
    match like {
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        Value::Array(items) => {
            let list = if text.trim_start().starts_with('[') {
                let mut table: toml::Table = format!("list = {text}").parse().ok()?;
                table.remove("list").filter(|_| table.is_empty())?
            } else {
                let sample = items.first().cloned().unwrap_or_else(|| Value::String(String::new()));
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| from_text(part, &sample)).collect::<Option<_>>()?)
            };
            is_like(&list, like).then_some(list)
        }
        _ => Some(Value::String(text.to_owned())),
    }
}

/// Whether `given` has the type of `like`, the items of lists included.
pub(super) fn is_like(given: &Value, like: &Value) -> bool {
    match (given, like) {
        (Value::Array(given), Value::Array(like)) => {
            like.first().is_none_or(|sample| given.iter().all(|item| is_like(item, sample)))
        }
        _ => given.same_type(like),
    }
}

/// What to tell somebody who gave `section.key` a value of another type.
pub(super) fn mismatch(schema: &Schema, section: &str, key: &str, given: &Value) -> String {
    let default = schema.default_of(section, key);
    let expected = match default {
        Some(Value::Integer(_)) => "a whole number",
        Some(Value::Boolean(_)) => "true or false",
        Some(Value::Array(items)) if items.first().is_some_and(Value::is_integer) => "a list of whole numbers",
        Some(Value::Array(_)) => "a list of texts",
        _ => "a text in quotes",
    };
    let example = match default {
        None | Some(Value::Boolean(_)) => String::new(),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        Some(Value::Array(items)) => format!(", such as {}", Value::Array(items.iter().take(2).cloned().collect())),
        Some(default) => format!(", such as {default}"),
    };
    format!("{section}.{key}: {} is not {expected}{example}", shown(schema, section, key, given))
}

/// What to tell somebody whose value for `section.key` has the right type and was refused for `reason`.
pub(super) fn refusal(schema: &Schema, section: &str, key: &str, given: &Value, reason: &str) -> String {
    if is_unset(given) {
        format!("{section}.{key} must not be empty")
    } else if schema.file_key(section, key).is_some() {
        // The reason may quote the secret: say which form it must have instead.
        let form = match section {
            "database" if names_several_hosts(given) => {
                ": it names several hosts; name one, whose addresses are tried in turn, and that leads to the primary"
            }
            "database" => ": write sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE",
            "smtp" if key == "url" => ": write smtp://HOST:PORT, smtps://HOST:PORT or file:DIR",
            _ => "",
        };
        format!("{section}.{key}: the value (a secret, not shown) cannot be used{form}")
    } else if let Some((given, choices)) = unknown_choice(reason) {
        format!("{section}.{key}: {given} is not one of {choices}")
    } else {
        format!("{section}.{key}: {reason}")
    }
}

/// Whether it is a list of hosts, as `libpq` takes one.
fn names_several_hosts(given: &Value) -> bool {
    let url = given.as_str().unwrap_or_default().split('?').next().unwrap_or_default();
    url.rsplit('@').next().is_some_and(|host| host.contains(','))
}

/// What was given and what can be, if that is what serde complains about.
fn unknown_choice(reason: &str) -> Option<(&str, &str)> {
    let (given, choices) = reason.strip_prefix("unknown variant ")?.split_once(", expected ")?;
    Some((given, choices.strip_prefix("one of ").unwrap_or(choices)))
}

/// Whether this stands for 'not set'.
pub(super) fn is_unset(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

fn shown(schema: &Schema, section: &str, key: &str, given: &Value) -> String {
    if schema.file_key(section, key).is_some() {
        return "the value (a secret, not shown)".to_owned();
    }
    let text = given.as_str().map_or_else(|| given.to_string(), |text| format!("'{text}'"));
    let line: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > 80 { format!("{line}…") } else { line }
}
