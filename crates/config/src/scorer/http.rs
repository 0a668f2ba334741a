//! `scorer.url`: a scorer beyond HTTP, and how long it may take.

use std::time::Duration;

use tierline_model::Millis;
use tierline_rules::source::{Keys, Kind, Node, codes, text, whole};
use tierline_score::Model;

use super::read_model;
use crate::time::within;
use crate::{Reading, Secret, url};

/// A scorer that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct HttpScorer {
    /// `http://…` or `https://…`, without user and password.
    pub url: String,
    /// What is shown to it; none: nothing.
    pub token: Option<Secret>,
    /// How long connecting may take; 10 ms to 5 s.
    pub connect_timeout: Duration,
    /// How long one try may take, connecting included; 10 ms to 5 s.
    pub timeout: Duration,
    /// How long a message may be held up, all tries included; 10 ms to 5 s.
    pub limit: Duration,
    /// How often it is asked again; 0 to 5.
    pub retries: u32,
    /// Who answers where it does not.
    pub fallback: Fallback,
}

/// Who scores a message that was not answered in time.
#[derive(Clone, Debug)]
pub enum Fallback {
    /// The scorer that the program brings along.
    BuiltIn,
    /// The same under a model of the company's own labels.
    Model(Box<Model>),
    /// Nobody: what rules ask of it stays unknown.
    Nobody,
}

/// A lane waits while it asks, and must look after its log every few seconds.
const BOUNDS: (Millis, Millis) = (10, 5_000);

impl HttpScorer {
    pub(super) fn read(url: &Node, mut keys: Keys<'_>, reading: &mut Reading<'_>) -> Option<HttpScorer> {
        let url_entry = url;
        let url = url::http(url, "`scorer.url`", "write `token: ${NAME}` beside `url`", reading);
        let token = keys.optional("token").map(|node| Secret::read_for_header(node, "`scorer.token`", reading));
        let mut length = |key, what: &str, usual: Millis, reading: &mut Reading<'_>| {
            let node = keys.optional(key);
            let told = node.and_then(|node| within(node, what, BOUNDS, reading));
            Duration::from_millis(told.unwrap_or(usual).unsigned_abs())
        };
        let connect_timeout = length("connect_timeout", "`scorer.connect_timeout`", 250, reading);
        let timeout = length("timeout", "`scorer.timeout`", 500, reading);
        let limit = length("limit", "`scorer.limit`", 1_000, reading);
        let retries = keys.optional("retries");
        let retries = retries.and_then(|node| whole(node, "`scorer.retries`", (0, 5), reading.found));
        let fallback = match keys.optional("fallback") {
            Some(node) => fallback(node, reading),
            None => Some(Fallback::BuiltIn),
        };
        keys.finish(reading.found);
        let url = url?;
        if url::is_open(&url) {
            let message = "what customers write goes to the scorer unencrypted";
            reading.found.warning(codes::DOUBTFUL, &url_entry.span, message).help("write `url: https://…`");
        }
        let token = match token {
            Some(read) => Some(read?),
            None => None,
        };
        let retries = retries.unwrap_or(1);
        Some(HttpScorer { url, token, connect_timeout, timeout, limit, retries, fallback: fallback? })
    }
}

/// `builtin`, `none`, or `{ model: FILE }`.
fn fallback(node: &Node, reading: &mut Reading<'_>) -> Option<Fallback> {
    if matches!(node.kind, Kind::Map(_)) {
        let mut keys = Keys::of(node, "`scorer.fallback`", reading.found)?;
        let model = keys.required("model", reading.found);
        keys.finish(reading.found);
        return Some(Fallback::Model(Box::new(read_model(model?, "`scorer.fallback.model`", reading)?)));
    }
    match text(node, "`scorer.fallback`", reading.found)? {
        "builtin" => Some(Fallback::BuiltIn),
        "none" => Some(Fallback::Nobody),
        other => {
            let message = format!("`scorer.fallback` is never `{other}`");
            let help = "write `builtin`, `none`, or `{ model: FILE }` for a model that `tierline calibrate` wrote";
            reading.found.mistake(codes::UNKNOWN_WORD, &node.span, message).help(help);
            None
        }
    }
}
