//! The part of the Confluent API that clients use, path by path.

use serde_json::{Value, json};

use super::http::Request;
use super::schemas::{Refused, Schemas};

/// Answers one request.
pub fn answer(schemas: &mut Schemas, request: &Request) -> Result<Value, Refused> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let schema = request.body["schema"].as_str().unwrap_or_default();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["subjects"]) => Ok(json!(schemas.subjects())),
        ("GET", ["schemas", "ids", id]) => {
            let found = id.parse().ok().and_then(|id| schemas.text(id)).ok_or(Refused::NoSchema)?;
            Ok(json!({ "schema": found }))
        }
        ("GET", ["subjects", subject, "versions"]) => {
            Ok(json!((1..=schemas.versions(subject)?.len()).collect::<Vec<_>>()))
        }
        ("GET", ["subjects", subject, "versions", version]) => version_of(schemas, subject, version),
        ("POST", ["subjects", subject, "versions"]) => {
            schemas.check(subject, schema)?;
            Ok(json!({ "id": schemas.add(subject, schema)? }))
        }
        ("POST", ["subjects", subject]) => {
            let (version, id) = schemas.look_up(subject, schema)?;
            Ok(json!({ "subject": subject, "id": id, "version": version, "schema": schemas.text(id) }))
        }
        ("POST", ["compatibility", "subjects", subject, "versions", "latest"]) => {
            match schemas.check(subject, schema) {
                Ok(()) => Ok(json!({ "is_compatible": true })),
                Err(Refused::Incompatible(_)) => Ok(json!({ "is_compatible": false })),
                Err(refused) => Err(refused),
            }
        }
        ("GET", ["config", ..]) => Ok(json!({ "compatibilityLevel": "BACKWARD" })),
        _ => Err(Refused::NoSuchPath),
    }
}

fn version_of(schemas: &Schemas, subject: &str, version: &str) -> Result<Value, Refused> {
    let versions = schemas.versions(subject)?;
    let number = if version == "latest" { versions.len() } else { version.parse().unwrap_or(0) };
    let id = *number.checked_sub(1).and_then(|index| versions.get(index)).ok_or(Refused::NoVersion)?;
    Ok(json!({ "subject": subject, "id": id, "version": number, "schema": schemas.text(id) }))
}
