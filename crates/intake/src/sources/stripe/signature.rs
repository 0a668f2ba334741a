//! How Stripe signs. <https://docs.stripe.com/webhooks/signature>
//!
//! `Stripe-Signature: t=1492774577,v1=5257a8…,v1=…,v0=…`: `v1` is the hexadecimal HMAC-SHA256 of `t`, a dot and the body
//! under the endpoint's secret (`whsec_…`, as it stands); while a secret is replaced there are several. `v0` is made for
//! tests and proves nothing.

use tierline_model::Millis;

use crate::proof::{from_hex, header, hmac_sha256, within};
use crate::{Delivery, Refused, Secrets};

const HEADER: &str = "stripe-signature";
/// What Stripe's own libraries allow.
pub const TOLERANCE: Millis = 5 * 60_000;
/// Nobody has more secrets at once; a header of thousands is an attack on our time.
const MOST: usize = 8;

/// Whether Stripe has signed it, and not too long ago.
pub fn verify(delivery: &Delivery<'_>, secrets: &Secrets, tolerance: Millis) -> Result<(), Refused> {
    let malformed = || Refused::Malformed(HEADER.to_owned());
    let parts = header(delivery, HEADER)?.split(',').filter_map(|part| part.trim().split_once('='));
    let timestamp = parts.clone().find(|(name, _)| *name == "t").map(|(_, at)| at).ok_or_else(malformed)?;
    let signed_at: Millis = timestamp.parse().map_err(|_| malformed())?;
    let given: Vec<_> = parts.filter(|(name, _)| *name == "v1").take(MOST).map(|(_, hex)| hex).collect();
    if given.is_empty() {
        return Err(malformed());
    }
    let signed: [&[u8]; 3] = [timestamp.as_bytes(), b".", delivery.body];
    let proves = |hex: &&str| {
        from_hex(hex, HEADER).and_then(|given| secrets.prove(&given, |secret| hmac_sha256(secret, &signed)))
    };
    // All are tried: how long it takes says nothing of which fitted.
    let proved = given.iter().filter(|hex| proves(hex).is_ok()).count();
    if proved == 0 {
        return Err(Refused::Wrong);
    }
    within(signed_at.saturating_mul(1_000), delivery, tolerance)
}
