//! Which second steps a person may choose from.

use serde::Serialize;

use super::policy::Policy;
use super::values::CountryCode;

/// A way to prove oneself beside the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code from an authenticator app (TOTP, RFC 6238): everywhere.
    Authenticator,
    /// A code by text message: only where the country is known and allows it.
    Sms,
}

/// The methods for a person in `country` (unknown: `None`), who receives payments or does not.
#[must_use]
pub fn methods(country: Option<CountryCode>, payee: bool, policy: &Policy) -> Vec<Method> {
    let allowed = if payee { &policy.payee_sms_countries } else { &policy.sms_countries };
    if country.is_some_and(|country| allowed.contains(&country)) {
        vec![Method::Authenticator, Method::Sms]
    } else {
        vec![Method::Authenticator]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sms_needs_a_known_country_that_allows_it_and_payees_need_the_us() {
        let policy = Policy::default();
        let sms = |country: Option<&str>, payee| {
            methods(country.map(|code| code.parse().unwrap()), payee, &policy).contains(&Method::Sms)
        };
        assert!(sms(Some("DE"), false));
        assert!(!sms(Some("DE"), true));
        assert!(sms(Some("US"), true));
        assert!(!sms(Some("JP"), false));
        assert!(!sms(None, false));
    }
}
