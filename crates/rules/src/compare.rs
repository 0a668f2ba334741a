//! What is different between two rule sets, in sentences.

use crate::{Clear, Mode, OnDeploy, Rule, RuleSet, text};

/// What became of a rule.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// There was none by its id.
    Added(&'a Rule),
    /// There is none by its id any more.
    Removed(&'a Rule),
    /// It is another one now.
    Changed {
        /// As it was.
        old: &'a Rule,
        /// As it is.
        new: &'a Rule,
        /// What is different, a sentence each; its own sentence aside.
        how: Vec<String>,
    },
}

/// What became of each rule that is not the same, in the order of the new set, then what is gone.
pub fn differences<'a>(old: &'a RuleSet, new: &'a RuleSet) -> Vec<Change<'a>> {
    let find = |set: &'a RuleSet, id: &str| set.rules.iter().find(|rule| rule.id == id);
    let mut changes = Vec::new();
    for rule in &new.rules {
        match find(old, &rule.id) {
            None => changes.push(Change::Added(rule)),
            Some(was) => {
                let mut how = settings(was, rule);
                if was.fingerprint != rule.fingerprint {
                    how.extend(new.mappings.differences(&old.mappings, was.reads().with(rule.reads())));
                }
                if was.fingerprint != rule.fingerprint || !how.is_empty() {
                    changes.push(Change::Changed { old: was, new: rule, how });
                }
            }
        }
    }
    changes.extend(old.rules.iter().filter(|rule| find(new, &rule.id).is_none()).map(Change::Removed));
    changes
}

/// What its sentence does not say.
fn settings(old: &Rule, new: &Rule) -> Vec<String> {
    let length = |length: Option<i64>| length.map_or("none".to_owned(), text::duration);
    let clear = |clear| match clear {
        Clear::Solved => "its ticket is solved",
        Clear::WhenNo => "no rule holds it any longer",
    };
    let mode = |mode| match mode {
        Mode::Live => "live",
        Mode::Shadow => "in the shadow",
        Mode::Disabled => "disabled",
    };
    let deployed = |on_deploy| match on_deploy {
        OnDeploy::Quiet => "latches in silence",
        OnDeploy::Fire => "fires",
    };
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let mut how = Vec::new();
    let mut tell = |what: &str, was: String, is: String| {
        if was != is {
            how.push(format!("{what} {is}; it was {was}."));
        }
    };
    tell("It is", mode(old.mode).to_owned(), mode(new.mode).to_owned());
    tell("Its cooldown is", length(old.cooldown), length(new.cooldown));
    tell("Its escalation ends when", clear(old.clear).to_owned(), clear(new.clear).to_owned());
    tell("What holds already when it is new", deployed(old.on_deploy).to_owned(), deployed(new.on_deploy).to_owned());
    tell("Its route is", said(&old.route), said(&new.route));
    tell("It suggests:", said(&old.suggest), said(&new.suggest));
    how
}
