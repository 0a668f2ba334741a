//! `schema_registry:`: where schemas are kept.

use std::time::Duration;

use tierline_rules::source::{Keys, Node, boolean, codes, text};

use crate::time::within;
use crate::{Reading, Secret};

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
        let url = url.and_then(|node| address(node, reading));
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
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|host| url.starts_with(host));
        if let (Some(password), true, false) = (password, url.starts_with("http://"), local) {
            let message = "the password goes to the registry unencrypted";
            reading.found.warning(codes::DOUBTFUL, &password.key.span, message).help("write `url: https://…`");
        }
        let timeout = Duration::from_millis(timeout.unwrap_or(10_000).unsigned_abs());
        Some(Registry { url, credentials, register: register.unwrap_or(true), timeout })
    }
}

fn address(node: &Node, reading: &mut Reading<'_>) -> Option<String> {
    let url = text(node, "`schema_registry.url`", reading.found)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or(rest)).filter(|host| !host.is_empty());
    match host {
        Some(host) if host.contains('@') => {
            reading.literals.hide(&node.span);
            reading
                .found
                .mistake(codes::LITERAL_SECRET, &node.span, "`schema_registry.url` has a user or a password in it")
                .label("not shown here")
                .help("write `user: …` and `password: ${NAME}` beside `url`");
            None
        }
        Some(_) if !url.contains(char::is_whitespace) => Some(url.to_owned()),
        _ => {
            let message = "`schema_registry.url` begins with `http://` or `https://` and names a host";
            reading.found.mistake(codes::WRONG_KIND, &node.span, message);
            None
        }
    }
}
