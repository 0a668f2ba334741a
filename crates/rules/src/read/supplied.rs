//! What a rule asks that no record will answer: fields that no source tells, words that are mapped to others.

use crate::AskedOf;
use crate::scope::Scope;
use crate::source::{Span, codes};
use crate::tree::Expression;

/// Warns of each condition once, however many rules share it.
pub(super) fn warn(expressions: &[&Expression], scope: &mut Scope<'_>) {
    expressions.iter().for_each(|expression| look(expression, scope));
}

fn look(expression: &Expression, scope: &mut Scope<'_>) {
    match expression {
        Expression::All(children) | Expression::Any(children) => {
            children.iter().for_each(|child| look(child, scope));
        }
        Expression::Not(inner) => look(inner, scope),
        Expression::Leaf(condition, Some(span)) => {
            for ask in condition.asks() {
                if ask.of != AskedOf::State {
                    warn_of_nobody(&ask.key, span, scope);
                }
                ask.words.iter().for_each(|word| warn_of_mapped(&ask.of, word, span, scope));
            }
        }
        Expression::Leaf(_, None) => {}
    }
}

fn warn_of_nobody(key: &str, span: &Span, scope: &mut Scope<'_>) {
    if !scope.sources.lack(key) || is_told(codes::NO_SOURCE, span, scope) {
        return;
    }
    let help = "add it to the source that will tell it, or leave the condition out";
    scope
        .found
        .warning(codes::NO_SOURCE, span, format!("none of `sources` tells `{key}`"))
        .label("always unknown")
        .help(help);
}

fn warn_of_mapped(of: &AskedOf, word: &str, span: &Span, scope: &mut Scope<'_>) {
    let AskedOf::Field(field) = of else { return };
    let mapping = scope.mappings.of(field);
    let Some(name) = mapping.and_then(|mapping| mapping.calls_otherwise(word)).map(str::to_owned) else { return };
    if is_told(codes::MAPPED_AWAY, span, scope) {
        return;
    }
    scope
        .found
        .warning(codes::MAPPED_AWAY, span, format!("no rule ever sees `{word}` here"))
        .label(format!("it is mapped to `{name}`"))
        .help(format!("ask for `{name}`"));
}

fn is_told(code: &str, span: &Span, scope: &Scope<'_>) -> bool {
    scope.found.items.iter().any(|item| item.code == code && item.span.as_ref() == Some(span))
}
