//! Attributes, and the paths into them.

/// A top-level attribute, by its exact name: dots and brackets are part of it.
///
/// ```
/// use dynaseal::expression::attribute;
/// let street = attribute("address").field("street");
/// let dotted = attribute("address.street");
/// assert_ne!(street, dotted);
/// ```
pub fn attribute(name: impl Into<String>) -> Attribute {
    Attribute {
        name: name.into(),
        steps: Vec::new(),
    }
}

/// A document path: an attribute, and the way to something inside it. Made by [`attribute`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a path does nothing until an expression holds it"]
pub struct Attribute {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

/// One step down into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into a map.
    Field(String),
    /// Into a list.
    Index(u32),
}

impl Attribute {
    /// Steps into a map.
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.steps.push(Step::Field(name.into()));
        self
    }

    /// Steps into a list; the first element has index 0.
    pub fn index(mut self, index: u32) -> Self {
        self.steps.push(Step::Index(index));
        self
    }

    /// The name of the top-level attribute.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the path leads into the attribute, and is not the attribute itself.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        !self.steps.is_empty()
    }
}

/// The attribute of this exact name, as [`attribute`] makes it.
impl From<&str> for Attribute {
    fn from(name: &str) -> Self {
        attribute(name)
    }
}

/// The attribute of this exact name, as [`attribute`] makes it.
impl From<String> for Attribute {
    fn from(name: String) -> Self {
        attribute(name)
    }
}
