//! `scorer:`: what says of customers' messages how those feel who wrote them.

use tierline_rules::source::{Keys, Kind, Node, codes, text};
use tierline_score::Model;

use crate::Reading;

/// What scores messages.
#[derive(Clone, Debug)]
pub enum Scorer {
    /// The scorer that the program brings along.
    BuiltIn,
    /// The same under a model of the company's own labels.
    Model(Box<Model>),
}

impl Scorer {
    /// `builtin`, or a map that says more.
    pub(crate) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Scorer> {
        if !matches!(node.kind, Kind::Map(_)) {
            return built_in(node, "`scorer`", reading);
        }
        let mut keys = Keys::of(node, "`scorer`", reading.found)?;
        let model = keys.required("model", reading.found);
        keys.not_built("url", reading.found);
        keys.finish(reading.found);
        Some(Scorer::Model(Box::new(read_model(model?, reading)?)))
    }
}

/// The one word that there is.
fn built_in(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Scorer> {
    let written = text(node, what, reading.found)?;
    if written != "builtin" {
        reading
            .found
            .mistake(codes::UNKNOWN_WORD, &node.span, format!("{what} is never `{written}`"))
            .help("write `builtin`, or `{ model: FILE }` for a model that `tierline calibrate` wrote");
        return None;
    }
    Some(Scorer::BuiltIn)
}

/// A file that `tierline calibrate` wrote.
fn read_model(node: &Node, reading: &mut Reading<'_>) -> Option<Model> {
    let path = text(node, "`scorer.model`", reading.found)?;
    let read = reading.file(path, &node.span.source).map_err(|error| error.to_string());
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
