//! Mistakes and warnings, collected all at once and shown where they stand.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Mistake,
    /// It can, but probably does not say what was meant.
    Warning,
}

/// One mistake or warning.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable, for looking it up: `E0012`.
    pub code: &'static str,
    /// What is wrong, lower-case.
    pub message: String,
    /// Where.
    pub span: Option<Span>,
    /// What to say at that place.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A finding that does not stop anything.
pub type Warning = Diagnostic;

impl Diagnostic {
    /// Says this at the place.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Adds what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// It with its line and a caret, in colour or plain.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Mistake => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str()).id(self.code);
        let mut group = annotate_snippets::Group::with_title(title);
        if let Some(span) = &self.span {
            let mut mark = AnnotationKind::Primary.span(span.first_line());
            if let Some(label) = &self.label {
                mark = mark.label(label.as_str());
            }
            let source = &span.source;
            group = group.element(Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(mark));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Everything that was found, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    /// Mistakes and warnings.
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a mistake; the label and the help can be put on what it returns.
    pub fn mistake(&mut self, code: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Mistake, code, Some(span.clone()), message.into())
    }

    /// Adds a mistake that stands nowhere: a file that is not there.
    pub fn mistake_nowhere(&mut self, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Mistake, code, None, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, code, Some(span.clone()), message.into())
    }

    /// How many mistakes there are.
    pub fn mistakes(&self) -> usize {
        self.items.iter().filter(|item| item.severity == Severity::Mistake).count()
    }

    /// The warnings alone.
    pub fn into_warnings(self) -> Vec<Warning> {
        self.items.into_iter().filter(|item| item.severity == Severity::Warning).collect()
    }

    /// All of it with lines and carets, in colour or plain, an empty line between two.
    pub fn render(&self, colour: bool) -> String {
        self.items.iter().map(|item| item.render(colour)).collect::<Vec<_>>().join("\n\n")
    }

    fn add(&mut self, severity: Severity, code: &'static str, span: Option<Span>, message: String) -> &mut Diagnostic {
        self.items.push(Diagnostic { severity, code, message, span, label: None, help: None });
        let last = self.items.len() - 1;
        &mut self.items[last]
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// *did you mean `x`?*, where one of the candidates is near enough.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// The candidate that the written word is most like, if it is much like it.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&written.to_lowercase(), candidate);
    let scored = candidates.into_iter().map(|candidate| (likeness(candidate), candidate));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (best.0 > 0.84).then_some(best.1)
}

/// The codes of mistakes and warnings. A code never changes its meaning.
#[allow(missing_docs, reason = "the comment beside each says it")]
pub mod codes {
    pub const SYNTAX: &str = "E0001"; // not YAML
    pub const DUPLICATE_KEY: &str = "E0002"; // a key twice in one map
    pub const TOO_MUCH: &str = "E0003"; // nested too deeply, too many nodes, too many conditions
    pub const WRONG_KIND: &str = "E0004"; // a map, a list or a text stands where another is wanted
    pub const UNKNOWN_KEY: &str = "E0005"; // a key that means nothing there
    pub const MISSING_KEY: &str = "E0006"; // a key without which it means nothing
    pub const UNKNOWN_WORD: &str = "E0007"; // not one of the words allowed there
    pub const NUMBER: &str = "E0008"; // not a number, or out of range
    pub const DURATION: &str = "E0009"; // not a duration
    pub const NOT_BUILT: &str = "E0010"; // part of the contract, but not built yet
    pub const DUPLICATE_ID: &str = "E0011"; // two of the same id
    pub const UNKNOWN_CONDITION: &str = "E0012"; // no such field or condition
    pub const MATCHER: &str = "E0013"; // a matcher that this field does not have
    pub const CONTRADICTION: &str = "E0014"; // nothing can satisfy it
    pub const EMPTY: &str = "E0015"; // a list or map of conditions without any
    pub const UNKNOWN_TERM: &str = "E0016"; // `is:` names no term
    pub const CYCLE: &str = "E0017"; // terms or files that contain themselves
    pub const PATTERN: &str = "E0018"; // not a regular expression
    pub const NO_TARGET: &str = "E0019"; // an SLA condition that no policy has a target for
    pub const FILE: &str = "E0020"; // a file that can't be read
    pub const ENVIRONMENT: &str = "E0021"; // a variable that is not set
    pub const LITERAL_SECRET: &str = "E0022"; // a secret written down
    pub const REFUSED_PROPERTY: &str = "E0023"; // a librdkafka property that is not the user's to set
    pub const INSTANT: &str = "E0024"; // not a date or an instant
    pub const ID: &str = "E0025"; // a name with letters that names can't have
    pub const HOURS: &str = "E0026"; // no hours of a day
    pub const MAPPING: &str = "E0027"; // words that cannot be mapped so
    pub const POINTER: &str = "E0028"; // neither a JSON pointer nor a template
    pub const TARGET: &str = "E0029"; // a field that a mapping cannot fill
    pub const NO_RULES: &str = "W0001"; // nothing can fire
    pub const NEVER_APPLIES: &str = "W0002"; // what stands before it leaves nothing for it
    pub const DOUBTFUL: &str = "W0003"; // legal, and rarely what was meant
    pub const COVERED: &str = "W0004"; // a rule that could only ever join another
    pub const BROAD: &str = "W0005"; // a rule to tier 3 that any one of its conditions fires
    pub const EVERY_TICKET: &str = "W0006"; // a rule about an account that fires on each of its tickets
    pub const NO_SOURCE: &str = "W0007"; // a field that none of `sources` tells
    pub const MAPPED_AWAY: &str = "W0008"; // a word that is mapped to another before a rule sees it
    pub const UNMAPPED: &str = "W0009"; // words of a vendor's go into a closed set as they are
}

/// The reference of all codes: a heading and a page each.
const PAGES: &str = include_str!("../../../../docs/DIAGNOSTICS.md");

/// The page of a code, in Markdown, without its heading; `None`: there is no such code.
pub fn page(code: &str) -> Option<&'static str> {
    pages().find(|(other, _)| other.eq_ignore_ascii_case(code)).map(|(_, page)| page)
}

/// Every code and its page, in order.
pub fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.split("\n## ").skip(1).filter_map(|page| page.split_once('\n')).map(|(code, page)| (code, page.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let source = include_str!("diagnostic.rs");
        let mut declared: Vec<&str> =
            source.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1)).collect();
        declared.sort_unstable();
        let told: Vec<&str> = pages().map(|(code, _)| code).collect();
        assert_eq!(told, declared);
        assert!(page("e0012").is_some_and(|page| page.starts_with("**There is no such field")));
        assert_eq!(page("E9999"), None);
    }
}
