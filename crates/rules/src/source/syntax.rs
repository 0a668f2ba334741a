//! What is probably wrong where a text is not YAML: the parser tells what it had hoped for, and where it gave up.

use std::ops::Range;

/// A likely cause.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// Where it stands: bytes of the text.
    pub at: Range<usize>,
    pub help: String,
}

/// A line of the text.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

/// What most likely made the parser give up at a byte of a text, saying `info`.
pub(super) fn cause(text: &str, at: usize, info: &str) -> Option<Cause> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let line = Line { start, text: line };
        start += line.text.len();
        line
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let here = lines.iter().rposition(|line| line.start <= at)?;
    let nearby = || lines[here.saturating_sub(1)..(here + 2).min(lines.len())].iter().copied();
    let before = || lines[here.saturating_sub(1)..=here].iter().copied();
    nearby()
        .find_map(tab)
        .or_else(|| before().find_map(dash))
        .or_else(|| before().find_map(no_space))
        .or_else(|| mark(lines[here], info))
        .or_else(|| two_colons(lines[here]))
        .or_else(|| unclosed(&lines[..=here], info))
        .or_else(|| indentation(&lines[..=here]))
}

fn tab(line: Line<'_>) -> Option<Cause> {
    let place = line.text.find(|c: char| c != ' ').filter(|&place| line.text[place..].starts_with('\t'))?;
    let at = line.start + place;
    Some(Cause { at: at..at + 1, help: "this is a tab: indent with spaces".to_owned() })
}

fn dash(line: Line<'_>) -> Option<Cause> {
    let rest = line.text.trim_start();
    let first = rest.chars().next().filter(|c| ['–', '—', '‒', '•', '·'].contains(c))?;
    let at = line.start + line.text.len() - rest.len();
    let help = format!("an item of a list begins with `- `; `{first}` is another letter");
    Some(Cause { at: at..at + first.len_utf8(), help })
}

/// The key that a line begins with, and what follows its colon.
fn key<'t>(line: &Line<'t>) -> Option<(&'t str, &'t str)> {
    let rest = line.text.trim_start().trim_start_matches("- ").trim_start();
    let (key, value) = rest.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
    is_key.then_some((key, value))
}

fn no_space(line: Line<'_>) -> Option<Cause> {
    let (key, value) = key(&line)?;
    let value = value.trim_end();
    let joined = value.chars().next().is_some_and(|c| !c.is_whitespace()) && !value.contains(": ");
    let at = line.start + line.text.find(key)?;
    let help = || format!("write a space behind the colon: `{key}: {value}`");
    joined.then(|| Cause { at: at..at + key.len() + 1 + value.len(), help: help() })
}

/// `*` and `&` mean something to YAML at the start of a value.
fn mark(line: Line<'_>, info: &str) -> Option<Cause> {
    let (_, value) = key(&line).filter(|_| info.contains("anchor") || info.contains("alias"))?;
    let value = value.trim();
    let at = line.start + line.text.find(value)?;
    Some(Cause { at: at..at + value.len(), help: format!("put it in quotes: `'{value}'`") })
}

fn two_colons(line: Line<'_>) -> Option<Cause> {
    let (key, value) = key(&line)?;
    let value = value.trim();
    let is_plain = !value.starts_with(['"', '\'', '[', '{', '|', '>', '#']);
    let at = line.start + line.text.find(value)?;
    let help = || format!("a text with a colon stands in quotes: `{key}: '{value}'`");
    (is_plain && value.contains(": ")).then(|| Cause { at: at..at + value.len(), help: help() })
}

/// The last bracket that nothing closes.
fn unclosed(lines: &[Line<'_>], info: &str) -> Option<Cause> {
    if !info.contains("flow") {
        return None;
    }
    let nearest = lines.len().saturating_sub(5);
    let mut open = Vec::new();
    for line in &lines[nearest..] {
        for (place, letter) in line.text.char_indices() {
            match letter {
                '[' | '{' => open.push((line.start + place, letter)),
                ']' | '}' => {
                    let opens = if letter == ']' { '[' } else { '{' };
                    match open.last() {
                        Some((_, last)) if *last == opens => drop(open.pop()),
                        _ => break,
                    }
                }
                _ => {}
            }
        }
    }
    let (at, letter) = open.pop()?;
    let close = if letter == '[' { ']' } else { '}' };
    Some(Cause { at: at..at + 1, help: format!("nothing closes this `{letter}`: write `{close}` where it ends") })
}

/// A line that begins where none of those does that it could belong to.
fn indentation(lines: &[Line<'_>]) -> Option<Cause> {
    // The blanks at the very end begin nothing.
    let (last, above) = lines.split_last().filter(|(last, _)| !last.text.trim().is_empty())?;
    let column = |line: &Line<'_>| line.text.len() - line.text.trim_start().len();
    let begins = column(last);
    let mut columns: Vec<usize> = Vec::new();
    for line in above.iter().filter(|line| !line.text.trim().is_empty() && !line.text.trim_start().starts_with('#')) {
        let outer = column(line);
        columns.retain(|&other| other < outer);
        columns.push(outer);
        if line.text.trim_start().starts_with("- ") {
            let rest = line.text.trim_start()[1..].trim_start();
            columns.push(line.text.trim_end_matches('\n').len() - rest.trim_end_matches('\n').len());
        }
    }
    let near =
        columns.iter().copied().filter(|_| !columns.contains(&begins)).min_by_key(|column| column.abs_diff(begins))?;
    let help =
        format!("this line begins in column {}, what it belongs to in column {}: begin it there", begins + 1, near + 1);
    Some(Cause { at: last.start + begins..last.start + last.text.trim_end().len(), help })
}

#[cfg(test)]
mod tests {
    use crate::source::{Diagnostics, Source, parse};

    fn told(text: &str) -> String {
        let source = Source::new("rules.yaml", text);
        let mut found = Diagnostics::default();
        assert!(parse(&source, &mut found).is_none(), "{text}");
        let place = found.items[0].span.as_ref().expect("it has a place");
        let help = found.items[0].help.clone().unwrap_or_default();
        let line = text[..place.start].matches('\n').count() + 1;
        format!("line {line}, `{}`: {help}", &text[place.start..place.end])
    }

    #[test]
    fn a_text_that_breaks_off_in_blanks_is_a_mistake_and_no_panic() {
        for text in ["a: { \n  ", "a: [ 1,\n   ", "a: { \n\t"] {
            let source = Source::new("rules.yaml", text);
            let mut found = Diagnostics::default();
            assert!(parse(&source, &mut found).is_none(), "{text:?}");
            assert!(found.render(false).contains("this is not YAML"), "{text:?}");
        }
    }

    #[test]
    fn what_people_do_to_yaml_is_told_where_they_did_it() {
        let rule = |lines: &str| told(&format!("rules:\n  - id: a\n{lines}    when: {{ ticket.priority: urgent }}\n"));
        assert_eq!(rule("\ttier: 2\n"), "line 3, `\t`: this is a tab: indent with spaces");
        assert_eq!(
            told("rules:\n  – id: a\n    tier: 2\n"),
            "line 2, `–`: an item of a list begins with `- `; `–` is another letter"
        );
        assert_eq!(rule("    tier:2\n"), "line 3, `tier:2`: write a space behind the colon: `tier: 2`");
        assert_eq!(
            rule("    suggest: Note: call them\n"),
            "line 3, `Note: call them`: a text with a colon stands in quotes: `suggest: 'Note: call them'`"
        );
        assert_eq!(rule("    suggest: *now\n"), "line 3, `*now`: put it in quotes: `'*now'`");
        assert_eq!(
            rule("    unless: { ticket.category: [billing }\n"),
            "line 3, `[`: nothing closes this `[`: write `]` where it ends"
        );
        assert_eq!(
            rule("     tier: 2\n"),
            "line 3, `tier: 2`: this line begins in column 6, what it belongs to in column 5: begin it there"
        );
        assert_eq!(
            told("rules:\n  - id: a\n    tier: 2\n   - id: b\n"),
            "line 4, `- id: b`: this line begins in column 4, what it belongs to in column 3: begin it there"
        );
    }
}
