//! What a rule says on a ticket when it is asked: each condition with what it sees, and the smallest change that would
//! make the rule say otherwise.

use tierline_model::Millis;

use crate::tree::{Sense, Tree};
use crate::{Dated, Facts, NEVER, Rule, Truth};

/// Why a rule holds on a ticket, or doesn't, and what would change that.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it says, before `for:` and its latch.
    pub dated: Dated,
    /// Its conditions, those of `when` first, in the order in which they were written.
    pub conditions: Vec<Asked>,
    /// Which of them decided, by their places.
    pub deciding: Vec<usize>,
    /// The fewest of them that would have to be otherwise for the rule to hold, where it does not, or for it not to
    /// hold, where it does; among equally few those that time decides before those of the ticket, and those of the
    /// account last.
    pub change: Vec<usize>,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What the rule wants, as a phrase in the present tense.
    pub wanted: String,
    /// The opposite.
    pub otherwise: String,
    /// Whether it is as the rule wants it.
    pub truth: Truth,
    /// Since when, as far as the present state shows; [`crate::ALWAYS`] where that carries no instant.
    pub since: Millis,
    /// Until when at least, if nothing happens; [`NEVER`]: only a record changes it.
    pub until: Millis,
    /// The value that it sees, for people.
    pub value: String,
    /// Who told it.
    pub source: Option<String>,
    /// As of when.
    pub as_of: Option<Millis>,
    /// What decides it.
    pub of: DecidedBy,
    /// The fields that it reads.
    pub fields: Vec<String>,
}

/// What decides a condition. The order is that in which people can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecidedBy {
    /// It becomes so by itself.
    Time,
    /// The ticket's fields, messages and signals.
    Ticket,
    /// What is so for all tickets of the account.
    Account,
}

/// How costly a change is: how many conditions, and of them how many of the account and of the ticket.
type Cost = (usize, usize, usize);

impl Rule {
    /// What the rule says of a ticket, and why.
    pub fn answer(&self, facts: &dyn Facts) -> Answer {
        let body = &self.body;
        let mut senses = vec![Sense::Plain; body.leaves.len()];
        body.tree.senses(&mut senses);
        let dated: Vec<Dated> = body.leaves.iter().map(|leaf| leaf.condition.evaluate(facts)).collect();
        let truths: Vec<Truth> = dated.iter().map(|dated| dated.truth).collect();
        let conditions = body.leaves.iter().zip(&senses).zip(&dated).map(|((leaf, &sense), dated)| {
            let negated = matches!(sense, Sense::Negated | Sense::NotYes);
            let seen = leaf.condition.seen(facts);
            Asked {
                wanted: leaf.condition.present(negated),
                otherwise: leaf.condition.present(!negated),
                truth: sense.of(dated.truth),
                since: dated.since,
                until: dated.until,
                value: seen.value,
                source: seen.source,
                as_of: seen.as_of,
                of: match (leaf.of_account, leaf.condition.is_timed()) {
                    (true, _) => DecidedBy::Account,
                    (false, true) => DecidedBy::Time,
                    (false, false) => DecidedBy::Ticket,
                },
                fields: leaf.condition.fields(),
            }
        });
        let conditions: Vec<Asked> = conditions.collect();
        let dated = self.evaluate(facts);
        let mut deciding = Vec::new();
        body.tree.deciding(&truths, &mut deciding);
        let change = body.tree.change(&conditions, dated.truth != Truth::Yes);
        Answer { dated, deciding: deciding.into_iter().map(|(index, _)| index).collect(), conditions, change }
    }

    /// The first instant from that of `facts` on at which the rule holds, `for:` aside, if nothing happens; `None`: it
    /// never does. `at` makes the same facts of a later moment.
    pub fn holds_at<'f, F: Facts + 'f>(&self, now: F, at: &dyn Fn(Millis) -> F) -> Option<Millis> {
        /// A truth that changes more often by itself is looked at no further.
        const MOST: usize = 256;
        let mut dated = self.evaluate(&now);
        let mut moment = now.moment().at;
        for _ in 0..MOST {
            match dated {
                Dated { truth: Truth::Yes, .. } => return Some(moment),
                Dated { until: NEVER, .. } => return None,
                Dated { until, .. } => moment = until.max(moment.saturating_add(1)),
            }
            dated = self.evaluate(&at(moment));
        }
        None
    }
}

impl Tree {
    fn senses(&self, into: &mut [Sense]) {
        match self {
            Tree::Leaf(index, sense) => into[*index] = *sense,
            Tree::All(children) | Tree::Any(children) => children.iter().for_each(|child| child.senses(into)),
        }
    }

    /// The cheapest set of leaves to be otherwise so that the tree becomes *yes*, or anything but *yes*.
    fn change(&self, leaves: &[Asked], to_yes: bool) -> Vec<usize> {
        let (children, all_of_them) = match self {
            Tree::Leaf(index, _) => {
                let is_yes = leaves[*index].truth == Truth::Yes;
                return if is_yes == to_yes { Vec::new() } else { vec![*index] };
            }
            Tree::All(children) => (children, to_yes),
            Tree::Any(children) => (children, !to_yes),
        };
        let changes = children.iter().map(|child| child.change(leaves, to_yes));
        if all_of_them {
            let mut together: Vec<usize> = changes.flatten().collect();
            together.sort_unstable();
            together.dedup();
            together
        } else {
            changes.min_by_key(|change| cost(change, leaves)).unwrap_or_default()
        }
    }
}

fn cost(change: &[usize], leaves: &[Asked]) -> Cost {
    let count = |of: DecidedBy| change.iter().filter(|&&index| leaves[index].of == of).count();
    (change.len(), count(DecidedBy::Account), count(DecidedBy::Ticket))
}
