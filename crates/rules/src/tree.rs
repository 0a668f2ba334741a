//! How conditions combine: Kleene's `all`, `any` and `not`, with dates.
//!
//! A rule is compiled into one tree of `all` and `any` over leaves: every `not` is pushed down to the leaves (De
//! Morgan's laws hold for three values too), and so is `unless`, which asks whether a condition is anything but *yes*.
//! The dates are then those of a monotone tree, and what is asked most often stops early.

use std::sync::Arc;

use crate::source::Span;
use crate::{ALWAYS, Condition, Dated, NEVER, Truth};

/// Conditions as they were written, terms put in.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    /// A condition, and where it was written.
    Leaf(Arc<dyn Condition>, Option<Span>),
}

impl Expression {
    /// How many conditions there are in it.
    pub(crate) fn leaves(&self) -> usize {
        match self {
            Expression::All(children) | Expression::Any(children) => children.iter().map(Expression::leaves).sum(),
            Expression::Not(inner) => inner.leaves(),
            Expression::Leaf(..) => 1,
        }
    }
}

impl Expression {
    /// The same, with the place of each condition that has none yet.
    pub(crate) fn at(self, span: &Span) -> Expression {
        let each = |children: Vec<Expression>| children.into_iter().map(|child| child.at(span)).collect();
        match self {
            Expression::All(children) => Expression::All(each(children)),
            Expression::Any(children) => Expression::Any(each(children)),
            Expression::Not(inner) => Expression::Not(Box::new(inner.at(span))),
            Expression::Leaf(condition, place) => Expression::Leaf(condition, place.or_else(|| Some(span.clone()))),
        }
    }
}

/// Conditions as they are evaluated: leaves by their place in the rule's list.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    All(Box<[Tree]>),
    Any(Box<[Tree]>),
    Leaf(usize, Sense),
}

/// What of a leaf's truth counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// Its truth.
    Plain,
    /// The opposite.
    Negated,
    /// Whether it is anything but yes.
    NotYes,
    /// Whether it is anything but no.
    NotNo,
}

impl Sense {
    pub(crate) fn of(self, truth: Truth) -> Truth {
        match self {
            Sense::Plain => truth,
            Sense::Negated => !truth,
            Sense::NotYes => Truth::from(truth != Truth::Yes),
            Sense::NotNo => Truth::from(truth != Truth::No),
        }
    }

    fn negated(self) -> Sense {
        match self {
            Sense::Plain => Sense::Negated,
            Sense::Negated => Sense::Plain,
            Sense::NotYes => Sense::NotNo,
            Sense::NotNo => Sense::NotYes,
        }
    }

    /// Whether `all` becomes `any` under it, and the other way round.
    fn swaps(self) -> bool {
        matches!(self, Sense::Negated | Sense::NotYes)
    }
}

impl Tree {
    /// Compiles an expression; its leaves, in the order in which they were written, are added to `leaves`.
    pub(crate) fn compile(expression: &Expression, sense: Sense, leaves: &mut Vec<Arc<dyn Condition>>) -> Tree {
        let (children, is_all) = match expression {
            Expression::Leaf(condition, _) => {
                leaves.push(condition.clone());
                return Tree::Leaf(leaves.len() - 1, sense);
            }
            Expression::Not(inner) => return Tree::compile(inner, sense.negated(), leaves),
            Expression::All(children) => (children, !sense.swaps()),
            Expression::Any(children) => (children, sense.swaps()),
        };
        let compiled = children.iter().map(|child| Tree::compile(child, sense, leaves)).collect();
        if is_all { Tree::all(compiled) } else { Tree::any(compiled) }
    }

    /// All of these; what is itself an `all` is spread out.
    pub(crate) fn all(children: Vec<Tree>) -> Tree {
        let mut flat = Vec::with_capacity(children.len());
        for child in children {
            match child {
                Tree::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Tree::All(flat.into()) }
    }

    /// Any of these; what is itself an `any` is spread out.
    fn any(children: Vec<Tree>) -> Tree {
        let mut flat = Vec::with_capacity(children.len());
        for child in children {
            match child {
                Tree::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Tree::Any(flat.into()) }
    }

    /// The dated truth, given those of the leaves. Stops as soon as the answer can't change and its `until` can't grow;
    /// a *no* found so is dated by what was looked at, which is at worst too late.
    pub(crate) fn evaluate(&self, leaf: &mut impl FnMut(usize) -> Dated) -> Dated {
        match self {
            Tree::Leaf(index, sense) => {
                let dated = leaf(*index);
                Dated { truth: sense.of(dated.truth), ..dated }
            }
            Tree::All(children) => combine(children, Truth::No, leaf),
            Tree::Any(children) => combine(children, Truth::Yes, leaf),
        }
    }

    /// The truth alone, given those of the leaves.
    pub(crate) fn recombine(&self, truths: &[Truth]) -> Truth {
        match self {
            Tree::Leaf(index, sense) => sense.of(truths[*index]),
            Tree::All(children) => children.iter().map(|child| child.recombine(truths)).min().unwrap_or(Truth::Yes),
            Tree::Any(children) => children.iter().map(|child| child.recombine(truths)).max().unwrap_or(Truth::No),
        }
    }

    /// It in one fixed spelling.
    pub(crate) fn spell(&self, leaf: &impl Fn(usize) -> String) -> String {
        let spelled = |children: &[Tree]| children.iter().map(|child| child.spell(leaf)).collect::<Vec<_>>().join(",");
        match self {
            Tree::Leaf(index, sense) => format!("{sense:?} {}", leaf(*index)),
            Tree::All(children) => format!("all({})", spelled(children)),
            Tree::Any(children) => format!("any({})", spelled(children)),
        }
    }

    /// The leaves that made the truth what it is.
    pub(crate) fn deciding(&self, truths: &[Truth], into: &mut Vec<(usize, Sense)>) {
        match self {
            Tree::Leaf(index, sense) => into.push((*index, *sense)),
            Tree::All(children) | Tree::Any(children) => {
                let truth = self.recombine(truths);
                for child in children.iter().filter(|child| child.recombine(truths) == truth) {
                    child.deciding(truths, into);
                }
            }
        }
    }
}

/// Where one child that is `winner` decides: `No` among `all`, `Yes` among `any`.
///
/// It then stays so at least as long as any of the winners does, and has been so since the earliest of them. Where none
/// wins, it stays at least until the first of the children may change, and has been so since the last of them did.
fn combine(children: &[Tree], winner: Truth, leaf: &mut impl FnMut(usize) -> Dated) -> Dated {
    let mut won: Option<Dated> = None;
    let mut rest = Dated { truth: !winner, since: ALWAYS, until: NEVER };
    for child in children {
        let dated = child.evaluate(leaf);
        if dated.truth == winner {
            let so_far = won.unwrap_or(dated);
            let wins =
                Dated { truth: winner, since: so_far.since.min(dated.since), until: so_far.until.max(dated.until) };
            if wins.until == NEVER && (winner == Truth::No || wins.since == ALWAYS) {
                return wins;
            }
            won = Some(wins);
        } else if dated.truth == Truth::Unknown {
            rest.truth = Truth::Unknown;
        }
        rest.since = rest.since.max(dated.since);
        rest.until = rest.until.min(dated.until);
    }
    won.unwrap_or(rest)
}
