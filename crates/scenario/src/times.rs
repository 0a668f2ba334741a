//! Times in a scenario: a length from its start (`90m`), or an instant.

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Node, codes, parse_duration};

/// The instant that a node names: a duration since `start`, or RFC 3339.
pub(crate) fn instant(node: &Node, start: Millis, found: &mut Diagnostics) -> Option<Millis> {
    let written = node.scalar().map_or("", |scalar| scalar.text.as_str());
    let read = read(written, start);
    if read.is_none() {
        found
            .mistake(codes::INSTANT, &node.span, "this is no time")
            .help("write a length from the start (`90m`) or an instant (`2026-03-02T09:00:00Z`)");
    }
    read
}

fn read(written: &str, start: Millis) -> Option<Millis> {
    match parse_duration(written) {
        Ok(length) => start.checked_add(length),
        Err(_) => tierline_model::parse_instant(written),
    }
}

/// `at` as a length from `start`, in the largest unit that leaves no rest; before the start, the instant itself.
pub(crate) fn since(at: Millis, start: Millis) -> String {
    let length = at - start;
    if length < 0 {
        return tierline_model::instant_text(at);
    }
    for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if length % unit == 0 {
            return format!("{}{name}", length / unit);
        }
    }
    format!("{length}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_length_or_an_instant() {
        let start = tierline_model::parse_instant("2026-03-02T09:00:00Z").expect("an instant");
        assert_eq!(read("0s", start), Some(start));
        assert_eq!(read("7d", start), Some(start + 7 * 86_400_000));
        assert_eq!(read("2026-03-02T09:00:00.001Z", start), Some(start + 1));
        assert_eq!(read("tomorrow", start), None);
    }

    #[test]
    fn a_length_is_shown_in_its_largest_whole_unit() {
        for text in ["2h", "210m", "10799s", "1ms", "0h"] {
            assert_eq!(since(read(text, 7_000).expect("a length"), 7_000), text);
        }
    }
}
