//! `scorer:`: what says of customers' messages how those feel who wrote them.

mod http;

use tierline_rules::source::{Keys, Kind, Node, codes, text};
use tierline_score::Model;

pub use http::{Fallback, HttpScorer};

use crate::Reading;

/// What scores messages.
#[derive(Clone, Debug)]
pub enum Scorer {
    /// The scorer that the program brings along.
    BuiltIn,
    /// The same under a model of the company's own labels.
    Model(Box<Model>),
    /// Another, over HTTP.
    Http(Box<HttpScorer>),
}

impl Scorer {
    /// `builtin`, or a map that says more.
    pub(crate) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Scorer> {
        if !matches!(node.kind, Kind::Map(_)) {
            return built_in(node, "`scorer`", reading);
        }
        let mut keys = Keys::of(node, "`scorer`", reading.found)?;
        if let Some(url) = keys.optional("url") {
            return HttpScorer::read(url, keys, reading).map(|told| Scorer::Http(Box::new(told)));
        }
        let Some(model) = keys.optional("model") else {
            let help = "write `builtin`, or `{ model: FILE }`, or `{ url: https://… }`";
            let found = &mut *reading.found;
            found.mistake(codes::MISSING_KEY, &node.span, "`scorer` needs `model` or `url`").help(help);
            keys.finish(found);
            return None;
        };
        keys.finish(reading.found);
        Some(Scorer::Model(Box::new(read_model(model, "`scorer.model`", reading)?)))
    }
}

/// The one word that there is.
fn built_in(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Scorer> {
    let written = text(node, what, reading.found)?;
    if written != "builtin" {
        reading
            .found
            .mistake(codes::UNKNOWN_WORD, &node.span, format!("{what} is never `{written}`"))
            .help("write `builtin`, or `{ model: FILE }` for a model that `tierline calibrate` wrote, or `{ url: https://… }`");
        return None;
    }
    Some(Scorer::BuiltIn)
}

/// A file that `tierline calibrate` wrote.
fn read_model(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Model> {
    let path = text(node, what, reading.found)?;
    let read = reading.file(path, node).map_err(|error| error.to_string());
    match read.and_then(|text| Model::from_text(&text).map_err(|error| error.to_string())) {
        Ok(model) => Some(model),
        Err(why) => {
            reading
                .found
                .mistake(codes::FILE, &node.span, format!("cannot use this file as a model: {why}"))
                .help("the path counts from beside the file in which it is named; `tierline calibrate` writes one");
            None
        }
    }
}
