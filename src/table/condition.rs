//! The condition of a write: the caller's, checked, and joined with the table's own.

use super::core::Core;
use super::error::Refused;
use crate::expression::{Condition, Placeholders, UpdateExpression, attribute};
use crate::format::FOOTER_ATTRIBUTE;
use crate::item::Item;

/// What must hold of the stored item.
#[derive(Debug, Default)]
pub(super) struct WriteCondition {
    callers: Option<Condition>,
}

/// A condition as requests carry it.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) text: Option<String>,
    pub(super) names: Option<Names>,
    pub(super) values: Option<Item>,
}

/// What placeholders stand for, as the SDK has it.
#[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
pub(super) type Names = std::collections::HashMap<String, String>;

impl From<Option<Condition>> for WriteCondition {
    fn from(callers: Option<Condition>) -> Self {
        Self { callers }
    }
}

impl WriteCondition {
    /// Adds what the caller demands.
    pub(super) fn and(&mut self, condition: Condition) {
        let callers = self.callers.take();
        self.callers = Some(join(callers, condition));
    }

    pub(super) fn is_some(&self) -> bool {
        self.callers.is_some()
    }

    /// Refuses what DynamoDB could only evaluate on ciphertext, or on nothing.
    pub(super) fn check(&self, core: &Core) -> Result<(), Refused> {
        match &self.callers {
            Some(condition) => Ok(condition.check(core.schema())?),
            None => Ok(()),
        }
    }

    /// The text, with a condition of the table's own, which may name what the caller's may not.
    pub(super) fn render(self, own: Option<Condition>) -> Result<Rendered, Refused> {
        self.render_with(own, Placeholders::new())
    }

    /// The same, in a request that has other expressions too.
    pub(super) fn render_with(
        self,
        own: Option<Condition>,
        mut placeholders: Placeholders,
    ) -> Result<Rendered, Refused> {
        let whole = match (own, self.callers) {
            (Some(own), callers) => Some(join(callers, own)),
            (None, callers) => callers,
        };
        let text = match whole {
            Some(condition) => Some(condition.render(&mut placeholders)?),
            None => None,
        };
        let (names, values) = placeholders.into_parts::<Names, Item>();
        Ok(Rendered {
            text,
            names,
            values,
        })
    }
}

/// The table's own condition of a write that replaces or deletes what is stored, or asks about it: beside
/// `own`, that nothing is there, or an item of the only tenant.
///
/// Nothing is opened, so the server is trusted to compare what it has.
pub(super) fn of_tenant(core: &Core, own: Option<Condition>) -> Option<Condition> {
    let Some(is_own) = is_of_tenant(core) else {
        return own;
    };
    let is_nothing = attribute(core.schema().partition_key_name()).not_exists();
    Some(join(own, is_nothing.or(is_own)))
}

/// That what is stored is an item of the only tenant, if there is one.
fn is_of_tenant(core: &Core) -> Option<Condition> {
    let (name, tenant) = core.encryptor().only_tenant()?;
    Some(attribute(name).eq(tenant))
}

/// The text of an update in place of unsigned attributes, and on which condition: the caller's, that
/// the item is there and sealed, so that no update makes up what nobody has sealed, and that it is the only
/// tenant's.
pub(super) fn in_place(
    core: &Core,
    update: &UpdateExpression,
    condition: WriteCondition,
) -> Result<(String, Rendered), Refused> {
    update.check(core.schema())?;
    condition.check(core)?;
    let mut placeholders = Placeholders::new();
    let update = update.render(&mut placeholders)?;
    let is_sealed = attribute(FOOTER_ATTRIBUTE).exists();
    let own = match is_of_tenant(core) {
        Some(is_own) => is_sealed.and(is_own),
        None => is_sealed,
    };
    let condition = condition.render_with(Some(own), placeholders)?;
    Ok((update, condition))
}

fn join(first: Option<Condition>, second: Condition) -> Condition {
    match first {
        Some(first) => first.and(second),
        None => second,
    }
}
