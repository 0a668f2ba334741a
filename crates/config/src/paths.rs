//! Paths of files that a configuration names: they count from beside the file in which they stand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tierline_rules::source::{Source, Span};

/// Those that were met: where each is written, and where it leads.
#[derive(Default)]
pub(crate) struct Paths(Vec<(Span, PathBuf)>);

impl Paths {
    /// Where a path leads that is written here.
    pub(crate) fn lead(&mut self, path: &str, written: &Span) -> PathBuf {
        let leads = Path::new(&written.source.name).parent().unwrap_or(Path::new("")).join(path);
        self.0.push((written.clone(), leads.clone()));
        leads
    }

    /// The text of a source with where they lead in place of what is written.
    pub(crate) fn written_out(mut self, source: &Arc<Source>) -> String {
        let mut text = source.text.clone();
        // Those of an included file stay right: it stays where it is.
        self.0.retain(|(span, _)| Arc::ptr_eq(&span.source, source));
        // From the end, so that places before it stay what they were; what an alias repeats stands once.
        self.0.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        self.0.dedup_by_key(|(span, _)| span.start);
        for (Span { start, end, .. }, leads) in &self.0 {
            let quoted = leads.to_string_lossy().replace('\'', "''").replace("${", "$${");
            text.replace_range(*start..*end, &format!("'{quoted}'"));
        }
        text
    }
}
