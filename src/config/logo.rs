//! The picture above notices.

use std::path::Path;

/// The largest picture: it goes with each mail.
const MOST_BYTES: u64 = 100 * 1024;

/// What such files begin with, and their media types.
const KINDS: [(&[u8], &str); 3] =
    [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")];

/// A picture that mail programs show.
#[derive(Clone, Debug)]
pub struct Logo {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type, such as `image/png`.
    pub media_type: &'static str,
}

impl Logo {
    /// Reads a picture, and its kind from its first bytes.
    ///
    /// # Errors
    /// What is wrong with the file, with the remedy.
    pub fn read(path: &Path) -> Result<Self, String> {
        let place = format!("notices.logo = \"{}\"", path.display());
        let file = std::fs::metadata(path).map_err(|error| format!("{place} cannot be read: {error}"))?;
        if !file.is_file() {
            return Err(format!("{place} is no file: name a PNG, JPEG or GIF file"));
        }
        let size = file.len();
        if size > MOST_BYTES {
            return Err(format!(
                "{place} has {size} bytes, and goes with each mail: make it smaller than {MOST_BYTES}"
            ));
        }
        let bytes = std::fs::read(path).map_err(|error| format!("{place} cannot be read: {error}"))?;
        let kind = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic));
        let media_type = kind
            .map(|(_, kind)| *kind)
            .ok_or_else(|| format!("{place} is no PNG, JPEG or GIF file, which is what mail programs show"))?;
        Ok(Self { bytes, media_type })
    }
}
