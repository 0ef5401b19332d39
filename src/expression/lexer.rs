//! Text to tokens.

use super::error::{ExpressionError, ExpressionErrorKind};

/// A token, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) at: usize,
}

/// What a token is. Words are read whole, so no keyword is found in the beginning of a name; which
/// words are keywords is the grammar's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'t> {
    Word(&'t str),
    /// A placeholder with its `#`.
    Name(&'t str),
    /// A placeholder with its `:`.
    Value(&'t str),
    Digits(&'t str),
    /// One of [`SYMBOLS`].
    Symbol(&'static str),
}

/// The longer before what they begin with.
const SYMBOLS: [&str; 14] = [
    "<>", "<=", ">=", "=", "<", ">", "+", "-", "(", ")", "[", "]", ".", ",",
];

/// No more of a word than this is shown in an error.
const MAX_SHOWN: usize = 60;

impl TokenKind<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) | Self::Digits(text) => text,
            Self::Symbol(text) => text,
        }
    }

    /// The token as an error shows it. Digits may be part of a value that was written where only a
    /// placeholder can stand.
    pub(super) fn shown(&self) -> String {
        let text = self.text();
        match (self, text.get(..MAX_SHOWN)) {
            (Self::Digits(_), _) => "a number".to_owned(),
            (_, Some(start)) if text.len() > MAX_SHOWN => format!("`{start}…`"),
            _ => format!("`{text}`"),
        }
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut rest = skip_white_space(text);
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let kind = token(rest).map_err(|error| error.at(at))?;
        tokens.push(Token { kind, at });
        rest = skip_white_space(rest.get(kind.text().len()..).unwrap_or_default());
    }
    Ok(tokens)
}

fn skip_white_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// The first token of a text that is not empty.
fn token(text: &str) -> Result<TokenKind<'_>, ExpressionError> {
    let word = |start: usize| {
        let rest = text.get(start..).unwrap_or_default();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        (len > 0).then(|| text.get(..start + len)).flatten()
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let kind = match text.chars().next() {
        Some('#') => word(1).map(TokenKind::Name),
        Some(':') => word(1).map(TokenKind::Value),
        Some('0'..='9') => text.get(..digits).map(TokenKind::Digits),
        Some('a'..='z' | 'A'..='Z' | '_') => word(0).map(TokenKind::Word),
        _ => SYMBOLS
            .into_iter()
            .find(|symbol| text.starts_with(symbol))
            .map(TokenKind::Symbol),
    };
    kind.ok_or_else(|| unexpected(text))
}

fn unexpected(text: &str) -> ExpressionError {
    let first = text.chars().next().unwrap_or_default();
    let message = match first {
        '#' | ':' => format!("expected letters, digits or `_` after `{first}`"),
        '\'' | '"' => "a literal cannot stand in an expression; use a `:value`".to_owned(),
        _ => format!("unexpected character `{}`", first.escape_debug()),
    };
    ExpressionError::new(ExpressionErrorKind::Syntax, message)
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind<'_>> {
        let tokens = tokens(text).expect("tokens");
        tokens.into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn reads_words_whole() {
        let text = "orders android in_ notes _x a1 between_x";
        let words: Vec<_> = text.split(' ').map(Word).collect();
        assert_eq!(kinds(text), words);
    }

    #[test]
    fn takes_the_longest_symbol() {
        assert_eq!(kinds("<><=>=< >"), ["<>", "<=", ">=", "<", ">"].map(Symbol));
    }

    #[test]
    fn skips_blank_tab_and_line_ends_and_nothing_else() {
        assert_eq!(kinds("\t#a \r\n:b\n"), [Name("#a"), Value(":b")]);
        for other in ['\u{b}', '\u{c}', '\u{a0}', '\0', 'é', '!', '*'] {
            let error = tokens(&format!("a {other}")).unwrap_err();
            assert_eq!(error.offset(), Some(2), "{other:?}");
        }
    }

    #[test]
    fn says_where_a_token_begins() {
        let tokens = tokens("a\n <= :b[10]").expect("tokens");
        let places: Vec<_> = tokens.iter().map(|token| token.at).collect();
        assert_eq!(places, [0, 3, 6, 8, 9, 11]);
    }

    #[test]
    fn shows_no_number_and_no_long_word() {
        assert_eq!(Digits("078051120").shown(), "a number");
        let word = "x".repeat(4_000);
        assert!(Word(&word).shown().len() < 80);
        assert_eq!(Word(&word[..60]).shown(), format!("`{}`", &word[..60]));
    }
}
