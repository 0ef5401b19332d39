//! Rust source as far as the layers need it: tokens without comments, strings and tests.

use std::collections::BTreeSet;
use std::ops::Range;

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// One file: what ships, and what `#[cfg(test)]` took out.
pub(crate) struct Source {
    /// Where the file is in the module tree: `["item", "model", "key"]`.
    pub(crate) module: Vec<String>,
    pub(crate) tokens: Vec<Token>,
    /// Modules that are declared here for tests alone, in files of their own.
    pub(crate) test_modules: BTreeSet<String>,
    pub(crate) shipped_lines: usize,
}

/// Something named by a path that starts at the root of the crate.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

impl Source {
    pub(crate) fn read(module: &[&str], text: &str) -> Self {
        let mut tokens = tokenize(text);
        let (mut test_modules, mut test_lines) = (BTreeSet::new(), 0);
        while let Some(item) = find_test_item(&tokens) {
            let test = &tokens[item.clone()];
            if let Some(at) = test
                .windows(3)
                .position(|w| w[0].text == "mod" && w[2].text == ";")
            {
                test_modules.insert(test[at + 1].text.clone());
            }
            test_lines += test[test.len() - 1].line - test[0].line + 1;
            tokens.drain(item);
        }
        Self {
            module: module.iter().map(|part| (*part).to_owned()).collect(),
            tokens,
            test_modules,
            shipped_lines: text.lines().count() - test_lines,
        }
    }

    /// The room that the file belongs to.
    pub(crate) fn room(&self) -> &str {
        &self.module[0]
    }

    /// The lines on which `word` stands, as a whole identifier.
    pub(crate) fn lines_with(&self, word: &str) -> Vec<usize> {
        let hits = self.tokens.iter().filter(|token| token.text == word);
        hits.map(|token| token.line).collect()
    }

    /// The lines on which `name` is taken for a crate: first in a path, or in a `use`.
    pub(crate) fn lines_with_crate(&self, name: &str) -> Vec<usize> {
        let text = |at: Option<usize>| {
            at.and_then(|at| self.tokens.get(at))
                .map_or("", |token| &token.text)
        };
        let is_crate = |at: usize| {
            let (mut before, mut further) = (text(at.checked_sub(1)), text(at.checked_sub(2)));
            if before == "::" {
                // `path::name` is no crate, and `::name` is one.
                if further != "use" && further.starts_with(|c: char| c.is_alphanumeric()) {
                    return false;
                }
                (before, further) = (further, "");
            }
            text(Some(at + 1)) == "::"
                || before == "use"
                || (before, further) == ("crate", "extern")
        };
        let hits = self.tokens.iter().enumerate();
        let hits = hits.filter(|(at, token)| token.text == name && is_crate(*at));
        hits.map(|(_, token)| token.line).collect()
    }

    /// Everything that is named from the root of the crate, be it by `crate` or by `super`s.
    pub(crate) fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        let mut module = self.module.clone();
        // Depths of braces at which an inline module was entered.
        let (mut depth, mut inline) = (0, Vec::new());
        let mut followed = 0;
        for (at, token) in self.tokens.iter().enumerate() {
            match token.text.as_str() {
                "mod" if self.is(at + 2, "{") => {
                    module.push(self.tokens[at + 1].text.clone());
                    inline.push(depth);
                }
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        module.pop();
                    }
                }
                "crate" | "super" if at >= followed && self.is(at + 1, "::") => {
                    followed = self.expand(at, &module, &mut named);
                }
                _ => {}
            }
        }
        named
    }

    /// Follows a path, and every branch of its braces; answers where it ends.
    fn expand(&self, mut at: usize, base: &[String], named: &mut Vec<Named>) -> usize {
        let (mut path, line) = (base.to_vec(), self.tokens[at].line);
        loop {
            if self.is(at, "{") {
                at += 1;
                while !self.is(at, "}") {
                    at = self.expand(at, &path, named);
                    while !self.is(at, ",") && !self.is(at, "}") {
                        at += 1;
                    }
                    at += usize::from(self.is(at, ","));
                }
                return at + 1;
            }
            match self.tokens[at].text.as_str() {
                "crate" => path.clear(),
                "super" => drop(path.pop()),
                "self" => {}
                name => path.push(name.to_owned()),
            }
            let goes_on = self.is(at + 1, "::") && !self.is(at + 2, "<");
            if !goes_on {
                named.push(Named { path, line });
                return at + 1;
            }
            at += 2;
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }
}

/// Identifiers, `::`, and single characters of whatever else; a string is `""`.
fn tokenize(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let (end, token) = next_token(&chars, at);
        if let Some(text) = token {
            tokens.push(Token { text, line });
        }
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

/// Where the token at `at` ends, and its text unless it is a comment or white space.
fn next_token(chars: &[char], at: usize) -> (usize, Option<String>) {
    let rest = &chars[at..];
    let starts = |text: &str| {
        text.chars()
            .enumerate()
            .all(|(n, c)| rest.get(n) == Some(&c))
    };
    let until = |end: &str, from: usize| {
        let end: Vec<char> = end.chars().collect();
        let found = rest[from..].windows(end.len()).position(|part| part == end);
        at + found.map_or(rest.len(), |found| from + found + end.len())
    };
    if starts("//") {
        return (until("\n", 0), None);
    }
    if starts("/*") {
        return (until("*/", 2), None);
    }
    if let Some(len) = raw_string_start(rest) {
        let hashes = "#".repeat(rest[..len].iter().filter(|c| **c == '#').count());
        return (until(&format!("\"{hashes}"), len), Some("\"\"".to_owned()));
    }
    match rest[0] {
        '"' => (at + quoted_len(rest, '"'), Some("\"\"".to_owned())),
        // A lifetime has no closing quote.
        '\'' if rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'') => {
            (at + quoted_len(rest, '\''), Some("''".to_owned()))
        }
        c if c.is_alphanumeric() || c == '_' => {
            let word = |c: &&char| c.is_alphanumeric() || **c == '_';
            let text: String = rest.iter().take_while(word).collect();
            (at + text.chars().count(), Some(text))
        }
        ':' if starts("::") => (at + 2, Some("::".to_owned())),
        c => (at + 1, (!c.is_whitespace()).then(|| c.to_string())),
    }
}

/// The length of `r#"`, with as many `#` as there are, and with a `b` before it.
fn raw_string_start(rest: &[char]) -> Option<usize> {
    let start = usize::from(rest.first() == Some(&'b'));
    (rest.get(start) == Some(&'r')).then_some(())?;
    let hashes = rest[start + 1..].iter().take_while(|c| **c == '#').count();
    let quote = start + 1 + hashes;
    (rest.get(quote) == Some(&'"')).then_some(quote + 1)
}

fn quoted_len(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += 1 + usize::from(rest[at] == '\\');
    }
    at + 1
}

/// The first item under `#[cfg(test)]`, from the attribute to the end of the item.
fn find_test_item(tokens: &[Token]) -> Option<Range<usize>> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let is_attribute = |window: &[Token]| window.iter().map(|t| &*t.text).eq(ATTRIBUTE);
    let start = tokens.windows(ATTRIBUTE.len()).position(is_attribute)?;
    let mut depth = 0;
    let mut end = start + ATTRIBUTE.len();
    while let Some(token) = tokens.get(end) {
        end += 1;
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ";" if depth == 0 => break,
            _ => {}
        }
    }
    Some(start..end)
}
