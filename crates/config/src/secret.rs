//! Passwords and keys: from the environment or a file, never written down, never shown.

use std::fmt;

use tierline_rules::source::{Diagnostics, Entry, Keys, Kind, Node, Source, Span, codes, text};

use crate::{Reading, environment, properties};

/// What must not be seen. Its `Debug` is stars.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// One that is known already.
    pub fn of(secret: impl Into<String>) -> Secret {
        Secret(secret.into())
    }

    /// The secret itself, for the client that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads `${NAME}` or `{ file: PATH }`; `what` names it in messages.
    pub(crate) fn read(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Secret> {
        let secret = match &node.kind {
            Kind::Map(_) => from_file(node, what, reading)?,
            Kind::Scalar(scalar) if !scalar.is_null() || scalar.quoted => from_environment(node, what, reading)?,
            Kind::Scalar(_) => String::new(),
            Kind::List(_) => {
                refuse_literal(node, what, reading);
                return None;
            }
        };
        if secret.is_empty() {
            reading.found.mistake(codes::ENVIRONMENT, &node.span, format!("{what} is empty"));
            return None;
        }
        Some(Secret(secret))
    }
}

impl Secret {
    /// The same, of one that can stand in a header.
    pub(crate) fn read_for_header(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Secret> {
        let secret = Secret::read(node, what, reading)?;
        if !secret.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("{what} has letters, digits and signs of ASCII alone, and no spaces");
            reading.found.mistake(codes::WRONG_KIND, &node.span, message);
            return None;
        }
        Some(secret)
    }

    /// The same, of one that a vendor made: with what a variable or a file may have around it, it would never match.
    pub(crate) fn read_from_vendor(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<Secret> {
        let secret = Secret::read(node, what, reading)?;
        if secret.0.trim() != secret.0 || secret.0.contains(char::is_control) {
            let message = format!("{what} has a blank or a line break around it, or a control character in it");
            let help = "a secret that was made with `echo` ends with a line break: take `echo -n`";
            reading.found.mistake(codes::WRONG_KIND, &node.span, message).help(help);
            return None;
        }
        Some(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn from_environment(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<String> {
    if !is_one_variable(node) {
        refuse_literal(node, what, reading);
        return None;
    }
    Some(node.scalar()?.text.clone())
}

/// Whether a value, as it is written, is one variable without a default.
fn is_one_variable(node: &Node) -> bool {
    let written = &node.span.source.text[node.span.start..node.span.end];
    environment::is_one_variable(written.trim_matches(['"', '\'']))
}

fn from_file(node: &Node, what: &str, reading: &mut Reading<'_>) -> Option<String> {
    let mut keys = Keys::of(node, what, reading.found)?;
    let file = keys.required("file", reading.found);
    keys.finish(reading.found);
    let path = text(file?, "the file of a secret", reading.found)?;
    match reading.file(path, file?) {
        Ok(mut secret) => {
            // Editors and `echo` end a file with a line break that isn't part of it.
            secret.truncate(secret.trim_end_matches(['\n', '\r']).len());
            Some(secret)
        }
        Err(error) => {
            reading
                .found
                .mistake(codes::FILE, &file?.span, format!("cannot read the file of {what}: {error}"))
                .help("the path counts from beside the file in which it is named");
            None
        }
    }
}

fn refuse_literal(node: &Node, what: &str, reading: &mut Reading<'_>) {
    reading
        .found
        .mistake(codes::LITERAL_SECRET, &node.span, format!("{what} is written down"))
        .label("not shown here")
        .help("take it from the environment (`${NAME}`, without a default) or from a file (`{ file: PATH }`)");
}

/// Where secrets are written down, so that no message shows them with its line.
#[derive(Default)]
pub(crate) struct Literals(Vec<Span>);

impl Literals {
    /// Looks for them everywhere, whatever else is wrong with where they stand.
    pub(crate) fn find(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(_) => {}
            Kind::List(nodes) => nodes.iter().for_each(|node| self.find(node)),
            Kind::Map(entries) => {
                for Entry { key, value } in entries {
                    match &value.kind {
                        Kind::Scalar(_) if is_one_variable(value) => {}
                        Kind::Scalar(_) | Kind::List(_) if properties::names_a_secret(&key.text) => {
                            self.hide(&value.span)
                        }
                        _ => self.find(value),
                    }
                }
            }
        }
    }

    /// Adds a place that must not be shown.
    pub(crate) fn hide(&mut self, span: &Span) {
        self.0.push(span.clone());
    }

    /// Puts stars into the lines that the findings will show.
    pub(crate) fn mask(&self, found: &mut Diagnostics) {
        let mut masked: Vec<(&Span, std::sync::Arc<Source>)> = Vec::new();
        for literal in &self.0 {
            if masked.iter().any(|(of, _)| of.source == literal.source) {
                continue;
            }
            let mut text = literal.source.text.clone();
            for Span { start, end, .. } in self.0.iter().filter(|other| other.source == literal.source) {
                let stars: String = text[*start..*end].bytes().map(star).collect();
                text.replace_range(*start..*end, &stars);
            }
            masked.push((literal, Source::new(literal.source.name.as_str(), text)));
        }
        for span in found.items.iter_mut().filter_map(|item| item.span.as_mut()) {
            if let Some((_, stars)) = masked.iter().find(|(of, _)| of.source == span.source) {
                span.source = stars.clone();
            }
        }
    }
}

/// Byte for byte, so that places stay what they were.
fn star(byte: u8) -> char {
    if byte.is_ascii_whitespace() { char::from(byte) } else { '*' }
}
