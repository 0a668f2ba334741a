//! The reference of all conditions: what each takes, and the sentence that it makes. It follows from the vocabulary;
//! `docs/CONDITIONS.md` is a copy, which a test holds against it.

use std::fmt::Write;

use tierline_model::SlaMetric;

use super::{VOCABULARY, field};
use crate::source::{Diagnostics, Keys, Source, parse};
use crate::{Sections, rule_set};

const HEAD: &str = "# Conditions

What may stand under `when:` and `unless:` of a rule, under `when:` of an SLA policy and under `terms:`. Several in one map
must all hold. The last column is what `tierline explain` makes of the example. `tierline check --conditions` prints this
page.

```yaml
when:
  all:                                  # each of them; `any`: one of them; `not`: it does not hold
    - account.plan: enterprise
    - any:
        - ticket.category: billing
        - ticket.no_agent_reply_for: 2h
    - not: { ticket.status: pending }
    - is: high-value                    # what `terms: { high-value: … }` says
```
";

/// What a field may be compared with.
const VALUES: [(&str, &str); 12] = [
    ("account.plan", "enterprise"),
    ("account.plan", "[enterprise, scale]"),
    ("account.health", "{ below: 50 }"),
    ("account.arr", "{ at_least: 10000, at_most: 50000 }"),
    ("ticket.priority", "{ above: normal }"),
    ("ticket.subject", "{ contains: refund }"),
    ("ticket.subject", "{ matches: '(?i)refund|charge ?back' }"),
    ("ticket.tags", "{ any_of: [vip, legal] }"),
    ("ticket.tags", "{ all_of: [vip, legal] }"),
    ("account.owner", "known"),
    ("account.owner", "unknown"),
    ("ticket.assignee", "empty"),
];
const ABOUT_VALUES: &str = "A value; a list, of which it is one; bounds (`at_least`, `above`, `at_most`, `below`) where there is an order; `contains`
and `matches` (a regular expression) for texts; `any_of` and `all_of` for lists. Texts are compared without regard to case,
but with `matches` and ids. `known`, `unknown` (nobody has told it) and `empty` (somebody has told that it is) ask what was
told; a value that is called so is `{ is: known }`.";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    section(&mut page, "Values", ABOUT_VALUES, VALUES.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    // Fields come last in the vocabulary, since what claims a key first reads it; people look for them first.
    for kind in VOCABULARY.iter().rev() {
        section(&mut page, kind.page.heading, kind.page.about, (kind.page.examples)());
    }
    page
}

fn section(page: &mut String, heading: &str, about: &str, examples: Vec<(String, String)>) {
    let has_values = heading != "Values" && examples.iter().any(|(key, _)| field::takes(key).is_some());
    let (head, line) = if has_values { ("| values ", "|---") } else { ("", "") };
    // Writing to a text cannot fail.
    let _ = write!(page, "\n## {heading}\n\n{about}\n\n| condition {head}| reads |\n|---{line}|---|\n");
    for (key, value) in examples {
        let takes = if has_values { format!("| {} ", field::takes(&key).unwrap_or_default()) } else { String::new() };
        let written = format!("{key}: {value}");
        let _ =
            writeln!(page, "| `{}` {takes}| {} |", written.replace('|', "\\|"), sentence(&written).replace('|', "\\|"));
    }
}

/// What a condition says of itself; empty where it is none, which a test would see.
fn sentence(condition: &str) -> String {
    let targets: Vec<String> =
        SlaMetric::OF_TICKET.iter().map(|metric| format!("{metric}: {{ default: 4h }}")).collect();
    let text = format!(
        "sla: [ {{ id: all, targets: {{ {} }} }} ]\nrules: [ {{ id: r, tier: 2, when: {{ {condition} }} }} ]\n",
        targets.join(", ")
    );
    let mut found = Diagnostics::default();
    let Some(root) = parse(&Source::new("reference", &text), &mut found) else { return String::new() };
    let Some(mut keys) = Keys::of(&root, "the rules", &mut found) else { return String::new() };
    let (rules, sla) = (keys.optional("rules"), keys.optional("sla"));
    let set = rule_set(&Sections { rules, sla, history: 35 * 86_400_000, ..Sections::default() }, &mut found);
    set.rules.first().map(|rule| rule.phrases().join(" and ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_an_example_and_every_example_a_sentence() {
        for kind in &VOCABULARY {
            let examples = (kind.page.examples)();
            for key in (kind.keys)() {
                assert!(examples.iter().any(|(other, _)| *other == key), "{key} has no example");
            }
            for (key, value) in examples.into_iter().chain(VALUES.map(|(key, value)| (key.into(), value.into()))) {
                assert_ne!(sentence(&format!("{key}: {value}")), "", "{key}: {value}");
            }
        }
    }

    /// Written by `cargo run -- check --conditions > docs/CONDITIONS.md`.
    #[test]
    fn the_page_among_the_documents_is_this_one() {
        let page = include_str!("../../../../docs/CONDITIONS.md");
        assert_eq!(page, reference(), "write it anew: cargo run -- check --conditions > docs/CONDITIONS.md");
    }
}
