//! Whether a delivery is from whom it claims to be from: signatures, tokens, the age of a signed timestamp.
//!
//! Every comparison takes as long for a wrong secret as for a right one. Two secrets may hold at once, so that one can
//! be replaced without losing a delivery.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use tierline_model::Millis;

use crate::Delivery;

/// One secret of a source, or two while one replaces the other. Its `Debug` is stars.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<Vec<u8>>);

/// Why a delivery is refused. None says how far a wrong one was right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It carries no proof.
    #[error("the header `{0}` is missing")]
    Unsigned(String),
    /// Its proof is not what a proof of its kind looks like.
    #[error("the header `{0}` is not of the form that it must be of")]
    Malformed(String),
    /// No secret of ours makes this proof.
    #[error("the signature or token is not one of ours")]
    Wrong,
    /// It was signed too long ago, or ahead of our clock: somebody may be repeating what they overheard.
    #[error("it was signed too long ago, or our clock is wrong")]
    Stale,
}

impl Refused {
    /// Stable: a label of metrics, and part of the answer.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Unsigned(_) => "unsigned",
            Refused::Malformed(_) => "malformed_signature",
            Refused::Wrong => "wrong_signature",
            Refused::Stale => "stale_signature",
        }
    }
}

impl Secrets {
    /// These secrets.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Secrets {
        Secrets(secrets.into_iter().map(|secret| secret.as_ref().to_vec()).collect())
    }

    /// Whether there is none, so that nothing could ever be verified.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them makes this proof: `make` computes it of a secret. All are tried, however early one fits.
    pub fn prove(&self, given: &[u8], make: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), Refused> {
        let any = self.0.iter().fold(Choice::from(0), |any, secret| any | make(secret).ct_eq(given));
        if bool::from(any) { Ok(()) } else { Err(Refused::Wrong) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × ***", self.0.len())
    }
}

/// The HMAC-SHA256 of these parts, one after the other.
pub fn hmac_sha256(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // A key of any length is taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// The HMAC-SHA1 of these parts. For those vendors that still sign so.
pub fn hmac_sha1(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // As above.
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// A header that must be there.
pub fn header<'a>(delivery: &Delivery<'a>, name: &str) -> Result<&'a str, Refused> {
    delivery.header(name).filter(|value| !value.is_empty()).ok_or_else(|| Refused::Unsigned(name.to_owned()))
}

/// The bytes of a proof in hexadecimal; `name` is the header, for the refusal.
pub fn from_hex(text: &str, name: &str) -> Result<Vec<u8>, Refused> {
    let digits: Option<Vec<u32>> = text.chars().map(|char| char.to_digit(16)).collect();
    match digits {
        Some(digits) if !digits.is_empty() && digits.len() % 2 == 0 => {
            // Two digits below 16 are a byte.
            Ok(digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
        }
        _ => Err(Refused::Malformed(name.to_owned())),
    }
}

/// The bytes of a proof in base 64.
pub fn from_base64(text: &str, name: &str) -> Result<Vec<u8>, Refused> {
    STANDARD.decode(text).map_err(|_| Refused::Malformed(name.to_owned()))
}

/// Whether a signed instant lies no further than `window` from when the delivery came, on either side.
pub fn within(signed_at: Millis, delivery: &Delivery<'_>, window: Millis) -> Result<(), Refused> {
    let near = delivery
        .received_at
        .checked_sub(signed_at)
        .is_some_and(|age| age.checked_abs().is_some_and(|age| age <= window));
    if near { Ok(()) } else { Err(Refused::Stale) }
}

/// Whether a header carries one of the secrets itself: `Authorization: Bearer …`, or this header, which may be another
/// for each source. For systems that cannot sign.
pub fn token(delivery: &Delivery<'_>, name: &str, secrets: &Secrets) -> Result<(), Refused> {
    let bearer = || {
        let (scheme, token) = delivery.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    };
    let given = delivery.header(name).filter(|value| !value.is_empty()).or_else(bearer);
    let given = given.ok_or_else(|| Refused::Unsigned(name.to_owned()))?;
    // Compared as hashes: their length says nothing of the secret's.
    let digest = |secret: &[u8]| hmac_sha256(b"tierline token", &[secret]);
    secrets.prove(&digest(given.as_bytes()), digest)
}

/// The header in which a token comes where a source names no other.
pub const TOKEN_HEADER: &str = "x-tierline-token";

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery<'a>(headers: &'a [(&'a str, &'a str)]) -> Delivery<'a> {
        Delivery { headers, ..Delivery::bare(b"{}", 1_000_000) }
    }

    /// RFC 4231, test case 2; RFC 2202, test case 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let parts: &[&[u8]] = &[b"what do ya want ", b"for nothing?"];
        let wanted = from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "x").unwrap();
        assert_eq!(hmac_sha256(b"Jefe", parts), wanted);
        let wanted = from_hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "x").unwrap();
        assert_eq!(hmac_sha1(b"Jefe", parts), wanted);
    }

    #[test]
    fn either_of_two_secrets_proves_and_no_third() {
        let secrets = Secrets::new(["old", "new"]);
        for secret in ["old", "new"] {
            let given = hmac_sha256(secret.as_bytes(), &[b"body"]);
            assert_eq!(secrets.prove(&given, |secret| hmac_sha256(secret, &[b"body"])), Ok(()));
        }
        let given = hmac_sha256(b"guess", &[b"body"]);
        assert_eq!(secrets.prove(&given, |secret| hmac_sha256(secret, &[b"body"])), Err(Refused::Wrong));
        assert_eq!(Secrets::default().prove(b"", |_| Vec::new()), Err(Refused::Wrong));
        assert_eq!(format!("{secrets:?}"), "2 × ***");
    }

    #[test]
    fn a_token_comes_in_its_header_or_as_a_bearers() {
        let secrets = Secrets::new(["s3cret"]);
        let shown = |headers: &[(&str, &str)]| token(&delivery(headers), TOKEN_HEADER, &secrets);
        assert_eq!(shown(&[("X-Tierline-Token", "s3cret")]), Ok(()));
        assert_eq!(shown(&[("authorization", "bearer s3cret")]), Ok(()));
        assert_eq!(shown(&[("authorization", "Basic s3cret")]), Err(Refused::Unsigned(TOKEN_HEADER.to_owned())));
        assert_eq!(shown(&[("x-tierline-token", "s3cre")]), Err(Refused::Wrong));
        assert_eq!(shown(&[]), Err(Refused::Unsigned(TOKEN_HEADER.to_owned())));
    }

    #[test]
    fn a_signed_instant_may_be_as_far_as_the_window_on_either_side() {
        let delivery = delivery(&[]);
        assert_eq!(within(999_000, &delivery, 1_000), Ok(()));
        assert_eq!(within(1_001_000, &delivery, 1_000), Ok(()));
        assert_eq!(within(998_999, &delivery, 1_000), Err(Refused::Stale));
        assert_eq!(within(Millis::MIN, &delivery, 1_000), Err(Refused::Stale));
    }
}
