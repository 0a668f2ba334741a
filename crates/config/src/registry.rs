//! `schema_registry:`: where schemas are kept.

use std::time::Duration;

use tierline_rules::source::{Keys, Node, boolean, codes, text};

use crate::time::within;
use crate::{Reading, Secret, url};

/// Where schemas are kept.
#[derive(Clone, Debug)]
pub struct Registry {
    /// `http://…` or `https://…`, without user and password.
    pub url: String,
    /// As whom it is asked.
    pub credentials: Option<(String, Secret)>,
    /// Whether schemas that it doesn't have are registered, rather than looked up only.
    pub register: bool,
    /// When a request is given up; 100 ms to 5 min.
    pub timeout: Duration,
}

impl Registry {
    pub(crate) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Registry> {
        let mut keys = Keys::of(node, "`schema_registry`", reading.found)?;
        let url = keys.required("url", reading.found);
        let instead = "write `user: …` and `password: ${NAME}` beside `url`";
        let url = url.and_then(|node| url::http(node, "`schema_registry.url`", instead, reading));
        let (user, password) = (keys.entry("user"), keys.entry("password"));
        let credentials = match (user, password) {
            (Some(user), Some(password)) => {
                let user = text(&user.value, "`schema_registry.user`", reading.found).map(str::to_owned);
                let password = Secret::read(&password.value, "`schema_registry.password`", reading);
                user.zip(password)
            }
            (Some(alone), None) | (None, Some(alone)) => {
                let message = "`schema_registry` has both `user` and `password`, or neither";
                reading.found.mistake(codes::MISSING_KEY, &alone.key.span, message);
                if alone.key.text == "password" {
                    // Whatever else is wrong with it, it is not shown.
                    Secret::read(&alone.value, "`schema_registry.password`", reading);
                }
                None
            }
            (None, None) => None,
        };
        let register = keys.optional("register");
        let register = register.and_then(|node| boolean(node, "`schema_registry.register`", reading.found));
        let timeout = keys.optional("timeout");
        let timeout = timeout.and_then(|node| within(node, "`schema_registry.timeout`", (100, 300_000), reading));
        keys.finish(reading.found);
        let url = url?;
        if let Some(password) = password.filter(|_| url::is_open(&url)) {
            let message = "the password goes to the registry unencrypted";
            reading.found.warning(codes::DOUBTFUL, &password.key.span, message).help("write `url: https://…`");
        }
        let timeout = Duration::from_millis(timeout.unwrap_or(10_000).unsigned_abs());
        Some(Registry { url, credentials, register: register.unwrap_or(true), timeout })
    }
}
