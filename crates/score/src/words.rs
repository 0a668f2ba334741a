//! A message cut into words, numbers, names, signs and faces, with what the cues need to know of each.

use std::iter::Peekable;
use std::str::CharIndices;

/// Only so many characters of a message count, so that none is slow.
pub const LONGEST: usize = 10_000;

/// A piece of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'t> {
    /// As it stands in the message; of a hashtag without the `#`.
    pub text: &'t str,
    /// Where it begins, in bytes.
    pub at: usize,
    /// What it is.
    pub class: Class,
    /// What stands between it and the one before.
    pub gap: Gap,
}

/// What a piece of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Letters, and apostrophes between them.
    Word,
    /// The same after a `#`.
    Hashtag,
    /// `12`, `10:30`, `4,000`.
    Number,
    /// `3rd`.
    Ordinal,
    /// `$50`.
    Money,
    /// `UA123`: a flight, an order, a version.
    Code,
    /// `@someone`, or an e-mail address.
    Handle,
    /// `https://…`
    Link,
    /// An emoji, or `:)` and its kin.
    Face,
}

/// What stands between two pieces: a phrase never reaches across a stop, a negation across neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing but space, or a hyphen.
    None,
    /// A comma, a bracket, a dash.
    Comma,
    /// The end of a sentence or a line.
    Stop,
}

/// Marks that say how something was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many characters counted.
    pub characters: usize,
    /// `!`
    pub exclamations: usize,
    /// `?`
    pub questions: usize,
    /// `…` and `...`
    pub ellipses: usize,
    /// Quotation marks.
    pub quotes: usize,
}

/// The part of a text that counts.
pub fn counted(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

/// Cuts the part of a text that counts into pieces.
pub fn cut(text: &str) -> (Vec<Token<'_>>, Marks) {
    let text = counted(text);
    let mut cutter = Cutter {
        text,
        chars: text.char_indices().peekable(),
        gap: Gap::Stop,
        tokens: Vec::with_capacity(text.len() / 5 + 1),
        marks: Marks::default(),
    };
    cutter.run();
    (cutter.tokens, cutter.marks)
}

/// A word as the lists have it: lower case, without the apostrophe of `don't`. Returns whether it is written in
/// capitals throughout.
pub fn normal(word: &str, into: &mut String) -> bool {
    into.clear();
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        into.push_str(word);
        return false;
    }
    let (mut upper, mut lower) = (0, 0);
    for char in word.chars() {
        match char {
            'a'..='z' => {
                lower += 1;
                into.push(char);
            }
            'A'..='Z' => {
                upper += 1;
                into.push(char.to_ascii_lowercase());
            }
            '’' | 'ʼ' | '‘' => into.push('\''),
            _ => {
                upper += usize::from(char.is_uppercase());
                lower += usize::from(char.is_lowercase());
                into.extend(char.to_lowercase());
            }
        }
    }
    if into.ends_with("n't") {
        into.truncate(into.len() - 2);
        into.push('t');
    }
    upper > 1 && lower == 0
}

struct Cutter<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    gap: Gap,
    tokens: Vec<Token<'t>>,
    marks: Marks,
}

impl<'t> Cutter<'t> {
    fn run(&mut self) {
        while let Some((at, char)) = self.next() {
            match char {
                '@' if self.peek(char::is_alphanumeric) => self.name(at),
                '#' if self.peek(char::is_alphabetic) => self.hashtag(at),
                '$' | '£' | '€' if self.peek(|next| next.is_ascii_digit()) => self.number(at, Class::Money),
                _ if char.is_ascii_digit() => self.number(at, Class::Number),
                _ if char.is_alphabetic() => self.word(at),
                '&' => self.entity(at),
                ':' | ';' | '=' | '<' => self.face(at, char),
                _ if is_emoji(char) => self.push(at, self.end(), Class::Face),
                _ => self.sign(at, char),
            }
        }
    }

    fn word(&mut self, at: usize) {
        self.take_while(|char| char.is_alphanumeric() || is_apostrophe(char));
        let mut text = &self.text[at..self.end()];
        if matches!(text, "http" | "https" | "HTTP" | "HTTPS") && self.peek(|next| next == ':')
            || text.eq_ignore_ascii_case("www") && self.peek(|next| next == '.')
        {
            self.take_while(|char| !char.is_whitespace());
            return self.push(at, self.end(), Class::Link);
        }
        if self.peek(|next| next == '@') {
            self.take_while(|char| !char.is_whitespace());
            return self.push(at, self.end(), Class::Handle);
        }
        text = text.trim_end_matches(is_apostrophe);
        let class = if text.contains(|char: char| char.is_ascii_digit()) { Class::Code } else { Class::Word };
        self.push(at, at + text.len(), class);
    }

    fn number(&mut self, at: usize, class: Class) {
        loop {
            self.take_while(|char| char.is_ascii_digit());
            // A sign between two digits belongs to the number: 10:30, 4,000, 1.5.
            let mut ahead = self.chars.clone();
            let sign = ahead.next().is_some_and(|(_, char)| matches!(char, '.' | ',' | ':' | '/'));
            if !sign || !ahead.next().is_some_and(|(_, char)| char.is_ascii_digit()) {
                break;
            }
            self.next();
        }
        let end = self.end();
        let suffix_length = self.text[end..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let suffix = &self.text[end..end + suffix_length];
        if ["st", "nd", "rd", "th"].iter().any(|ordinal| suffix.eq_ignore_ascii_case(ordinal)) {
            self.take_while(|char| char.is_ascii_alphabetic());
            return self.push(at, self.end(), Class::Ordinal);
        }
        // `2hrs` is a number and a word: the letters are met next.
        self.push(at, end, class);
    }

    fn name(&mut self, at: usize) {
        self.take_while(|char| char.is_alphanumeric() || char == '_');
        self.push(at, self.end(), Class::Handle);
    }

    fn hashtag(&mut self, at: usize) {
        self.take_while(|char| char.is_alphanumeric() || char == '_');
        self.push(at + 1, self.end(), Class::Hashtag);
    }

    /// `&amp;` and its kin, which some exports leave in.
    fn entity(&mut self, at: usize) {
        const ENTITIES: [&str; 6] = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&nbsp;"];
        if let Some(entity) = ENTITIES.iter().find(|entity| self.text[at..].starts_with(**entity)) {
            (1..entity.len()).for_each(|_| _ = self.next());
        }
    }

    /// `:)`, `:-(`, `;)`, `=D`, `<3`.
    fn face(&mut self, at: usize, first: char) {
        let mut ahead = self.text[at + 1..].chars();
        let mut mouth = ahead.next();
        let nose = mouth.is_some_and(|char| matches!(char, '-' | '\''));
        if nose {
            mouth = ahead.next();
        }
        let is_face = match first {
            '<' => mouth == Some('3') && !nose,
            _ => mouth.is_some_and(|char| "()[]DPp/|O".contains(char)),
        } && ahead.next().is_none_or(|char| !char.is_alphanumeric() && char != '/');
        if !is_face {
            return self.sign(at, first);
        }
        (0..1 + usize::from(nose)).for_each(|_| _ = self.next());
        self.push(at, self.end(), Class::Face);
    }

    fn sign(&mut self, at: usize, char: char) {
        let gap = match char {
            '!' => {
                self.marks.exclamations += 1;
                Gap::Stop
            }
            '?' => {
                self.marks.questions += 1;
                Gap::Stop
            }
            '.' | '…' => {
                self.marks.ellipses += usize::from(char == '…' || self.text[..at].ends_with(".."));
                Gap::Stop
            }
            '\n' | ';' => Gap::Stop,
            '"' | '“' | '”' => {
                self.marks.quotes += 1;
                Gap::None
            }
            ',' | '(' | ')' | ':' | '–' | '—' | '/' | '|' => Gap::Comma,
            _ => Gap::None,
        };
        self.gap = self.gap.max(gap);
    }

    fn push(&mut self, at: usize, end: usize, class: Class) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        self.tokens.push(Token { text: &self.text[at..end], at, class, gap });
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next();
        self.marks.characters += usize::from(next.is_some());
        next
    }

    fn peek(&mut self, is: impl Fn(char) -> bool) -> bool {
        self.chars.peek().is_some_and(|&(_, char)| is(char))
    }

    fn take_while(&mut self, is: impl Fn(char) -> bool) {
        while self.peek(&is) {
            self.next();
        }
    }

    fn end(&self) -> usize {
        self.chars.clone().next().map_or(self.text.len(), |(at, _)| at)
    }
}

fn is_apostrophe(char: char) -> bool {
    matches!(char, '\'' | '’' | 'ʼ' | '‘')
}

fn is_emoji(char: char) -> bool {
    matches!(u32::from(char), 0x1F300..=0x1FAFF | 0x2600..=0x27BF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tweet_falls_into_its_pieces() {
        let (tokens, marks) = cut("@desk I've waited 2hrs for a $1,200 refund!! 3rd time #Fail :( https://t.co/x 😡");
        let shown: Vec<_> = tokens.iter().map(|token| (token.text, token.class)).collect();
        assert_eq!(
            shown,
            [
                ("@desk", Class::Handle),
                ("I've", Class::Word),
                ("waited", Class::Word),
                ("2", Class::Number),
                ("hrs", Class::Word),
                ("for", Class::Word),
                ("a", Class::Word),
                ("$1,200", Class::Money),
                ("refund", Class::Word),
                ("3rd", Class::Ordinal),
                ("time", Class::Word),
                ("Fail", Class::Hashtag),
                (":(", Class::Face),
                ("https://t.co/x", Class::Link),
                ("😡", Class::Face),
            ]
        );
        assert_eq!(marks.exclamations, 2);
        assert_eq!(tokens[9].gap, Gap::Stop);
    }

    #[test]
    fn a_word_is_written_in_one_way() {
        let mut word = String::new();
        assert!(normal("DON’T", &mut word));
        assert_eq!(word, "dont");
        assert!(!normal("I'll", &mut word));
        assert_eq!(word, "i'll");
    }

    proptest! {
        #[test]
        fn pieces_lie_in_the_text_in_order(text in "\\PC{0,80}|[a-z@#&$0-9:;()<3'. ]{0,60}") {
            let (tokens, marks) = cut(&text);
            let mut end = 0;
            for token in tokens {
                prop_assert!(token.at >= end);
                let start = token.at;
                prop_assert_eq!(&text[start..start + token.text.len()], token.text);
                end = start + token.text.len();
            }
            prop_assert_eq!(marks.characters, text.chars().count());
        }
    }
}
