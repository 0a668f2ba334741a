//! YAML into nodes. Whatever is handed in, it neither panics nor grows without bound.

use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Diagnostics, Entry, Key, Kind, Node, Scalar, Source, Span, codes, syntax};

/// Maps and lists within each other.
const DEEPEST: usize = 64;
/// Nodes, those that aliases repeat counted each time.
const MOST_NODES: usize = 200_000;

/// The one document of a source. `None` where it is not YAML; an empty source is an empty map.
pub fn parse(source: &Arc<Source>, found: &mut Diagnostics) -> Option<Node> {
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = builder.place(error.marker().index());
                let cause = syntax::cause(&source.text, at, error.info());
                let place = cause.as_ref().map_or(at..at, |cause| cause.at.clone());
                let span = Span { source: source.clone(), start: place.start, end: place.end };
                let mistake = found.mistake(codes::SYNTAX, &span, format!("this is not YAML: {}", error.info()));
                match cause {
                    Some(cause) => mistake.help(cause.help),
                    None => mistake.help("what people stumble on: `tierline check --code E0001`"),
                };
                return None;
            }
        };
        let span = builder.span(span);
        if let Err(Stop) = builder.take(event, span, found) {
            return None;
        }
    }
    Some(builder.root.unwrap_or_else(|| Node {
        span: Span { source: source.clone(), start: 0, end: 0 },
        kind: Kind::Map(Vec::new()),
    }))
}

/// What has been said is enough: the rest can't be read.
struct Stop;

struct Builder<'s> {
    source: &'s Arc<Source>,
    /// The byte at which each letter begins; `None` where each letter is one byte.
    places: Option<Vec<usize>>,
    open: Vec<Open>,
    /// By the parser's number of them.
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
}

/// A map or list whose end has not come yet.
struct Open {
    start: Span,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key> },
}

impl<'s> Builder<'s> {
    fn new(source: &'s Arc<Source>) -> Builder<'s> {
        let text = &source.text;
        let places = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Builder { source, places, open: Vec::new(), anchors: Vec::new(), nodes: 0, root: None }
    }

    /// The byte at which a letter stands.
    fn place(&self, letter: usize) -> usize {
        let end = self.source.text.len();
        match &self.places {
            None => letter.min(end),
            Some(places) => places.get(letter).copied().unwrap_or(end),
        }
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.place(span.start.index());
        Span { source: self.source.clone(), start, end: self.place(span.end.index()).max(start) }
    }

    fn take(&mut self, event: Event<'_>, span: Span, found: &mut Diagnostics) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                found.mistake(codes::SYNTAX, &span, "a second document begins here; only one is read");
                return Err(Stop);
            }
            Event::Scalar(.., Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                found.mistake(codes::SYNTAX, &span, "tags (`!…`) mean nothing here").help("leave the tag out");
                return Err(Stop);
            }
            Event::Scalar(text, style, anchor, None) => {
                let scalar = Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain };
                let span = trimmed(span, style);
                self.node(Node { span, kind: Kind::Scalar(scalar) }, anchor, found)?;
            }
            Event::Alias(anchor) => {
                let Some((_, node)) = self.anchors.iter().find(|(id, _)| *id == anchor) else {
                    found.mistake(codes::CYCLE, &span, "this alias stands within what it repeats");
                    return Err(Stop);
                };
                if self.open.len() + depth(node) > DEEPEST {
                    found.mistake(codes::TOO_MUCH, &span, format!("nested more than {DEEPEST} deep"));
                    return Err(Stop);
                }
                let mut node = node.clone();
                self.nodes += size(&node);
                node.span = span;
                self.node(node, 0, found)?;
            }
            Event::SequenceStart(anchor, None) => self.begin(span, anchor, OpenKind::List(Vec::new()), found)?,
            Event::MappingStart(anchor, None) => {
                self.begin(span, anchor, OpenKind::Map { entries: Vec::new(), key: None }, found)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let (kind, last) = match open.kind {
                    OpenKind::List(nodes) => {
                        let last = nodes.last().map(|node| node.span.end);
                        (Kind::List(nodes), last)
                    }
                    OpenKind::Map { entries, .. } => {
                        let last = entries.last().map(|entry| entry.value.span.end);
                        (Kind::Map(entries), last)
                    }
                };
                // The end of a block is where the next thing begins: its last child's end says it better.
                let flow = self.source.text[open.start.start..].starts_with(['[', '{']);
                let end = if flow { span.end } else { last.unwrap_or(open.start.end) };
                let span = Span { end: end.max(open.start.start), ..open.start };
                self.node(Node { span, kind }, open.anchor, found)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, start: Span, anchor: usize, kind: OpenKind, found: &mut Diagnostics) -> Result<(), Stop> {
        if self.open.len() == DEEPEST {
            found.mistake(codes::TOO_MUCH, &start, format!("nested more than {DEEPEST} deep"));
            return Err(Stop);
        }
        self.open.push(Open { start, anchor, kind });
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, node: Node, anchor: usize, found: &mut Diagnostics) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || (anchor > 0 && self.anchors.len() == 1_000) {
            found.mistake(codes::TOO_MUCH, &node.span, format!("more than {MOST_NODES} values, or 1000 anchors"));
            return Err(Stop);
        }
        if anchor > 0 {
            self.nodes += size(&node);
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::List(nodes)) => nodes.push(node),
            Some(OpenKind::Map { entries, key }) => match key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => *key = Some(self::key(node, entries, found)?),
            },
        }
        Ok(())
    }
}

/// A node in the place of a key.
fn key(node: Node, before: &[Entry], found: &mut Diagnostics) -> Result<Key, Stop> {
    let Kind::Scalar(scalar) = node.kind else {
        found.mistake(codes::WRONG_KIND, &node.span, "a key is a single word, not a list or a map");
        return Err(Stop);
    };
    if scalar.text == "<<" && !scalar.quoted {
        found
            .mistake(codes::SYNTAX, &node.span, "merge keys (`<<`) mean nothing here")
            .help("name what is shared in `terms:`, or put it into a file for `include:`");
        return Err(Stop);
    }
    if let Some(first) = before.iter().find(|entry| entry.key.text == scalar.text) {
        let line = first.key.span.line_column().0;
        found
            .mistake(codes::DUPLICATE_KEY, &node.span, format!("`{}` stands twice in this map", scalar.text))
            .label(format!("first on line {line}"));
    }
    Ok(Key { text: scalar.text, span: node.span })
}

/// A single value's span without the blanks and the comment that follow it: a quoted one ends at its quote.
fn trimmed(mut span: Span, style: ScalarStyle) -> Span {
    let written = &span.source.text[span.start..span.end];
    let length = match style {
        ScalarStyle::Plain => written.trim_end().len(),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => closed(written).unwrap_or(written.len()),
        ScalarStyle::Literal | ScalarStyle::Folded => written.len(),
    };
    span.end = span.start + length;
    span
}

/// The length of what stands in quotes at the beginning, the quotes with it.
fn closed(written: &str) -> Option<usize> {
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut letters = written.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if quote == '"' => {
                letters.next();
            }
            // Two of them stand for one within.
            '\'' if quote == '\'' && letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                letters.next();
            }
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 1,
        Kind::List(nodes) => nodes.iter().map(size).sum::<usize>() + 1,
        Kind::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum::<usize>() + 1,
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(nodes) => 1 + nodes.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
    }
}
