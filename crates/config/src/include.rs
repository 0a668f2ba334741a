//! `include:`: more files of the same shape, as if their sections stood here. Lists come before the including file's
//! own, in the order in which the files are named.

use std::sync::Arc;

use tierline_rules::source::{self, Entry, Kind, Node, Source, codes, text, wrong_kind};

use crate::{Reading, environment};

/// Files within files.
const DEEPEST: usize = 16;
/// All files together, each as often as it is included: a few that include each other would be read thousands of times
/// before they are too deep.
const MOST_FILES: usize = 256;

/// The tree with everything that it includes, without `include:` itself.
pub(crate) fn with_includes(root: Node, reading: &mut Reading<'_>) -> Node {
    let mut open = vec![Arc::clone(&root.span.source)];
    resolve(root, &mut open, reading)
}

fn resolve(root: Node, open: &mut Vec<Arc<Source>>, reading: &mut Reading<'_>) -> Node {
    let Node { span, kind: Kind::Map(entries) } = root else { return root };
    let (includes, own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key.text == "include");
    let mut merged = Vec::new();
    for include in includes.iter().filter(|entry| !entry.value.is_null()) {
        for file in files(&include.value) {
            let Some(entries) = read(file, open, reading) else { continue };
            entries.into_iter().for_each(|entry| merge(&mut merged, entry, reading));
        }
    }
    own.into_iter().for_each(|entry| merge(&mut merged, entry, reading));
    Node { span, kind: Kind::Map(merged) }
}

fn files(value: &Node) -> Vec<&Node> {
    match &value.kind {
        Kind::List(files) => files.iter().collect(),
        _ => vec![value],
    }
}

/// The sections of a file, with what it includes itself.
fn read(node: &Node, open: &mut Vec<Arc<Source>>, reading: &mut Reading<'_>) -> Option<Vec<Entry>> {
    let (node, missing) = environment::filled(node.clone(), reading);
    if !missing.is_empty() {
        return None;
    }
    let written = text(&node, "an included file", reading.found)?;
    let span = &node.span;
    let path = reading.beside(written, &node);
    let name = path.to_string_lossy().into_owned();
    if let Some(first) = open.iter().position(|file| file.name == name) {
        let way = open[first..].iter().map(|file| format!("`{}`", file.name)).collect::<Vec<_>>().join(" → ");
        reading.found.mistake(codes::CYCLE, span, "this file includes itself").label(format!("by way of {way}"));
        return None;
    }
    if open.len() > DEEPEST {
        reading.found.mistake(codes::TOO_MUCH, span, format!("files within files more than {DEEPEST} deep"));
        return None;
    }
    reading.included += 1;
    if reading.included > MOST_FILES {
        // Once is enough.
        if reading.included == MOST_FILES + 1 {
            reading
                .found
                .mistake(codes::TOO_MUCH, span, format!("more than {MOST_FILES} files are included"))
                .help("each counts as often as it is included; put what belongs together in one file");
        }
        return None;
    }
    let content = match reading.surroundings.file(&path) {
        Ok(content) => content,
        Err(error) => {
            reading
                .found
                .mistake(codes::FILE, span, format!("cannot read `{name}`: {error}"))
                .help("the path counts from beside the file in which it is named");
            return None;
        }
    };
    // By a path through a link, or through a folder and back, it has another name each time.
    if let Some(same) = open.iter().find(|file| file.text == content) {
        let way = format!("it says the same as `{}`, which includes it", same.name);
        reading.found.mistake(codes::CYCLE, span, "this file includes itself by another path").label(way);
        return None;
    }
    let source = Source::new(name, content);
    let root = source::parse(&source, reading.found)?;
    if !matches!(root.kind, Kind::Map(_)) {
        wrong_kind(&root, "an included file is a map of sections, as the configuration itself is", reading.found);
        return None;
    }
    open.push(source);
    let root = resolve(root, open, reading);
    open.pop();
    match root.kind {
        Kind::Map(entries) => Some(entries),
        _ => None,
    }
}

/// Adds a section to those before it: lists are joined, maps get each other's keys, anything else may stand once.
fn merge(merged: &mut Vec<Entry>, entry: Entry, reading: &mut Reading<'_>) {
    let Some(before) = merged.iter_mut().find(|before| before.key.text == entry.key.text) else {
        merged.push(entry);
        return;
    };
    // Found twice in one file: told when it was parsed.
    let told = before.key.span.source == entry.key.span.source;
    match (&mut before.value.kind, entry.value.kind) {
        (Kind::List(all), Kind::List(more)) => all.extend(more),
        (Kind::Map(all), Kind::Map(more)) => more.into_iter().for_each(|entry| merge(all, entry, reading)),
        (_, Kind::Scalar(scalar)) if scalar.is_null() => {}
        (Kind::Scalar(scalar), kind) if scalar.is_null() => {
            before.value.kind = kind;
            before.value.span = entry.value.span;
        }
        _ if told => {}
        _ => {
            let (file, line) = (&before.key.span.source.name, before.key.span.line_column().0);
            reading
                .found
                .mistake(codes::DUPLICATE_KEY, &entry.key.span, format!("`{}` stands in two files", entry.key.text))
                .label(format!("first in {file}, line {line}"));
        }
    }
}
