//! Return paths: the address that a mail comes back to, another one for each mail (VERP), and signed, so that a bounce can
//! only be about a mail of ours.

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use lettre::Address;
use ring::hmac::{self, HMAC_SHA256};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::compose::address;
use crate::config::bounces::BounceSettings;
use crate::domain::ids::Id;

/// What is signed begins with this, so that no signature made for anything else will do.
const PURPOSE: &[u8] = b"return-path\0";
/// How many bytes of the signature are kept: 80 bits, which nobody tries out against a mail server.
const SIGNATURE: usize = 10;
/// How many characters of the token are the id's (RFC 4648, 6, without padding).
const ID_CHARACTERS: usize = 26;

/// Makes return paths, `NAME+TOKEN@DOMAIN`, and reads them again. The token is the mail's id and the beginning of its
/// HMAC-SHA-256, in base32.
#[derive(Clone)]
pub struct ReturnPath {
    mailbox: Address,
    key: hmac::Key,
}

impl std::fmt::Debug for ReturnPath {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReturnPath").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

impl ReturnPath {
    /// That of the settings; none where they name no address.
    ///
    /// # Errors
    /// What is wrong with the address, with the remedy.
    pub fn from_settings(settings: &BounceSettings) -> Result<Option<Self>, String> {
        let (Some(text), Some(key)) = (&settings.address, &settings.key) else { return Ok(None) };
        let mailbox = address(text).map_err(|_| {
            format!("bounces.address = {text:?} is not a mail address: write it as bounces@mail.example.com")
        })?;
        Ok(Some(Self { mailbox, key: hmac::Key::new(HMAC_SHA256, key.expose_secret().as_bytes()) }))
    }

    /// The mailbox itself.
    #[must_use]
    pub fn mailbox(&self) -> &Address {
        &self.mailbox
    }

    /// The return path of the mail with this id.
    #[must_use]
    pub fn of(&self, mail: Id) -> Address {
        let id = mail.0.as_bytes();
        let token = (BASE32_NOPAD.encode(id) + &BASE32_NOPAD.encode(&self.signature(id))).to_ascii_lowercase();
        // An address whose name has grown by letters and digits is one still; the settings leave room for them.
        Address::new_dangerous(format!("{}+{token}", self.mailbox.user()), self.mailbox.domain())
    }

    /// The id of the mail whose return path `address` is; none if it is not one that we have made. Upper and lower case
    /// are the same.
    #[must_use]
    pub fn mail_of(&self, address: &str) -> Option<Id> {
        let (name, domain) = address.trim().rsplit_once('@')?;
        let (name, token) = name.split_once('+')?;
        if !name.eq_ignore_ascii_case(self.mailbox.user()) || !domain.eq_ignore_ascii_case(self.mailbox.domain()) {
            return None;
        }
        let (id, signature) = token.split_at_checked(ID_CHARACTERS)?;
        let decode = |text: &str| BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok();
        let (id, signature): (Vec<u8>, Vec<u8>) = (decode(id)?, decode(signature)?);
        let is_ours: bool = self.signature(&id).ct_eq(&signature).into();
        if is_ours { Uuid::from_slice(&id).ok().map(Id) } else { None }
    }

    fn signature(&self, id: &[u8]) -> [u8; SIGNATURE] {
        let whole = hmac::sign(&self.key, &[PURPOSE, id].concat());
        let mut kept = [0; SIGNATURE];
        kept.copy_from_slice(&whole.as_ref()[..SIGNATURE]);
        kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_key(key: &str) -> ReturnPath {
        let settings = format!("address = 'Bounces@Mail.Ledger.example'\nkey = '{key}'");
        ReturnPath::from_settings(&toml::from_str(&settings).unwrap()).unwrap().unwrap()
    }

    fn ours() -> ReturnPath {
        with_key("0123456789abcdef")
    }

    #[test]
    fn it_is_short_enough_and_always_the_same() {
        let longest = "address = 'fifteen-letters@mail.ledger.example'\nkey = '0123456789abcdef'";
        let longest = ReturnPath::from_settings(&toml::from_str(longest).unwrap()).unwrap().unwrap();
        assert!(longest.of(Id::FIRST).user().len() <= 64);
        // As Python's hmac and base64 have it.
        let made = ours().of(Id(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_00aa)));
        assert_eq!(made.to_string(), "Bounces+agmaaaaaabyabaaaaaaaaaaavizzjdgmnbjaydkno7@Mail.Ledger.example");
        assert!(!format!("{:?}", ours()).contains("0123456789abcdef"));
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        let made = ours().of(Id::FIRST).to_string();
        assert_eq!(with_key("another key, and long").mail_of(&made), None);
        let token = made.split(['+', '@']).nth(1).unwrap();
        for other in [
            String::new(),
            "Bounces@Mail.Ledger.example".to_owned(),
            format!("other+{token}@mail.ledger.example"),
            format!("bounces+{token}@ledger.example"),
            format!("bounces+{token}x@mail.ledger.example"),
            format!("bounces+x{token}@mail.ledger.example"),
            format!("bounces+{}@mail.ledger.example", &token[..ID_CHARACTERS]),
            format!("bounces+{}@mail.ledger.example", &token[..token.len() - 1]),
            format!("bounces+{}@mail.ledger.example", "a".repeat(42)),
            format!("bounces+{}é@mail.ledger.example", &token[..25]),
        ] {
            assert_eq!(ours().mail_of(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_was_made_is_read_again_in_any_case(id: u128, upper: bool) {
            let made = ours().of(Id(Uuid::from_u128(id))).to_string();
            let met = if upper { made.to_uppercase() } else { made.to_lowercase() };
            prop_assert_eq!(ours().mail_of(&met), Some(Id(Uuid::from_u128(id))));
        }

        #[test]
        fn one_changed_character_is_enough(id: u128, at in 0..42_usize, letter in "[a-z2-7]") {
            let made = ours().of(Id(Uuid::from_u128(id))).to_string();
            let at = "bounces+".len() + at;
            prop_assume!(made[at..=at] != letter);
            let changed = format!("{}{letter}{}", &made[..at], &made[at + 1..]);
            prop_assert_eq!(ours().mail_of(&changed), None);
        }

        #[test]
        fn rubbish_is_no_return_path(text in ".{0,80}", token in "[a-z2-7+@]{0,50}") {
            prop_assert_eq!(ours().mail_of(&text), None);
            prop_assert_eq!(ours().mail_of(&format!("bounces+{token}@mail.ledger.example")), None);
        }
    }
}
