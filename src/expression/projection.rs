//! Projections: which attributes a read returns.

use std::fmt;

use super::error::ExpressionError;
use super::path::Attribute;
use super::printer::{self, Placeholders};
use super::{parser, validity};

/// Which attributes a read returns.
///
/// No operation takes one: an item verifies whole or not at all. The table itself asks for keys by it
/// when items are [fetched from the table](crate::table::Query::fetch_from_table).
///
/// ```
/// use dynaseal::expression::{Projection, attribute};
/// let built = Projection::new([attribute("views"), attribute("seen").field("last")]);
/// let parsed = Projection::parse("#v, seen.last", [("#v", "views")])?;
/// assert_eq!(built, parsed);
/// # Ok::<_, dynaseal::expression::ExpressionError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a projection does nothing by itself"]
pub struct Projection {
    pub(super) paths: Vec<Attribute>,
}

impl Projection {
    /// A projection of these paths.
    pub fn new(paths: impl IntoIterator<Item: Into<Attribute>>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
        }
    }

    /// Parses DynamoDB's text. `names` defines the `#names`; pass [`NO_NAMES`](super::NO_NAMES) where
    /// there are none.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] if DynamoDB would refuse the text, or if a placeholder is undefined,
    /// defined twice or unused.
    pub fn parse(
        text: &str,
        names: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self, ExpressionError> {
        parser::projection(text, names)
    }

    /// The text for DynamoDB; names go to `placeholders`.
    pub(crate) fn render(
        &self,
        placeholders: &mut Placeholders,
    ) -> Result<String, ExpressionError> {
        validity::projection(self)?;
        let text = printer::printed(placeholders, |printer| printer.print(self));
        validity::check_len(&text)?;
        Ok(text)
    }
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printer::redacted(|printer| printer.print(self));
        write!(f, "Projection({text})")
    }
}
