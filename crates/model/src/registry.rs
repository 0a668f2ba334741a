//! A client of a Confluent-compatible schema registry: blocking, because a lane has no async runtime.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use ureq::http::{Response, StatusCode};

/// Where the ids of Confluent's wire format are looked up.
pub trait SchemaSource: Send + Sync {
    /// The JSON of the Avro schema with this id; `None`: there is no such schema, whoever asks.
    ///
    /// # Errors
    /// Where nobody can tell just now: ask again.
    fn schema(&self, id: u32) -> Result<Option<String>, SourceUnavailable>;
}

/// The source of schemas does not answer, or not with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceUnavailable {
    /// What was tried and what came back.
    pub reason: String,
}

/// A schema registry at a URL. What it said once is not asked again: ids never change their meaning.
pub struct Registry {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
    schemas: Mutex<HashMap<u32, String>>,
}

/// What a registry refuses, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No answer, or one of its own trouble: try again.
    #[error("the schema registry at {url} does not answer: {reason}")]
    Unreachable {
        /// The registry, without its password.
        url: String,
        /// What came instead.
        reason: String,
    },
    /// Codes 40401 to 40403: it has no such subject, version, schema or id.
    #[error("the schema registry has no {what}; register it, or set `schema_registry.register: true`")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// Code 409: the schema cannot follow those that are registered.
    #[error("the schema registry calls our schema incompatible with those of subject `{subject}`: {reason}")]
    Incompatible {
        /// Under which it was to be registered.
        subject: String,
        /// In the registry's words.
        reason: String,
    },
    /// Code 42201: it does not take it for a schema.
    #[error("the schema registry does not accept the schema for subject `{subject}`: {reason}")]
    Invalid {
        /// Under which it was to be registered.
        subject: String,
        /// In the registry's words.
        reason: String,
    },
    /// Who asks may not: user, password or rights.
    #[error("the schema registry at {url} refuses us ({status}): check `schema_registry.user` and its password")]
    Denied {
        /// The registry, without its password.
        url: String,
        /// 401 or 403.
        status: u16,
    },
    /// It answers in a way that no schema registry does.
    #[error("what is at {url} does not answer as a schema registry does: {reason}")]
    Odd {
        /// The registry, without its password.
        url: String,
        /// What it said.
        reason: String,
    },
}

impl Registry {
    /// One at `url` (`http://…` or `https://…`), as `user` with `password` where it asks for them. Each request is given
    /// up after `timeout`.
    pub fn new(url: &str, credentials: Option<(&str, &str)>, timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).build();
        Registry {
            agent: ureq::Agent::new_with_config(config),
            url: url.trim_end_matches('/').to_owned(),
            authorization: credentials
                .map(|(user, password)| format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))),
            schemas: Mutex::default(),
        }
    }

    /// Registers a schema under a subject, unless it is there already; its id.
    ///
    /// # Errors
    /// [`RegistryError`], each with what to do.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.post(&format!("/subjects/{}/versions", escaped(subject)), subject, schema)
    }

    /// The id under which a subject has a schema.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] where it has not; the others as they come.
    pub fn lookup(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.post(&format!("/subjects/{}", escaped(subject)), subject, schema)
    }

    /// The JSON of the Avro schema with this id.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] where there is none; the others as they come.
    pub fn schema_by_id(&self, id: u32) -> Result<String, RegistryError> {
        if let Some(known) = self.known().get(&id) {
            return Ok(known.clone());
        }
        let mut request = self.agent.get(format!("{}/schemas/ids/{id}", self.url)).header("Accept", MEDIA_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let what = || format!("schema with id {id}");
        let found: Found = self.answer(request.call(), "", what)?;
        if !found.schema_type.is_empty() && found.schema_type != "AVRO" {
            return Err(RegistryError::NotFound { what: format!("Avro {} (it is {})", what(), found.schema_type) });
        }
        if !found.references.is_empty() {
            return Err(RegistryError::NotFound { what: format!("{} without references to others", what()) });
        }
        self.known().insert(id, found.schema.clone());
        Ok(found.schema)
    }

    fn post(&self, path: &str, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        request = request.header("Content-Type", MEDIA_TYPE).header("Accept", MEDIA_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let body = serde_json::json!({ "schema": schema }).to_string();
        let given: Given = self.answer(request.send(body), subject, || format!("such schema under `{subject}`"))?;
        Ok(given.id)
    }

    fn answer<T: serde::de::DeserializeOwned>(
        &self,
        answer: Result<Response<ureq::Body>, ureq::Error>,
        subject: &str,
        what: impl Fn() -> String,
    ) -> Result<T, RegistryError> {
        let url = || without_password(&self.url);
        let unreachable = |e: ureq::Error| RegistryError::Unreachable { url: url(), reason: e.to_string() };
        let mut answer = answer.map_err(unreachable)?;
        let body = answer.body_mut().read_to_string().map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            let odd = |e: serde_json::Error| RegistryError::Odd { url: url(), reason: e.to_string() };
            return serde_json::from_str(&body).map_err(odd);
        }
        let refusal: Refusal = serde_json::from_str(&body).unwrap_or_default();
        let (subject, reason) = (subject.to_owned(), refusal.message);
        Err(match (status, refusal.error_code) {
            (_, 40_401..=40_403) => RegistryError::NotFound { what: what() },
            (StatusCode::CONFLICT, _) => RegistryError::Incompatible { subject, reason },
            (StatusCode::UNPROCESSABLE_ENTITY, _) => RegistryError::Invalid { subject, reason },
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                RegistryError::Denied { url: url(), status: status.as_u16() }
            }
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                RegistryError::Unreachable { url: url(), reason: format!("{status} {reason}").trim_end().to_owned() }
            }
            _ => RegistryError::Odd { url: url(), reason: format!("{status} {reason}").trim_end().to_owned() },
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<u32, String>> {
        // Nothing that holds it panics; and a half-made insertion would be a missing entry only.
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SchemaSource for Registry {
    fn schema(&self, id: u32) -> Result<Option<String>, SourceUnavailable> {
        match self.schema_by_id(id) {
            Ok(schema) => Ok(Some(schema)),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(e) => Err(SourceUnavailable { reason: e.to_string() }),
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("url", &without_password(&self.url)).finish_non_exhaustive()
    }
}

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

#[derive(Deserialize)]
struct Found {
    schema: String,
    #[serde(default, rename = "schemaType")]
    schema_type: String,
    #[serde(default)]
    references: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Given {
    id: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error_code: u32,
    message: String,
}

/// `https://user:secret@host` → `https://host`.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

/// A subject as a part of a path.
fn escaped(subject: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let escape = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    subject.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests;
