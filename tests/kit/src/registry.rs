//! A small schema registry that speaks the Confluent API, for tests of both sides of it.
//!
//! It computes compatibility (backward, unless set otherwise), counts what it is asked, answers with the API's own
//! error codes, and can be taken down and brought back on the same address.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

mod api;
mod http;
mod schemas;

use schemas::Schemas;

/// A running registry; it ends when it is dropped.
pub struct Registry {
    address: String,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    schemas: Mutex<Schemas>,
    down: AtomicBool,
    ended: AtomicBool,
    asked: AtomicUsize,
}

impl Registry {
    /// Starts an empty one on a free port.
    pub fn start() -> Registry {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        let server = thread::spawn(move || serve(&listener, &served));
        Registry { address, shared, server: Some(server) }
    }

    /// Its address, as a client is configured with it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every connection is closed without an answer.
    pub fn go_down(&self) {
        self.shared.down.store(true, Ordering::SeqCst);
    }

    /// From now on it answers again, and has forgotten nothing.
    pub fn come_back(&self) {
        self.shared.down.store(false, Ordering::SeqCst);
    }

    /// How many connections were made so far, those while it was down included: what shows that a client caches, or
    /// that it tries again.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Registers a schema without asking whether it is compatible, and returns its id.
    ///
    /// # Panics
    /// When it is no schema.
    pub fn force(&self, subject: &str, schema: &str) -> u32 {
        let mut schemas = self.shared.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        schemas.add(subject, schema).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// The subjects it knows, in order.
    pub fn subjects(&self) -> Vec<String> {
        self.shared.schemas.lock().unwrap_or_else(PoisonError::into_inner).subjects()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let _ = std::net::TcpStream::connect(&self.address);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    for connection in listener.incoming().flatten() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        shared.asked.fetch_add(1, Ordering::SeqCst);
        if shared.down.load(Ordering::SeqCst) {
            continue;
        }
        // A client that breaks off is its own affair.
        let _ = http::answer(connection, |request| {
            let mut schemas = shared.schemas.lock().unwrap_or_else(PoisonError::into_inner);
            match api::answer(&mut schemas, &request) {
                Ok(body) => (200, body),
                Err(refused) => (refused.status(), refused.body()),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ONE: &str = r#"{"type":"record","name":"T","fields":[{"name":"a","type":"int"}]}"#;
    const MORE: &str =
        r#"{"type":"record","name":"T","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}"#;
    const OTHER: &str = r#"{"type":"record","name":"T","fields":[{"name":"a","type":"string"}]}"#;

    #[test]
    fn gives_a_schema_the_same_id_under_every_subject() {
        let registry = Registry::start();
        let (status, first) = post(&registry, "/subjects/one/versions", ONE);
        assert_eq!((status, &first["id"]), (200, &json!(1)));
        assert_eq!(post(&registry, "/subjects/two/versions", ONE).1["id"], 1);
        assert_eq!(get(&registry, "/schemas/ids/1"), (200, json!({ "schema": ONE })));
        assert_eq!(get(&registry, "/subjects/two/versions/latest").1["version"], 1);
    }

    #[test]
    fn takes_what_can_read_the_last_version_and_refuses_what_cannot() {
        let registry = Registry::start();
        post(&registry, "/subjects/s/versions", ONE);
        assert_eq!(post(&registry, "/subjects/s/versions", MORE).0, 200);
        let (status, body) = post(&registry, "/subjects/s/versions", OTHER);
        assert_eq!((status, &body["error_code"]), (409, &json!(409)));
        let (_, asked) = post(&registry, "/compatibility/subjects/s/versions/latest", OTHER);
        assert_eq!(asked, json!({ "is_compatible": false }));
    }

    #[test]
    fn refuses_with_the_codes_of_the_api() {
        let registry = Registry::start();
        assert_eq!(get(&registry, "/schemas/ids/7").1["error_code"], 40403);
        assert_eq!(get(&registry, "/subjects/none/versions/latest").1["error_code"], 40401);
        assert_eq!(post(&registry, "/subjects/none", ONE).1["error_code"], 40401);
        post(&registry, "/subjects/s/versions", ONE);
        assert_eq!(get(&registry, "/subjects/s/versions/9").1["error_code"], 40402);
        assert_eq!(post(&registry, "/subjects/s", MORE).1["error_code"], 40403);
        let (status, body) = post(&registry, "/subjects/s/versions", "{\"type\":\"nonsense\"}");
        assert_eq!((status, &body["error_code"]), (422, &json!(42201)));
    }

    #[test]
    fn answers_nothing_while_it_is_down() {
        let registry = Registry::start();
        let id = registry.force("s", ONE);
        registry.go_down();
        assert!(ureq::get(format!("{}/subjects", registry.url())).call().is_err());
        registry.come_back();
        assert_eq!(get(&registry, &format!("/schemas/ids/{id}")).0, 200);
    }

    fn get(registry: &Registry, path: &str) -> (u16, Value) {
        answer(client().get(format!("{}{path}", registry.url())).call())
    }

    fn post(registry: &Registry, path: &str, schema: &str) -> (u16, Value) {
        answer(client().post(format!("{}{path}", registry.url())).send_json(json!({ "schema": schema })))
    }

    fn client() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).build().into()
    }

    fn answer(answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
        let mut answer = answered.expect("the registry answers");
        (answer.status().as_u16(), answer.body_mut().read_json().expect("with JSON"))
    }
}
