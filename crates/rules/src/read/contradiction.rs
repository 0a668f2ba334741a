//! Conditions that cannot hold together, though each of them can.

use std::sync::Arc;

use crate::Condition;
use crate::scope::Scope;
use crate::source::{Span, codes};
use crate::tree::Expression;

/// A condition among those that must all hold.
struct Wanted<'e> {
    condition: &'e Arc<dyn Condition>,
    negated: bool,
    span: Option<&'e Span>,
}

/// Says which conditions of a `when` exclude each other, and whether `unless` holds back all that it lets through.
pub(super) fn find(when: &Expression, unless: Option<&Expression>, scope: &mut Scope<'_>) {
    within(when, scope);
    if let Some(unless) = unless {
        within(unless, scope);
        held_back(when, unless, scope);
    }
}

fn within(expression: &Expression, scope: &mut Scope<'_>) {
    match expression {
        Expression::Leaf(..) => {}
        Expression::Not(inner) => within(inner, scope),
        Expression::Any(children) => children.iter().for_each(|child| within(child, scope)),
        Expression::All(children) => {
            let mut all = Vec::new();
            gather(expression, &mut all);
            for (place, one) in all.iter().enumerate() {
                if let Some(other) = all[..place].iter().find(|other| one.excludes(other)) {
                    tell(one, other, scope);
                    break;
                }
            }
            children.iter().filter(|child| !matches!(child, Expression::All(_))).for_each(|child| within(child, scope));
        }
    }
}

/// Whether each thing that lets the rule hold is one that holds it back.
fn held_back(when: &Expression, unless: &Expression, scope: &mut Scope<'_>) {
    let mut all = Vec::new();
    gather(when, &mut all);
    let alternatives = match unless {
        Expression::Any(children) => children.as_slice(),
        other => std::slice::from_ref(other),
    };
    for alternative in alternatives {
        let mut needed = Vec::new();
        gather(alternative, &mut needed);
        let is_wanted = |one: &Wanted<'_>| all.iter().any(|other| one.is(other) || one.covers(other));
        if !needed.is_empty() && is_whole(alternative) && needed.iter().all(is_wanted) {
            if let Some(span) = needed[0].span {
                scope
                    .found
                    .mistake(codes::CONTRADICTION, span, "`unless` holds back all that `when` lets through")
                    .label("this holds wherever `when` does")
                    .help("take it out of `unless`, or out of `when`");
            }
            return;
        }
    }
}

/// Whether it is nothing but conditions that must all hold.
fn is_whole(expression: &Expression) -> bool {
    match expression {
        Expression::Leaf(..) => true,
        Expression::Not(inner) => matches!(&**inner, Expression::Leaf(..)),
        Expression::All(children) => children.iter().all(is_whole),
        Expression::Any(_) => false,
    }
}

/// The conditions that must hold, or must not, for all of it to hold.
fn gather<'e>(expression: &'e Expression, into: &mut Vec<Wanted<'e>>) {
    match expression {
        Expression::All(children) => children.iter().for_each(|child| gather(child, into)),
        Expression::Leaf(condition, span) => into.push(Wanted { condition, negated: false, span: span.as_ref() }),
        Expression::Not(inner) => {
            if let Expression::Leaf(condition, span) = &**inner {
                into.push(Wanted { condition, negated: true, span: span.as_ref() });
            }
        }
        Expression::Any(_) => {}
    }
}

impl Wanted<'_> {
    fn is(&self, other: &Wanted<'_>) -> bool {
        self.negated == other.negated && self.condition.normal() == other.condition.normal()
    }

    /// Whether it holds wherever the other does.
    fn covers(&self, other: &Wanted<'_>) -> bool {
        let claims = (self.condition.claim(), other.condition.claim());
        let plain = !self.negated && !other.negated;
        matches!(claims, (Some(mine), Some(theirs)) if plain && mine.covers(&theirs))
    }

    fn excludes(&self, other: &Wanted<'_>) -> bool {
        if self.negated != other.negated {
            return self.condition.normal() == other.condition.normal();
        }
        let claims = (self.condition.claim(), other.condition.claim());
        matches!(claims, (Some(mine), Some(theirs)) if !self.negated && mine.excludes(&theirs))
    }
}

fn tell(one: &Wanted<'_>, other: &Wanted<'_>, scope: &mut Scope<'_>) {
    let said = |wanted: &Wanted<'_>| wanted.condition.present(wanted.negated);
    let Some(span) = one.span.or(other.span) else { return };
    let message = format!("these never hold together: {}, and {}", said(other), said(one));
    scope
        .found
        .mistake(codes::CONTRADICTION, span, message)
        .label("excludes the other")
        .help("for one or the other write `any:` with two conditions");
}
