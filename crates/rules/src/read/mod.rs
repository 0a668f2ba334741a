//! Nodes into rules: the sections of a configuration that say what the rules are, checked and compiled.
//!
//! All mistakes are found at once; what has one is left out. What must never be in here: what a single condition looks
//! like (that is in [`conditions`](crate::conditions)), and any other section of a configuration.

mod calendar;
mod contradiction;
mod doubtful;
pub(crate) mod expression;
mod mapping;
mod policy;
mod rule;
mod sources;
mod supplied;

use std::collections::BTreeMap;

use tierline_model::{Millis, SlaMetric};

use crate::scope::{Scope, Term, TextNumbers};
use crate::source::{self, Diagnostics, Kind, Node, Span, codes};
use crate::{Mappings, RuleSet, SlaPolicy};

pub use sources::Sources;

/// The parts of a configuration that say what the rules are; each as it stands in the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sections<'n> {
    /// `rules`
    pub rules: Option<&'n Node>,
    /// `terms`
    pub terms: Option<&'n Node>,
    /// `sla`
    pub sla: Option<&'n Node>,
    /// `escalation_sla`
    pub escalation_sla: Option<&'n Node>,
    /// `calendars`
    pub calendars: Option<&'n Node>,
    /// `tags`
    pub tags: Option<&'n Node>,
    /// `fields`; which source is believed is not read here.
    pub fields: Option<&'n Node>,
    /// `sources`
    pub sources: Option<&'n Node>,
    /// `time.history`: milliseconds for which solved tickets count.
    pub history: Millis,
}

/// As many rules as there may be.
const MOST_RULES: usize = 10_000;

/// Reads and compiles; all mistakes at once go to `found`. What has mistakes is left out of the set.
pub fn rule_set(sections: &Sections<'_>, found: &mut Diagnostics) -> RuleSet {
    let calendars = calendar::all(sections.calendars, found);
    let escalation_sla = policy::of_escalations(sections.escalation_sla, &calendars, found);
    let written = list(sections.sla, "`sla` is a list of policies", found);
    let metrics = match sections.sla {
        // A section with such a mistake may well have been meant to have any target.
        Some(node) if !node.is_null() && written.is_empty() => SlaMetric::OF_TICKET.to_vec(),
        _ => policy::metrics(written),
    };
    let sources = sources::all(sections, found);
    let mut scope = Scope {
        metrics,
        mappings: Mappings::default(),
        sources,
        calendars,
        found,
        texts: TextNumbers::default(),
        phrases: Vec::new(),
        history: sections.history,
        terms: BTreeMap::new(),
        reading: Vec::new(),
    };
    scope.mappings = mapping::all(sections, &mut scope);
    terms(sections.terms, &mut scope);
    let policies = policies(written, &mut scope);
    let mut rules = Vec::new();
    let mut ids = Ids::default();
    let mut nodes = Vec::new();
    for node in list(sections.rules, "`rules` is a list of rules", scope.found) {
        let rule = rule::parse(node, &mut scope);
        if ids.admit(node, scope.found) && rule.is_some() {
            rules.extend(rule);
            nodes.push(node);
        }
    }
    doubtful::warn_of_covered(&rules, &nodes, &mut scope);
    RuleSet {
        rules,
        past_policies: Vec::new(),
        policies,
        phrases: scope.phrases,
        calendars: scope.calendars.named,
        escalation_sla,
        mappings: scope.mappings,
        sources: scope.sources,
        texts: scope.texts.into_texts(),
    }
}

fn policies(written: &[Node], scope: &mut Scope<'_>) -> Vec<SlaPolicy> {
    let mut ids = Ids::default();
    let mut policies = Vec::new();
    let mut for_all = None;
    for node in written {
        let policy = policy::parse(node, scope);
        if ids.admit(node, scope.found) {
            if let Some(line) = for_all {
                scope
                    .found
                    .warning(codes::NEVER_APPLIES, &node.span, "no ticket ever gets to this policy")
                    .label(format!("the one on line {line} applies to all"))
                    .help("the first policy that applies counts: put the one for all last, or give it a `when`");
            } else if policy.is_some() && node.at("when").is_none_or(Node::is_null) {
                for_all = Some(node.span.line_column().0);
            }
            policies.extend(policy);
        }
    }
    policies
}

/// Reads all terms, used or not, so that no mistake hides in one.
fn terms<'s>(section: Option<&'s Node>, scope: &mut Scope<'s>) {
    let Some(section) = section.filter(|node| !node.is_null()) else { return };
    let Kind::Map(entries) = &section.kind else {
        source::wrong_kind(section, "`terms` is a map of names and conditions", scope.found);
        return;
    };
    for entry in entries {
        id(&entry.key.text, &entry.key.span, "a term", scope.found);
        scope.terms.insert(&entry.key.text, Term::Written(entry));
    }
    for entry in entries {
        expression::term(&entry.key.text, &entry.key.span, scope);
    }
}

/// The nodes of a list that may be left out.
fn list<'n>(section: Option<&'n Node>, wanted: &str, found: &mut Diagnostics) -> &'n [Node] {
    let Some(section) = section.filter(|node| !node.is_null()) else { return &[] };
    match &section.kind {
        Kind::List(nodes) if nodes.len() > MOST_RULES => {
            found.mistake(codes::TOO_MUCH, &nodes[MOST_RULES].span, format!("{wanted}, at most {MOST_RULES}"));
            &nodes[..MOST_RULES]
        }
        Kind::List(nodes) => nodes,
        Kind::Scalar(_) | Kind::Map(_) => {
            source::wrong_kind(section, wanted, found);
            found.items.last_mut().map(|mistake| mistake.help("write a `-` before each"));
            &[]
        }
    }
}

/// Whether a name is one: lower-case letters, digits and hyphens, a letter or digit first, at most 64 of them.
fn id(written: &str, span: &Span, what: &str, found: &mut Diagnostics) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let right = !written.starts_with('-') && (1..=64).contains(&written.len()) && written.chars().all(allowed);
    if !right {
        let folded: String =
            written.to_lowercase().chars().map(|c| if allowed(c) { c } else { '-' }).take(64).collect();
        let meant = folded.trim_matches('-');
        let mistake =
            found.mistake(codes::ID, span, format!("the name of {what} is lower-case letters, digits and hyphens"));
        if !meant.is_empty() {
            mistake.help(format!("write `{meant}`"));
        }
    }
    right
}

/// The ids that have stood so far, and on which line.
#[derive(Default)]
struct Ids<'n> {
    lines: BTreeMap<&'n str, usize>,
}

impl<'n> Ids<'n> {
    /// Whether the `id` of a node is the first of its kind.
    fn admit(&mut self, node: &'n Node, found: &mut Diagnostics) -> bool {
        let Some((id, span)) = node.at("id").and_then(|id| Some((id.scalar()?, &id.span))) else { return true };
        if let Some(line) = self.lines.get(id.text.as_str()) {
            found
                .mistake(codes::DUPLICATE_ID, span, format!("the id `{}` stands twice", id.text))
                .label(format!("first on line {line}"));
            return false;
        }
        self.lines.insert(&id.text, span.line_column().0);
        true
    }
}

/// 16 hexadecimal digits that stand for a text: FNV-1a, the same on every machine and in every version.
fn fingerprint(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
