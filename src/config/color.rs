//! Colours that people can read.

/// The least contrast between text and what is behind it (WCAG 2.2, 1.4.3, level AA).
const LEAST_CONTRAST: f64 = 4.5;

/// Why a colour cannot be one of links on white, if it cannot.
pub(super) fn problem(key: &str, text: &str) -> Option<String> {
    let Some(color) = parse(text) else {
        return Some(format!("{key} = {text:?} is no colour: write it as \"#0b57d0\""));
    };
    let contrast = (luminance([255; 3]) + 0.05) / (luminance(color) + 0.05);
    (contrast < LEAST_CONTRAST).then(|| {
        format!("{key} = {text:?} is too light to read on white (contrast {contrast:.1}, and {LEAST_CONTRAST} is the least): choose a darker one")
    })
}

/// `#rrggbb`.
fn parse(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let mut color = [0; 3];
    hex::decode_to_slice(digits, &mut color).ok()?;
    Some(color)
}

/// How light a colour is, from 0 to 1 (WCAG 2.2, relative luminance).
fn luminance(color: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = color.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_that_can_be_read_on_white_are_taken() {
        // The greys on either side of the border are well known: #767676 is the lightest that passes.
        for fine in ["#0b57d0", "#000000", "#767676"] {
            assert_eq!(problem("key", fine), None);
        }
        for light in ["#777777", "#ffff00", "#ffffff"] {
            assert!(problem("key", light).is_some_and(|problem| problem.contains("too light")), "{light}");
        }
        for none in ["", "blue", "#fff", "#0b57d", "#0b57d0ff", "#0b57dg", "0b57d0", "#0b57d0;x"] {
            assert!(problem("key", none).is_some_and(|problem| problem.contains("no colour")), "{none}");
        }
    }
}
