//! How a system that is known by its mapping proves who it is: by a token, or by a signature of the body.

use tierline_rules::source::{Diagnostics, Keys, Node, text, word};

use crate::proof::{self, TOKEN_HEADER, from_base64, from_hex, hmac_sha1, hmac_sha256};
use crate::{Delivery, Refused, Secrets};

/// How it is proved.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// This header, or `Authorization: Bearer`, has the secret.
    Token(String),
    /// This header has the HMAC of the body.
    Signature { header: String, prefix: String, hash: Hash, encoding: Encoding },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

impl Default for Proof {
    fn default() -> Proof {
        Proof::Token(TOKEN_HEADER.to_owned())
    }
}

impl Proof {
    /// `token_header`, or `signature: { header, prefix, hash, encoding }`.
    pub fn read(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Proof> {
        let header = keys.optional("token_header");
        if let Some(node) = keys.optional("signature") {
            return signature(node, found);
        }
        let Some(header) = header else { return Some(Proof::default()) };
        Some(Proof::Token(text(header, "`token_header`", found)?.to_ascii_lowercase()))
    }

    pub fn verify(&self, delivery: &Delivery<'_>, secrets: &Secrets) -> Result<(), Refused> {
        match self {
            Proof::Token(header) => proof::token(delivery, header, secrets),
            Proof::Signature { header, prefix, hash, encoding } => {
                let given = proof::header(delivery, header)?;
                let given = given.strip_prefix(prefix.as_str()).ok_or_else(|| Refused::Malformed(header.clone()))?;
                let given = match encoding {
                    Encoding::Hex => from_hex(given, header)?,
                    Encoding::Base64 => from_base64(given, header)?,
                };
                secrets.prove(&given, |secret| match hash {
                    Hash::Sha1 => hmac_sha1(secret, &[delivery.body]),
                    Hash::Sha256 => hmac_sha256(secret, &[delivery.body]),
                })
            }
        }
    }
}

fn signature(node: &Node, found: &mut Diagnostics) -> Option<Proof> {
    let mut keys = Keys::of(node, "`signature`", found)?;
    let header = keys.required("header", found).and_then(|node| text(node, "`signature.header`", found));
    let prefix = keys.optional("prefix").and_then(|node| text(node, "`signature.prefix`", found));
    let hashes = [("sha256", Hash::Sha256), ("sha1", Hash::Sha1)];
    let hash = keys.optional("hash").map(|node| word(node, "`signature.hash`", &hashes, found));
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = keys.optional("encoding").map(|node| word(node, "`signature.encoding`", &encodings, found));
    keys.finish(found);
    Some(Proof::Signature {
        header: header?.to_ascii_lowercase(),
        prefix: prefix.unwrap_or_default().to_owned(),
        hash: hash.unwrap_or(Some(Hash::Sha256))?,
        encoding: encoding.unwrap_or(Some(Encoding::Hex))?,
    })
}
