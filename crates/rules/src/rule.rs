//! A rule, checked and compiled, and what the engine asks of it.

use std::sync::Arc;

use tierline_model::{Evidence, Millis, Priority, SlaMetric};
use tierline_sla::{Calendar, Target, Targets};

use crate::tree::{Sense, Tree};
use crate::{
    ALWAYS, Absence, Ask, Condition, Dated, Facts, FieldRef, Gate, Mappings, Phrase, Reads, Sources, Topic, Truth, text,
};

/// The rules and policies in force.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// In the order in which they were written: the first of two that rise at one instant and tier fires.
    pub rules: Vec<Rule>,
    /// In the order in which they were written: the first that applies to a ticket is its policy.
    pub policies: Vec<SlaPolicy>,
    /// What was in force before, and may still count on some ticket; theirs are the places behind `policies`.
    pub past_policies: Vec<PastPolicy>,
    /// What customers' messages are matched with as they arrive; conditions know them by their places.
    pub phrases: Vec<Phrase>,
    /// The calendars that are named.
    pub calendars: Vec<NamedCalendar>,
    /// `escalation_sla`: how soon an agent answers an escalation of tier 2, and of tier 3.
    pub escalation_sla: [Option<Target>; 2],
    /// What words are called before conditions compare them.
    pub mappings: Mappings,
    /// Which system tells which fields, where that is said.
    pub sources: Sources,
    /// Every text that conditions compare for equality, [folded](crate::fold). A text's index is its number, the
    /// `folded` of [`Value::Text`](crate::Value::Text).
    pub texts: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique in its set: lower-case letters, digits and hyphens.
    pub id: String,
    /// 2 or 3.
    pub tier: u8,
    /// `once_per: account`: one latch for the account.
    pub per_account: bool,
    /// What ends an escalation that it fired.
    pub clear: Clear,
    /// Milliseconds after a rise during which it does not rise again.
    pub cooldown: Option<Millis>,
    /// `for:`: milliseconds for which it must have held without a break.
    pub hold: Option<Millis>,
    /// Whether it fires, and where to.
    pub mode: Mode,
    /// What happens to what already holds when the rule is new or changed.
    pub on_deploy: OnDeploy,
    /// What to do next, for the receiving agent.
    pub suggest: Option<String>,
    /// Whom to tell.
    pub route: Option<String>,
    /// For the rule's readers.
    pub description: Option<String>,
    /// 16 hexadecimal digits of a stable hash of everything but description, route and suggestion.
    pub fingerprint: String,
    /// The same with the names of calendars in the place of what they say: an edited one makes no other rule.
    pub but_for_hours: String,
    pub(crate) body: Body,
}

/// What ends an escalation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Clear {
    /// Its ticket is solved.
    #[default]
    Solved,
    /// No rule that fired or joined on it holds any longer.
    WhenNo,
}

/// Whether a rule fires, and where to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// To `escalations`.
    #[default]
    Live,
    /// To `escalations-shadow`.
    Shadow,
    /// It is not evaluated.
    Disabled,
}

/// What happens to what already holds when a rule is new or changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDeploy {
    /// It latches in silence.
    #[default]
    Quiet,
    /// It fires, dated at the restart.
    Fire,
}

/// A calendar by the name that rules and policies use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCalendar {
    /// Unique in its set.
    pub name: String,
    /// When work is done.
    pub calendar: Calendar,
}

/// An SLA policy.
#[derive(Clone, Debug)]
pub struct SlaPolicy {
    /// Unique in its set.
    pub id: String,
    /// How long each metric may take, by its discriminant.
    pub targets: [Targets; SlaMetric::OF_TICKET.len()],
    /// The calendar that its targets are counted in, but for those that name another.
    pub calendar: Calendar,
    /// What a change of priority, or to this policy, makes of what has elapsed.
    pub on_change: OnChange,
    /// What reopening makes of the time for which a ticket was solved.
    pub on_reopen: OnReopen,
    /// 16 hexadecimal digits of a stable hash of all of it, its calendars included.
    pub fingerprint: String,
    /// Which tickets it is for; `None`: all.
    pub(crate) when: Option<Body>,
}

/// An SLA policy as it was before it was edited, or taken out. It applies to no ticket any more, and has no `when`.
#[derive(Clone, Debug)]
pub struct PastPolicy {
    /// Its id, `#`, and 16 hexadecimal digits of what it said: unique in its set, and the same in every process.
    pub name: String,
    /// What it said.
    pub policy: SlaPolicy,
    /// When it was last in force: UTC milliseconds.
    pub until: Millis,
}

/// What a change of priority or policy makes of what has elapsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnChange {
    /// It is kept; the new target counts.
    #[default]
    Retain,
    /// The clock starts anew where the target is another.
    Restart,
}

/// What reopening makes of the time for which a ticket was solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnReopen {
    /// It does not count.
    #[default]
    Exclude,
    /// It counts.
    Count,
}

/// What one leaf of a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafState {
    /// The condition's own truth, before any `not` or `unless` around it.
    pub truth: Truth,
    /// The absence that it waits for, while one runs.
    pub absence: Option<Absence>,
}

/// Why a rule holds, or doesn't.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Phrases in the past tense with the values seen, to stand behind *because*: *the account's plan was enterprise and
    /// no agent had replied for 2 hours (since …)*.
    pub because: String,
    /// The conditions that decided.
    pub evidence: Vec<Evidence>,
}

/// The compiled conditions.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// All conditions, those of `when` first, in the order in which they were written.
    pub(crate) leaves: Vec<Leaf>,
    /// `when`, held back while `unless` is yes.
    pub(crate) tree: Tree,
    /// `when` alone and `unless` alone, for sentences; they share the leaves.
    pub(crate) when: Tree,
    pub(crate) unless: Option<Tree>,
    /// Which children of the tree, if it is an `all`, are no gates.
    pub(crate) beside_gates: Box<[usize]>,
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) condition: Arc<dyn Condition>,
    pub(crate) of_account: bool,
}

impl Body {
    /// The gate that a child of the tree is.
    pub(crate) fn gate(&self, tree: &Tree) -> Option<Gate> {
        match tree {
            Tree::Leaf(index, Sense::Plain) => self.leaves[*index].condition.gate(),
            _ => None,
        }
    }
}

impl RuleSet {
    /// The policy at a place: one in force, or behind those one that was.
    pub fn policy(&self, place: u16) -> Option<&SlaPolicy> {
        let place = usize::from(place);
        let past = || self.past_policies.get(place - self.policies.len()).map(|past| &past.policy);
        self.policies.get(place).or_else(past)
    }

    /// What the policy at a place is called where it is kept: its id, or the [name](PastPolicy::name) of one that was.
    pub fn policy_name(&self, place: u16) -> Option<&str> {
        let place = usize::from(place);
        let past = || self.past_policies.get(place - self.policies.len()).map(|past| past.name.as_str());
        self.policies.get(place).map(|policy| policy.id.as_str()).or_else(past)
    }

    /// The place of the policy of that [name](Self::policy_name).
    pub fn place_of(&self, name: &str) -> Option<u16> {
        let past = || self.past_policies.iter().position(|past| past.name == name);
        let in_force = self.policies.iter().position(|policy| policy.id == name);
        // There are far fewer policies.
        in_force.or_else(|| past().map(|place| self.policies.len() + place)).map(|place| place as u16)
    }

    /// Whether the policy at a place is one that was.
    pub fn is_past(&self, place: u16) -> bool {
        usize::from(place) >= self.policies.len()
    }

    /// What the policy at a place was before it was edited: places, each with the instant up to which it was so, in
    /// order.
    pub fn editions_of(&self, place: u16) -> impl Iterator<Item = (u16, Millis)> + '_ {
        let id = self.policy(place).map(|policy| policy.id.as_str());
        let past = self.past_policies.iter().enumerate();
        let is_it = move |(_, past): &(usize, &PastPolicy)| Some(past.policy.id.as_str()) == id;
        past.filter(is_it).map(|(past, policy)| ((self.policies.len() + past) as u16, policy.until))
    }

    /// The same with the hours that its calendars had before, by their names: each up to an instant, in order.
    /// Conditions see them where their facts [show them](Facts::calendar).
    #[must_use]
    pub fn with_past_hours(&self, past: &[(String, Vec<(Millis, Calendar)>)]) -> RuleSet {
        let mut set = self.clone();
        for named in &mut set.calendars {
            let Some((_, editions)) = past.iter().find(|(name, _)| *name == named.name) else { continue };
            let edited = Calendar::edited(editions.clone(), named.calendar.clone());
            let answers = set.escalation_sla.iter_mut().flatten().map(|target| &mut target.calendar);
            let of_policies = set.policies.iter_mut().flat_map(|policy| {
                let targets = policy.targets.iter_mut().flat_map(Targets::each_mut);
                targets.map(|target| &mut target.calendar).chain([&mut policy.calendar])
            });
            let all = of_policies.chain(answers);
            all.filter(|other| other.is(&named.calendar)).for_each(|other| *other = edited.clone());
            named.calendar = edited;
        }
        set
    }
}

impl Rule {
    /// What its `when` and `unless` read.
    pub fn reads(&self) -> Reads {
        self.body.leaves.iter().fold(Reads::default(), |reads, leaf| reads.with(leaf.condition.reads()))
    }

    /// Whether its truth may change though no record comes.
    pub fn is_timed(&self) -> bool {
        self.body.leaves.iter().any(|leaf| leaf.condition.is_timed())
    }

    /// Whether it reads the open escalation.
    pub fn reads_escalation(&self) -> bool {
        self.reads().overlaps(Reads::default().and(Topic::Escalation))
    }

    /// Whether it reads `ticket.rating` or its comment.
    pub fn reads_rating(&self) -> bool {
        use tierline_model::TicketField;
        let rating = Reads {
            ticket: 1 << TicketField::Rating as u32 | 1 << TicketField::RatingComment as u32,
            ..Reads::default()
        };
        self.reads().overlaps(rating)
    }

    /// `when`, held back (*no*) while `unless` is *yes*. Allocates nothing and stops early.
    pub fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.body.tree.evaluate(&mut |index| self.body.leaves[index].condition.evaluate(facts))
    }

    /// The truths of its conditions of the account alone, which are the same for all its tickets, by the place of each;
    /// what [`evaluate_given`](Self::evaluate_given) needs.
    pub fn of_account(&self, facts: &dyn Facts) -> Vec<Option<Dated>> {
        let truth = |leaf: &Leaf| leaf.of_account.then(|| leaf.condition.evaluate(facts));
        self.body.leaves.iter().map(truth).collect()
    }

    /// [`evaluate`](Self::evaluate) for one of many tickets of an account.
    pub fn evaluate_given(&self, facts: &dyn Facts, of_account: &[Option<Dated>]) -> Dated {
        self.body.tree.evaluate(&mut |index| {
            of_account[index].unwrap_or_else(|| self.body.leaves[index].condition.evaluate(facts))
        })
    }

    /// The same with every condition that is not of the account alone taken as *unknown*: *no* here means *no* for each
    /// of the account's tickets.
    pub fn evaluate_account(&self, facts: &dyn Facts) -> Dated {
        self.body.tree.evaluate(&mut |index| {
            let leaf = &self.body.leaves[index];
            if leaf.of_account { leaf.condition.evaluate(facts) } else { Dated::fixed(Truth::Unknown, ALWAYS) }
        })
    }

    /// The gates that every ticket must pass for the rule to hold; those of the ticket's own fields first, for what a
    /// ticket says of itself is rarely untold.
    pub fn gates(&self) -> Vec<Gate> {
        let gate = |tree: &Tree| self.body.gate(tree);
        let mut gates: Vec<Gate> = match &self.body.tree {
            Tree::All(children) => children.iter().filter_map(gate).collect(),
            tree => gate(tree).into_iter().collect(),
        };
        gates.sort_by_key(|gate| !matches!(gate.field, FieldRef::Ticket(_)));
        gates
    }

    /// Whether what it asks beside its [gates](Self::gates) lets it be other than *no*: it is *unknown* then, where no
    /// gate is shut and one is untold.
    pub fn is_open_beside_gates(&self, facts: &dyn Facts) -> bool {
        let Tree::All(children) = &self.body.tree else { return true };
        let is_no = |child: &Tree| {
            let dated = child.evaluate(&mut |index| self.body.leaves[index].condition.evaluate(facts));
            dated.truth == Truth::No
        };
        !self.body.beside_gates.iter().any(|&child| is_no(&children[child]))
    }

    /// What the conditions of the account alone say, packed, and the first instant at which one of them may say
    /// something else though no record comes. While the first is the same, no ticket's truth has changed because of its
    /// account. `None`: there are too many to pack.
    pub fn account_truths(&self, facts: &dyn Facts) -> (Option<u64>, Millis) {
        let (mut packed, mut count, mut until) = (0, 0, crate::NEVER);
        for leaf in self.body.leaves.iter().filter(|leaf| leaf.of_account) {
            let dated = leaf.condition.evaluate(facts);
            packed = packed << 2 | dated.truth as u64;
            count += 1;
            until = until.min(dated.until);
        }
        ((count <= 32).then_some(packed), until)
    }

    /// What each condition says, those of `when` first, in the order in which they were written.
    pub fn leaves(&self, facts: &dyn Facts) -> Vec<LeafState> {
        let state = |leaf: &Leaf| LeafState {
            truth: leaf.condition.evaluate(facts).truth,
            absence: leaf.condition.absence(facts),
        };
        self.body.leaves.iter().map(state).collect()
    }

    /// Each condition as a phrase in the present tense, in the order of [`leaves`](Self::leaves).
    pub fn phrases(&self) -> Vec<String> {
        self.body.leaves.iter().map(|leaf| leaf.condition.present(false)).collect()
    }

    /// What each condition asks, in the order of [`leaves`](Self::leaves).
    pub fn asks(&self) -> Vec<Vec<Ask>> {
        self.body.leaves.iter().map(|leaf| leaf.condition.asks()).collect()
    }

    /// What the rule would say if its conditions, in the order of [`leaves`](Self::leaves), said this.
    ///
    /// # Panics
    /// Where `truths` is shorter than [`leaves`](Self::leaves).
    pub fn recombine(&self, truths: &[Truth]) -> Truth {
        self.body.tree.recombine(truths)
    }

    /// What one condition reads, by its place in [`leaves`](Self::leaves).
    pub fn leaf_reads(&self, index: usize) -> Reads {
        self.body.leaves[index].condition.reads()
    }

    /// Why it says what it says: only the conditions that decided.
    pub fn explain(&self, facts: &dyn Facts) -> Explanation {
        let truths: Vec<Truth> = self.body.leaves.iter().map(|leaf| leaf.condition.evaluate(facts).truth).collect();
        let mut deciding = Vec::new();
        self.body.tree.deciding(&truths, &mut deciding);
        let mut explanation = Explanation::default();
        let mut phrases = Vec::with_capacity(deciding.len());
        for (index, sense) in deciding {
            let condition = &self.body.leaves[index].condition;
            let negated = matches!(sense, Sense::Negated | Sense::NotYes);
            phrases.push(match truths[index] {
                Truth::Unknown => format!("it was unknown whether {}", condition.past(facts, false)),
                // A `not` that kept the rule from holding is told as what was, not as what was wanted.
                truth => condition.past(facts, truth == Truth::No),
            });
            let seen = condition.seen(facts);
            explanation.evidence.push(Evidence {
                condition: condition.present(negated),
                value: seen.value,
                source: seen.source,
                as_of: seen.as_of,
            });
        }
        explanation.because = text::join(&phrases, "and");
        explanation
    }

    /// The rule as one sentence: *Escalate to tier 3 when the account's plan is enterprise and …*
    pub fn sentence(&self) -> String {
        let body = &self.body;
        let mut said = format!("escalate to tier {} when {}", self.tier, text::tree(&body.when, &body.leaves, false));
        if let Some(hold) = self.hold {
            said += &format!(", for {} without a break", text::duration(hold));
        }
        if let Some(unless) = &body.unless {
            said += &format!(", unless {}", text::tree(unless, &body.leaves, false));
        }
        if self.per_account {
            said += ", once per account";
        }
        text::sentence(&said)
    }
}

impl SlaPolicy {
    /// One without targets, for all tickets.
    pub fn bare(id: &str, on_reopen: OnReopen) -> SlaPolicy {
        SlaPolicy {
            id: id.to_owned(),
            targets: Default::default(),
            calendar: Calendar::Always,
            on_change: OnChange::Retain,
            on_reopen,
            fingerprint: String::new(),
            when: None,
        }
    }

    /// Whether it is for a ticket.
    pub fn applies(&self, facts: &dyn Facts) -> Dated {
        self.applies_given(facts, &[])
    }

    /// The truths of its conditions of the account alone, which are the same for all its tickets, by the place of each;
    /// what [`applies_given`](Self::applies_given) needs.
    pub fn of_account(&self, facts: &dyn Facts) -> Vec<Option<Dated>> {
        let truth = |leaf: &Leaf| leaf.of_account.then(|| leaf.condition.evaluate(facts));
        self.when.iter().flat_map(|body| &body.leaves).map(truth).collect()
    }

    /// [`applies`](Self::applies) for one of many tickets of an account; what is not given is looked at.
    pub fn applies_given(&self, facts: &dyn Facts, of_account: &[Option<Dated>]) -> Dated {
        let Some(body) = &self.when else { return Dated::fixed(Truth::Yes, ALWAYS) };
        body.tree.evaluate(&mut |index| {
            let given = of_account.get(index).copied().flatten();
            given.unwrap_or_else(|| body.leaves[index].condition.evaluate(facts))
        })
    }

    /// What its `when` reads.
    pub fn reads(&self) -> Reads {
        let leaves = self.when.iter().flat_map(|body| &body.leaves);
        leaves.fold(Reads::default(), |reads, leaf| reads.with(leaf.condition.reads()))
    }

    /// Whether it may apply, or not, though no record comes.
    pub fn is_timed(&self) -> bool {
        self.when.iter().flat_map(|body| &body.leaves).any(|leaf| leaf.condition.is_timed())
    }

    /// The target of a metric on a ticket of this priority; `None`: the policy has none for it.
    pub fn target(&self, metric: SlaMetric, priority: Option<Priority>) -> Option<&Target> {
        self.targets.get(metric as usize)?.for_priority(priority)
    }
}
