//! Signatures: vectors of the vendors' documentation where there are any, else made by another implementation, Python's
//! `hmac` and `hashlib`:
//!
//! ```python
//! hmac.new(secret, method + uri + body + timestamp, sha256)   # HubSpot v3, in base 64
//! hmac.new(secret, timestamp + "." + body, sha256)            # Stripe v1, in hexadecimal
//! ```

use std::sync::Arc;

use crate::kit::{NOW, source};
use tierline_intake::{Delivery, Refused, Source};

const URI: &str = "https://tierline.acme.example/hooks/hubspot?team=a%3Ab";
const BODY: &str = r#"[{"eventId":1,"subscriptionType":"company.propertyChange","objectId":900,"propertyName":"plan","propertyValue":"pro"}]"#;
/// By Python, of the URI with `a:b`, as HubSpot signs it.
const V3: &str = "FxGgnsVzB/NL1/T55Zilt7GDrBc7GnTzA+h1nNTTIWs=";
const V3_OF_ANOTHER_SECRET: &str = "fQbWpREyVn4Yk2yNv7rYcC5OhnAVjz9Wogw16MMPJw8=";

fn hubspot(signature: &str, uri: &str, body: &str, received_at: i64) -> Result<(), Refused> {
    let headers = [("X-HubSpot-Signature-v3", signature), ("X-HubSpot-Request-Timestamp", "1772445600000")];
    let delivery = Delivery { uri, headers: &headers, ..Delivery::bare(body.as_bytes(), received_at) };
    source("hubspot", "kind: hubspot").verify(&delivery)
}

#[test]
fn hubspots_third_signature_is_of_method_uri_body_and_time() {
    assert_eq!(hubspot(V3, URI, BODY, NOW), Ok(()));
    assert_eq!(hubspot(V3, &URI.replace("%3A", ":"), BODY, NOW), Ok(()));
    assert_eq!(hubspot(V3_OF_ANOTHER_SECRET, URI, BODY, NOW), Err(Refused::Wrong));
    assert_eq!(hubspot(V3, "https://elsewhere.example/", BODY, NOW), Err(Refused::Wrong));
    assert_eq!(hubspot(V3, URI, "[]", NOW), Err(Refused::Wrong));
    assert!(matches!(hubspot("sha256=xyz789", URI, BODY, NOW), Err(Refused::Malformed(_))));
}

#[test]
fn hubspots_signature_lasts_five_minutes() {
    assert_eq!(hubspot(V3, URI, BODY, NOW + 300_000), Ok(()));
    assert_eq!(hubspot(V3, URI, BODY, NOW + 300_001), Err(Refused::Stale));
}

#[test]
fn hubspots_first_signature_is_taken_where_it_is_allowed() {
    // https://developers.hubspot.com/docs/api/webhooks/validating-requests, with its secret and its body.
    let body = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
    let headers = [
        ("X-HubSpot-Signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"),
        ("X-HubSpot-Signature-Version", "v1"),
    ];
    let delivery = Delivery { headers: &headers, ..Delivery::bare(body.as_bytes(), NOW) };
    let with = |options: &str| -> Arc<dyn Source> {
        crate::kit::with_secrets("hubspot", options, &["yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "another"]).unwrap()
    };
    assert_eq!(with("signature: v1").verify(&delivery), Ok(()));
    assert!(matches!(with("kind: hubspot").verify(&delivery), Err(Refused::Unsigned(_))));
    let other = Delivery { body: b"[]", ..delivery };
    assert_eq!(with("signature: v1").verify(&other), Err(Refused::Wrong));
}

const EVENT: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
/// By Python.
const V1: &str = "5b5f1e9ba276eee733fdbd6ff88e44adc670f53c58e26a419c4cf540105d5af4";
const NONE: &str = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd";

fn stripe(header: &str, body: &[u8], received_at: i64) -> Result<(), Refused> {
    let headers = [("Stripe-Signature", header)];
    let delivery = Delivery { headers: &headers, ..Delivery::bare(body, received_at) };
    source("stripe", "tolerance: 3m").verify(&delivery)
}

#[test]
fn any_of_stripes_signatures_proves_and_no_other_scheme() {
    assert_eq!(stripe(&format!("t=1772445600,v1={V1}"), EVENT, NOW), Ok(()));
    assert_eq!(stripe(&format!("t=1772445600,v1={NONE},v1={V1},v0={NONE}"), EVENT, NOW), Ok(()));
    assert_eq!(stripe(&format!("t=1772445600,v1=zz, v1={V1}"), EVENT, NOW), Ok(()));
    assert_eq!(stripe(&format!("t=1772445600,v1={NONE}"), EVENT, NOW), Err(Refused::Wrong));
    assert!(matches!(stripe(&format!("t=1772445600,v0={V1}"), EVENT, NOW), Err(Refused::Malformed(_))));
    assert!(matches!(stripe(&format!("v1={V1}"), EVENT, NOW), Err(Refused::Malformed(_))));
    assert_eq!(stripe(&format!("t=1772445601,v1={V1}"), EVENT, NOW), Err(Refused::Wrong));
    assert_eq!(stripe(&format!("t=1772445600,v1={V1}"), b"{}", NOW), Err(Refused::Wrong));
}

#[test]
fn stripes_signature_lasts_as_long_as_configured() {
    let header = format!("t=1772445600,v1={V1}");
    assert_eq!(stripe(&header, EVENT, NOW + 180_000), Ok(()));
    assert_eq!(stripe(&header, EVENT, NOW + 180_001), Err(Refused::Stale));
}

#[test]
fn salesforce_signs_nothing_so_a_token_comes_in_a_header() {
    let salesforce = source("salesforce", "token_header: X-Token");
    let with = |headers: &[(&str, &str)]| salesforce.verify(&Delivery { headers, ..Delivery::bare(b"{}", NOW) });
    assert_eq!(with(&[("x-token", "s3cret")]), Ok(()));
    assert_eq!(with(&[("Authorization", "Bearer s3cret")]), Ok(()));
    assert_eq!(with(&[("x-token", "s3cre")]), Err(Refused::Wrong));
}
