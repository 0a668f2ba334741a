//! What was probably meant by a value that is none of its kind.

use super::Scalar;

/// What to write instead of a number that is none, if something like one stands there.
pub(super) fn number(scalar: &Scalar) -> Option<String> {
    const COMPARED: [(&str, &str); 8] = [
        ("<=", "at_most"),
        (">=", "at_least"),
        ("≤", "at_most"),
        ("≥", "at_least"),
        ("<", "below"),
        (">", "above"),
        ("=", "is"),
        ("!=", "not"),
    ];
    let written = scalar.text.trim();
    for (sign, key) in COMPARED {
        let Some(number) = written.strip_prefix(sign).and_then(plain) else { continue };
        return Some(match key {
            "not" => format!("put `not: {{ …: {number} }}` around the condition"),
            key => format!("write `{{ {key}: {number} }}`"),
        });
    }
    let number = plain(written)?;
    Some(match number == written {
        true => format!("a number stands without quotes: `{number}`"),
        false => format!("write `{number}`"),
    })
}

/// A number with a currency, separators of thousands or a `k` as a plain one.
fn plain(written: &str) -> Option<String> {
    let of_letters = |c: char| matches!(c, '$' | '€' | '£' | '%' | ',' | '_' | '\'' | ' ' | '\u{a0}');
    let bare: String = written.chars().filter(|&c| !of_letters(c)).collect();
    let (digits, zeros) = match bare.to_ascii_lowercase().strip_suffix(['k', 'm']) {
        Some(digits) => (digits.to_owned(), if bare.ends_with(['k', 'K']) { 1e3 } else { 1e6 }),
        None => (bare, 1.0),
    };
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let number = digits.parse::<f64>().ok().filter(|_| is_decimal)?;
    Some(if zeros == 1.0 { digits } else { (number * zeros).to_string() })
}

/// A text that begins with a quote as word processors write it: no quote of YAML, so it is part of the text.
pub(crate) fn has_curly_quotes(scalar: &Scalar) -> bool {
    !scalar.quoted && scalar.text.starts_with(['“', '”', '„', '‘', '’'])
}

/// A regular expression that was written as file names are matched: `*refund*`.
pub(crate) fn pattern(written: &str) -> Option<String> {
    let inner = written.trim_matches('*');
    let is_glob = written.starts_with('*') && !inner.is_empty();
    is_glob.then(|| format!("it is found anywhere in the text: write `{}`", inner.replace('*', ".*")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, quoted: bool) -> Option<String> {
        number(&Scalar { text: text.to_owned(), quoted })
    }

    #[test]
    fn a_number_is_recognised_in_what_people_write() {
        for (written, help) in [
            ("< 60", "write `{ below: 60 }`"),
            (">=0.5", "write `{ at_least: 0.5 }`"),
            ("50k", "write `50000`"),
            ("1.5M", "write `1500000`"),
            ("$50,000", "write `50000`"),
            ("60%", "write `60`"),
            ("60", "a number stands without quotes: `60`"),
        ] {
            assert_eq!(said(written, true).as_deref(), Some(help), "{written}");
        }
        for written in ["low", "", "k", "<", "1-2", "ten"] {
            assert_eq!(said(written, false), None, "{written}");
        }
    }

    #[test]
    fn a_glob_is_recognised() {
        assert_eq!(pattern("*refund*now").as_deref(), Some("it is found anywhere in the text: write `refund.*now`"));
        assert_eq!(pattern("*"), None);
        assert_eq!(pattern("(refund"), None);
    }
}
