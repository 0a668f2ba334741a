//! `${NAME}` and `${NAME:-default}` in values, from the environment. `$${` stands for `${` itself.

use tierline_rules::source::{Diagnostics, Node, Scalar, Span, codes};

use crate::Reading;

/// The tree with its variables filled in, and the places whose variable is missing.
pub(crate) fn filled(mut root: Node, reading: &mut Reading<'_>) -> (Node, Vec<Span>) {
    let mut missing = Vec::new();
    root.each_scalar(&mut |span, scalar| {
        if scalar.text.contains("${") && fill(span, scalar, reading).is_err() {
            missing.push(span.clone());
        }
    });
    (root, missing)
}

/// Takes back what was found wrong with values only because their variable is missing.
pub(crate) fn drop_consequences(missing: &[Span], found: &mut Diagnostics) {
    found
        .items
        .retain(|item| item.code == codes::ENVIRONMENT || item.span.as_ref().is_none_or(|at| !missing.contains(at)));
}

/// Whether a value, as it is written, is one variable and nothing else.
pub(crate) fn is_one_variable(written: &str) -> bool {
    let inside = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(is_name)
}

struct Wrong;

fn fill(span: &Span, scalar: &mut Scalar, reading: &mut Reading<'_>) -> Result<(), Wrong> {
    let mut whole = String::with_capacity(scalar.text.len());
    let mut rest = scalar.text.as_str();
    let mut wrong = false;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            whole.push_str(&rest[..at - 1]);
            whole.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        whole.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            reading
                .found
                .mistake(codes::ENVIRONMENT, span, "`${` has no `}`")
                .help("write `${NAME}` or `${NAME:-default}`; `$${` stands for the two characters themselves");
            return Err(Wrong);
        };
        match value(&rest[at + 2..at + end], span, reading) {
            Some(value) => whole.push_str(&value),
            None => wrong = true,
        }
        rest = &rest[at + end + 1..];
    }
    if wrong {
        return Err(Wrong);
    }
    whole.push_str(rest);
    scalar.text = whole;
    Ok(())
}

/// What stands for `NAME` or `NAME:-default`. As in a shell, the default also stands for a variable that is empty.
fn value(inside: &str, span: &Span, reading: &mut Reading<'_>) -> Option<String> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        reading
            .found
            .mistake(codes::ENVIRONMENT, span, "what stands in `${…}` is no variable's name")
            .help("write `${NAME}` or `${NAME:-default}`; `$${` stands for the two characters themselves");
        return None;
    }
    match (reading.surroundings.variable(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Some(default.to_owned()),
        (Some(value), _) => Some(value),
        (None, Some(default)) => Some(default.to_owned()),
        (None, None) => {
            reading
                .found
                .mistake(codes::ENVIRONMENT, span, format!("the environment has no variable `{name}`"))
                .label("not set")
                .help(format!("set it before the program starts: `export {name}=…`"));
            None
        }
    }
}

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
