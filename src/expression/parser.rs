//! Tokens to trees. Recursive descent, and never deeper than a fixed limit.

mod condition;
mod update;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::condition::Node;
use super::error::{ExpressionError, ExpressionErrorKind as Kind};
use super::lexer::{self, Token, TokenKind};
use super::path::Attribute;
use super::projection::Projection;
use super::update::UpdateExpression;
use super::{NO_VALUES, validity};
use crate::item::KeyValue;

type Parsed<T> = Result<T, ExpressionError>;

pub(super) fn condition(
    text: &str,
    names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
) -> Parsed<Node> {
    let mut parser = Parser::new(text, condition::KEYWORDS, names, values)?;
    let node = parser.condition()?;
    parser.finish("`AND`, `OR` or the end")?;
    validity::condition(&node)?;
    Ok(node)
}

pub(super) fn update(
    text: &str,
    names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
) -> Parsed<UpdateExpression> {
    let mut parser = Parser::new(text, update::KEYWORDS, names, values)?;
    let update = parser.update()?;
    parser.finish("`SET`, `REMOVE`, `ADD`, `DELETE` or the end")?;
    validity::update(&update)?;
    Ok(update)
}

pub(super) fn projection(
    text: &str,
    names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Parsed<Projection> {
    let mut parser = Parser::new(text, &[], names, NO_VALUES)?;
    let paths = parser.list(|parser| parser.path("an attribute"))?;
    parser.finish("`,` or the end")?;
    let projection = Projection { paths };
    validity::projection(&projection)?;
    Ok(projection)
}

/// What a placeholder stands for, and whether it was met.
struct Definition<T> {
    meaning: T,
    is_used: bool,
}

type Definitions<T> = BTreeMap<String, Definition<T>>;

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    /// The index of the next token.
    next: usize,
    /// The length of the text, which is where it ends.
    end: usize,
    /// Words that cannot be names here.
    keywords: &'static [&'static str],
    names: Definitions<String>,
    values: Definitions<AttributeValue>,
    depth: usize,
    /// The first and the last token of the group that was closed last.
    last_group: Option<(usize, usize)>,
}

impl<'t> Parser<'t> {
    fn new(
        text: &'t str,
        keywords: &'static [&'static str],
        names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        values: impl IntoIterator<Item = (impl Into<String>, impl KeyValue)>,
    ) -> Parsed<Self> {
        validity::check_len(text)?;
        let tokens = lexer::tokens(text)?;
        if tokens.is_empty() {
            return Err(ExpressionError::new(Kind::Empty, "the expression is empty"));
        }
        let names = names
            .into_iter()
            .map(|(key, name)| (key.into(), name.into()));
        let values = values.into_iter();
        Ok(Self {
            tokens,
            next: 0,
            end: text.len(),
            keywords,
            names: definitions(names)?,
            values: definitions(values.map(|(key, value)| (key.into(), value.into_key_value())))?,
            depth: 0,
            last_group: None,
        })
    }

    fn peek(&self) -> Option<TokenKind<'t>> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn peek_second(&self) -> Option<TokenKind<'t>> {
        self.tokens.get(self.next + 1).map(|token| token.kind)
    }

    /// Where the next token begins.
    fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |token| token.at)
    }

    fn skip(&mut self) {
        self.next += 1;
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Symbol(found)) if found == symbol)
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let is_there = self.is_symbol(symbol);
        if is_there {
            self.skip();
        }
        is_there
    }

    fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat_symbol(symbol) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{symbol}`")))
        }
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let is_there = matches!(self.peek(), Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if is_there {
            self.skip();
        }
        is_there
    }

    fn is_keyword(&self, word: &str) -> bool {
        let mut keywords = self.keywords.iter();
        keywords.any(|keyword| word.eq_ignore_ascii_case(keyword))
    }

    /// Whether a function is called here: a word that is no keyword, and a parenthesis.
    fn is_call(&self) -> bool {
        matches!(self.peek(), Some(TokenKind::Word(word)) if !self.is_keyword(word))
            && self.peek_second() == Some(TokenKind::Symbol("("))
    }

    fn expected(&self, what: &str) -> ExpressionError {
        let found = match self.peek() {
            Some(token) => token.shown(),
            None => "the end".to_owned(),
        };
        ExpressionError::new(Kind::Syntax, format!("expected {what}, found {found}")).at(self.at())
    }

    /// Runs one level deeper, if that is not too deep.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= validity::MAX_NESTING {
            return Err(validity::too_deep().at(self.at()));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// One or more, with commas between them.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A document path, where `what` is expected.
    fn path(&mut self, what: &str) -> Parsed<Attribute> {
        let start = self.at();
        let mut path = super::attribute(self.name(what)?);
        loop {
            if self.eat_symbol(".") {
                path = path.field(self.name("an attribute name")?);
            } else if self.eat_symbol("[") {
                path = path.index(self.index()?);
                self.expect_symbol("]")?;
            } else {
                validity::path(&path).map_err(|error| error.at(start))?;
                return Ok(path);
            }
        }
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        let name = match self.peek() {
            Some(TokenKind::Word(word)) if !self.is_keyword(word) => word.to_owned(),
            Some(TokenKind::Name(placeholder)) => {
                let at = self.at();
                resolve(&mut self.names, placeholder).map_err(|error| error.at(at))?
            }
            _ => return Err(self.expected(what)),
        };
        self.skip();
        Ok(name)
    }

    fn index(&mut self) -> Parsed<u32> {
        let Some(TokenKind::Digits(digits)) = self.peek() else {
            return Err(self.expected("the index of a list element"));
        };
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(self.expected("an index without leading zeros"));
        }
        let index = digits.parse().map_err(|_| {
            ExpressionError::new(Kind::PathTooDeep, "no list has an element of this index")
                .at(self.at())
        })?;
        self.skip();
        Ok(index)
    }

    /// The value of a `:value`, if that is what comes next.
    fn value(&mut self) -> Parsed<Option<AttributeValue>> {
        let Some(TokenKind::Value(placeholder)) = self.peek() else {
            return Ok(None);
        };
        let at = self.at();
        let value = resolve(&mut self.values, placeholder).map_err(|error| error.at(at))?;
        self.skip();
        Ok(Some(value))
    }

    /// Nothing may be left over: of the text, or of what it could have used.
    fn finish(&self, what: &str) -> Parsed<()> {
        if self.peek().is_some() {
            return Err(self.expected(what));
        }
        all_used(&self.names)?;
        all_used(&self.values)
    }
}

fn definitions<T>(pairs: impl Iterator<Item = (String, T)>) -> Parsed<Definitions<T>> {
    let mut definitions = Definitions::new();
    for (placeholder, meaning) in pairs {
        if definitions.contains_key(&placeholder) {
            return Err(ExpressionError::new(
                Kind::DefinedTwice,
                format!("`{}` is defined twice", placeholder.escape_debug()),
            ));
        }
        let definition = Definition {
            meaning,
            is_used: false,
        };
        definitions.insert(placeholder, definition);
    }
    Ok(definitions)
}

fn resolve<T: Clone>(definitions: &mut Definitions<T>, placeholder: &str) -> Parsed<T> {
    let Some(definition) = definitions.get_mut(placeholder) else {
        return Err(ExpressionError::new(
            Kind::Undefined,
            format!("`{placeholder}` is not defined"),
        ));
    };
    definition.is_used = true;
    Ok(definition.meaning.clone())
}

fn all_used<T>(definitions: &Definitions<T>) -> Parsed<()> {
    let mut definitions = definitions.iter();
    match definitions.find(|(_, definition)| !definition.is_used) {
        Some((placeholder, _)) => Err(ExpressionError::new(
            Kind::Unused,
            format!("`{}` is defined and not used", placeholder.escape_debug()),
        )),
        None => Ok(()),
    }
}
