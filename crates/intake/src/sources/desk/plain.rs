//! What a message says, without its dress: rules and people read text, help desks send HTML.

use std::borrow::Cow;

/// The text of a piece of HTML; a text without any tag or entity stays as it is.
pub fn plain(html: &str) -> Cow<'_, str> {
    let html = html.trim();
    if !html.contains(['<', '&']) {
        return Cow::Borrowed(html);
    }
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let mut may_end = true;
    while let Some(place) = rest.find(['<', '&']) {
        text.push_str(&rest[..place]);
        rest = &rest[place..];
        rest = if rest.starts_with('<') { tag(rest, &mut text, &mut may_end) } else { entity(rest, &mut text) };
    }
    text.push_str(rest);
    Cow::Owned(without_gaps(&text))
}

/// Lines without space at their ends, and never more than one empty line between two.
fn without_gaps(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim) {
        if !line.is_empty() || !kept.ends_with("\n\n") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Passes a tag; one that ends a line ends it in the text. What only looks like a tag is text. `may_end` is taken away
/// where no `>` follows any more, so that nothing looks for one again.
fn tag<'a>(html: &'a str, text: &mut String, may_end: &mut bool) -> &'a str {
    let inside = &html[1..];
    let begins = inside.trim_start_matches('/').starts_with(|c: char| c.is_ascii_alphabetic() || c == '!');
    let end = if begins && *may_end { inside.find('>') } else { None };
    let Some(end) = end else {
        *may_end &= !begins;
        text.push('<');
        return inside;
    };
    let name = inside[..end].trim_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
    let closes = inside.starts_with('/');
    let ends_line = name.eq_ignore_ascii_case("br")
        || closes
            && ["p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"].iter().any(|of| name.eq_ignore_ascii_case(of));
    if ends_line && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let after = &inside[end + 1..];
    for hidden in ["style", "script"] {
        if name.eq_ignore_ascii_case(hidden) && !closes {
            let close = format!("</{hidden}");
            let mut places = after.as_bytes().windows(close.len());
            // It begins with `<`, so text can be cut there.
            return places.position(|at| at.eq_ignore_ascii_case(close.as_bytes())).map_or("", |place| &after[place..]);
        }
    }
    after
}

/// Reads an entity; an `&` that begins none is text.
fn entity<'a>(html: &'a str, text: &mut String) -> &'a str {
    let end = html.bytes().take(12).position(|byte| byte == b';');
    let letter = end.and_then(|end| match &html[1..end] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    });
    match (letter, end) {
        (Some(letter), Some(end)) => {
            text.push(letter);
            &html[end + 1..]
        }
        _ => {
            text.push('&');
            &html[1..]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paragraphs_become_lines_and_entities_letters() {
        assert_eq!(
            plain("<p>Hi Alice,</p>\n<p>it&#39;s <b>all</b> great &amp; fast</p>"),
            "Hi Alice,\n\nit's all great & fast"
        );
        assert_eq!(plain("one<br/>two"), "one\ntwo");
        assert_eq!(plain("<style>p { color: red }</style>so"), "so");
    }

    #[test]
    fn what_only_looks_like_html_is_text() {
        assert_eq!(plain("if a < b && c"), "if a < b && c");
        assert_eq!(plain("plain"), "plain");
        assert_eq!(plain("<3 you"), "<3 you");
    }

    #[test]
    fn hostile_html_of_a_mebibyte_is_read_in_one_pass() {
        // One that looks through the rest again and again hangs here.
        for (piece, end) in [
            ("<", ""),
            ("<", ">"),
            ("<a", ""),
            ("</a", ""),
            ("</", ""),
            ("<!", ">"),
            ("&", ""),
            ("&amp", ""),
            ("<style></style>", ""),
            ("<script></SCRIPT>", ""),
            ("<style>", ""),
        ] {
            let html = piece.repeat((1 << 20) / piece.len()) + end;
            assert!(plain(&html).len() <= html.len(), "{piece}");
        }
        assert_eq!(plain("<a <b> <a <b"), "<a <b");
        assert_eq!(plain("<Style>p<</STYLE>so"), "so");
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in ".*") {
            plain(&html);
        }
    }
}
