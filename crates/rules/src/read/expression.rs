//! `all`, `any`, `not`, `is` and whatever stands within them.

use crate::conditions;
use crate::scope::{Scope, Term};
use crate::source::{self, Entry, Kind, Node, Span, codes, did_you_mean};
use crate::tree::Expression;

/// Conditions in one rule, those of its terms counted wherever they stand.
pub(super) const MOST_LEAVES: usize = 255;
/// Terms within each other.
const DEEPEST: usize = 32;

/// Reads a condition: a map, all of whose keys must hold.
pub(crate) fn parse(node: &Node, what: &str, scope: &mut Scope<'_>) -> Option<Expression> {
    match &node.kind {
        Kind::Map(entries) if entries.is_empty() => {
            scope.found.mistake(codes::EMPTY, &node.span, format!("{what} has no condition"));
            None
        }
        Kind::Map(entries) => {
            let read = entries.iter().map(|entry| parse_entry(entry, scope)).collect();
            gather(read, &node.span, scope).map(all)
        }
        Kind::List(_) => {
            source::wrong_kind(node, &format!("{what} is a map"), scope.found);
            scope.found.items.last_mut().map(|mistake| mistake.help("write `all:` or `any:` before the list"));
            None
        }
        Kind::Scalar(_) => {
            source::wrong_kind(node, &format!("{what} is a map such as `account.plan: enterprise`"), scope.found);
            None
        }
    }
}

/// The condition that a name stands for.
pub(super) fn term(name: &str, span: &Span, scope: &mut Scope<'_>) -> Option<Expression> {
    let Some((&name, term)) = scope.terms.get_key_value(name) else {
        let help = did_you_mean(name, scope.terms.keys().copied());
        let help = help.unwrap_or_else(|| match scope.terms.len() {
            0 => "there are no `terms`".to_owned(),
            _ => format!("the terms are {}", source::listed(scope.terms.keys().copied())),
        });
        scope.found.mistake(codes::UNKNOWN_TERM, span, format!("there is no term `{name}`")).help(help);
        return None;
    };
    let entry = match term {
        Term::Read(read) => return read.clone(),
        Term::Written(entry) => *entry,
        Term::Begun => {
            let begun = scope.reading.iter().position(|other| *other == name).unwrap_or(0);
            let way: Vec<&str> = scope.reading[begun..].iter().copied().chain([name]).collect();
            scope
                .found
                .mistake(codes::CYCLE, span, format!("the term `{name}` contains itself"))
                .label(way.join(" → "));
            return None;
        }
    };
    if scope.reading.len() == DEEPEST {
        scope.found.mistake(codes::TOO_MUCH, span, format!("more than {DEEPEST} terms within each other"));
        return None;
    }
    scope.reading.push(name);
    scope.terms.insert(name, Term::Begun);
    let read = parse(&entry.value, &format!("the term `{name}`"), scope);
    scope.reading.pop();
    scope.terms.insert(name, Term::Read(read.clone()));
    read
}

fn parse_entry(Entry { key, value }: &Entry, scope: &mut Scope<'_>) -> Option<Expression> {
    match key.text.as_str() {
        "all" => parse_list(key, value, scope).map(all),
        "any" => parse_list(key, value, scope).map(|mut any| match any.len() {
            1 => any.remove(0),
            _ => Expression::Any(any),
        }),
        "not" => parse(value, "`not`", scope).map(|inner| Expression::Not(Box::new(inner))),
        "is" => {
            let name = source::text(value, "`is`", scope.found)?;
            term(name, &value.span, scope)
        }
        _ => conditions::parse(key, value, scope),
    }
}

fn parse_list(key: &source::Key, value: &Node, scope: &mut Scope<'_>) -> Option<Vec<Expression>> {
    let what = format!("`{}`", key.text);
    match &value.kind {
        Kind::List(nodes) if nodes.is_empty() => {
            scope.found.mistake(codes::EMPTY, &value.span, format!("{what} has no condition"));
            None
        }
        Kind::List(nodes) => {
            let read = nodes.iter().map(|node| parse(node, &format!("a condition of {what}"), scope)).collect();
            gather(read, &value.span, scope)
        }
        Kind::Map(_) | Kind::Scalar(_) => {
            source::wrong_kind(value, &format!("{what} is a list of conditions"), scope.found);
            scope.found.items.last_mut().map(|mistake| mistake.help("write a `-` before each"));
            None
        }
    }
}

/// All of these, unless one has mistakes, or they are too many: terms that repeat terms grow beyond all bounds.
fn gather(read: Vec<Option<Expression>>, span: &Span, scope: &mut Scope<'_>) -> Option<Vec<Expression>> {
    let read: Vec<Expression> = read.into_iter().collect::<Option<_>>()?;
    if read.iter().map(Expression::leaves).sum::<usize>() > MOST_LEAVES {
        scope
            .found
            .mistake(codes::TOO_MUCH, span, format!("more than {MOST_LEAVES} conditions in one"))
            .help("conditions of a term count wherever it stands");
        return None;
    }
    Some(read)
}

fn all(mut conditions: Vec<Expression>) -> Expression {
    if conditions.len() == 1 { conditions.remove(0) } else { Expression::All(conditions) }
}
