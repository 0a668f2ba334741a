//! How HubSpot signs. <https://developers.hubspot.com/docs/api/webhooks/validating-requests>
//!
//! - v3 (`X-HubSpot-Signature-v3`): base 64 of the HMAC-SHA256 under the app's client secret of method, URI, body and
//!   `X-HubSpot-Request-Timestamp` (milliseconds, no older than 5 minutes). Some escapes of the URI are undone first.
//! - v1 (`X-HubSpot-Signature`, with `X-HubSpot-Signature-Version: v1`): hexadecimal of the SHA-256 of client secret and
//!   body. It says nothing of when it was made, so it is taken only where the configuration allows it: `signature: v1`.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Keys, word};

use crate::proof::{from_base64, from_hex, header, hmac_sha256, within};
use crate::{Delivery, Refused, Secrets};

const V3: &str = "x-hubspot-signature-v3";
const TIMESTAMP: &str = "x-hubspot-request-timestamp";
const V1: &str = "x-hubspot-signature";
/// How old a signed request may be.
const WINDOW: Millis = 5 * 60_000;

/// Which signatures are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// v3 alone.
    V3,
    /// v1 too, where a request has no v3.
    V1,
}

impl Signature {
    /// `signature: v3`, which is the default, or `v1`.
    pub fn read(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Signature> {
        let words = [("v3", Signature::V3), ("v1", Signature::V1)];
        match keys.optional("signature") {
            Some(node) => word(node, "`signature`", &words, found),
            None => Some(Signature::V3),
        }
    }

    /// Whether HubSpot has signed it.
    pub fn verify(self, delivery: &Delivery<'_>, secrets: &Secrets) -> Result<(), Refused> {
        if self == Signature::V1 && delivery.header(V3).is_none() {
            let given = from_hex(header(delivery, V1)?, V1)?;
            return secrets.prove(&given, |secret| {
                Sha256::new().chain_update(secret).chain_update(delivery.body).finalize().to_vec()
            });
        }
        let given = from_base64(header(delivery, V3)?, V3)?;
        let timestamp = header(delivery, TIMESTAMP)?;
        let signed_at = timestamp.parse().map_err(|_| Refused::Malformed(TIMESTAMP.to_owned()))?;
        let uri = unescaped(delivery.uri);
        let parts: [&[u8]; 4] = [delivery.method.as_bytes(), uri.as_bytes(), delivery.body, timestamp.as_bytes()];
        secrets.prove(&given, |secret| hmac_sha256(secret, &parts))?;
        within(signed_at, delivery, WINDOW)
    }
}

/// The escapes that HubSpot undoes before it signs; the question mark that begins the query stays what it is.
const ESCAPES: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

fn unescaped(uri: &str) -> Cow<'_, str> {
    if !uri.contains('%') {
        return Cow::Borrowed(uri);
    }
    let mut parts = uri.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part.get(..2).and_then(|code| ESCAPES.iter().find(|(other, _)| other.eq_ignore_ascii_case(code)));
        match escape {
            Some((code, sign)) => {
                plain.push(*sign);
                plain.push_str(&part[code.len()..]);
            }
            None => {
                plain.push('%');
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}
