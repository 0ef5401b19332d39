//! One operation of a transactional write: checked, then sealed, then in the SDK's form.

use std::sync::Arc;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::Target;
use super::error::Cause;
use crate::error::SealError;
use crate::expression::{Condition, Placeholders, UpdateExpression, attribute};
use crate::format::FOOTER_ATTRIBUTE;
use crate::item::{Item, Key, ModelMismatch};
use crate::table::core::Core;
use crate::table::error::Refused;
use crate::table::put::advance;

/// An operation as the caller gave it, on whatever model.
pub(super) struct Operation {
    pub(super) core: Arc<Core>,
    pub(super) action: Action,
}

pub(super) enum Action {
    Put {
        item: Result<Item, ModelMismatch>,
        write: PutIf,
    },
    Delete {
        key: Key,
        condition: Option<Condition>,
    },
    Check {
        key: Key,
        condition: Condition,
    },
    UpdateUnsigned {
        key: Key,
        update: UpdateExpression,
        condition: Option<Condition>,
    },
}

/// When an item is put.
pub(super) enum PutIf {
    Always,
    NotExists,
    Condition(Condition),
}

/// An operation that keeps to the rules of its table. Its item is in clear.
pub(super) struct Checked {
    target: Target,
    request: Request,
    /// The version that a versioned model will have.
    version: Option<u64>,
    condition: Option<String>,
    names_and_values: Placeholders,
}

/// An operation that may be sent.
pub(super) struct Sealed(Checked);

enum Request {
    Put(Item),
    Delete,
    Check,
    Update(String),
}

impl Operation {
    /// Holds the operation to the rules of its table. Nothing is sealed, nothing is sent.
    pub(super) fn check(self) -> Result<Checked, Cause> {
        let core = self.core;
        match self.action {
            Action::Put { item, write } => check_put(&core, item?, write),
            Action::Delete { key, condition } => {
                let condition = allowed(&core, condition)?;
                let target = Target::of(core, key)?;
                Ok(Checked::new(target, Request::Delete, condition)?)
            }
            Action::Check { key, condition } => {
                let condition = allowed(&core, Some(condition))?;
                let target = Target::of(core, key)?;
                Ok(Checked::new(target, Request::Check, condition)?)
            }
            Action::UpdateUnsigned {
                key,
                update,
                condition,
            } => check_update(core, key, &update, condition),
        }
    }
}

/// With a version in the model, the stored item must still have the one that the model was read with.
fn check_put(core: &Arc<Core>, mut item: Item, write: PutIf) -> Result<Checked, Cause> {
    let target = target_of(core, &item)?;
    let not_exists = || attribute(core.schema().partition_key_name()).not_exists();
    let is_new = matches!(write, PutIf::NotExists);
    let mut condition = match write {
        PutIf::Always => None,
        PutIf::NotExists => Some(not_exists()),
        PutIf::Condition(condition) => allowed(core, Some(condition))?,
    };
    let mut version = None;
    if let Some(name) = core.version_attribute() {
        let old = advance(&mut item, name)?;
        version = Some(old + 1);
        condition = match old {
            _ if is_new => condition,
            0 => Some(both(condition, not_exists())),
            old => Some(both(condition, attribute(name).eq(old))),
        };
    }
    let checked = Checked::new(target, Request::Put(item), condition)?;
    Ok(Checked { version, ..checked })
}

/// The table's own condition keeps an update from making an item up, which nobody would have sealed.
fn check_update(
    core: Arc<Core>,
    key: Key,
    update: &UpdateExpression,
    condition: Option<Condition>,
) -> Result<Checked, Cause> {
    update.check(core.schema()).map_err(refused)?;
    let condition = both(allowed(&core, condition)?, is_sealed());
    let target = Target::of(core, key)?;
    let mut names_and_values = Placeholders::new();
    let update = update.render(&mut names_and_values).map_err(refused)?;
    let request = Request::Update(update);
    Ok(Checked::with(
        target,
        request,
        Some(condition),
        names_and_values,
    )?)
}

/// The key of an item that is put. Without one it cannot be sealed either.
fn target_of(core: &Arc<Core>, item: &Item) -> Result<Target, SealError> {
    let attribute = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    let key = core.schema().key_names().filter_map(attribute).collect();
    Ok(Target::new(Arc::clone(core), key)?)
}

/// A condition of the caller's: it names only what DynamoDB can see, and nothing of the format.
fn allowed(core: &Core, condition: Option<Condition>) -> Result<Option<Condition>, Refused> {
    if let Some(condition) = &condition {
        condition.check(core.schema()).map_err(refused)?;
    }
    Ok(condition)
}

/// The caller's condition, if there is one, and one of the table's.
fn both(callers: Option<Condition>, own: Condition) -> Condition {
    match callers {
        Some(condition) => condition.and(own),
        None => own,
    }
}

/// Holds of items that were sealed, and of no others.
fn is_sealed() -> Condition {
    attribute(FOOTER_ATTRIBUTE).exists()
}

fn refused(why: impl std::fmt::Display) -> Refused {
    Refused::new(why.to_string())
}

impl Checked {
    fn new(
        target: Target,
        request: Request,
        condition: Option<Condition>,
    ) -> Result<Self, Refused> {
        Self::with(target, request, condition, Placeholders::new())
    }

    fn with(
        target: Target,
        request: Request,
        condition: Option<Condition>,
        mut names_and_values: Placeholders,
    ) -> Result<Self, Refused> {
        let render = |condition: Condition| condition.render(&mut names_and_values);
        let condition = condition.map(render).transpose().map_err(refused)?;
        Ok(Self {
            target,
            request,
            version: None,
            condition,
            names_and_values,
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) async fn seal(mut self) -> Result<Sealed, SealError> {
        self.request = match self.request {
            Request::Put(item) => Request::Put(self.target.core.seal(item).await?),
            other => other,
        };
        Ok(Sealed(self))
    }
}

/// Completes a builder with what all four kinds of operation have, for which there is no trait.
macro_rules! build {
    ($builder:expr, $checked:expr) => {{
        let (names, values) = $checked.names_and_values.into_parts();
        $builder
            .table_name($checked.target.core.table_name())
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
    }};
}

impl Sealed {
    /// The operation in the SDK's form; where it goes, and the version it writes.
    pub(super) fn into_parts(self) -> Result<(TransactWriteItem, Target, Option<u64>), BuildError> {
        let Self(checked) = self;
        let builder = TransactWriteItem::builder();
        let key = Some(checked.target.key.clone());
        let condition = checked.condition;
        let builder = match checked.request {
            Request::Put(item) => {
                let put = Put::builder().set_item(Some(item));
                builder.put(build!(put.set_condition_expression(condition), checked)?)
            }
            Request::Delete => {
                let delete = Delete::builder().set_key(key);
                builder.delete(build!(delete.set_condition_expression(condition), checked)?)
            }
            Request::Check => {
                let check = ConditionCheck::builder().set_key(key);
                builder.condition_check(build!(check.set_condition_expression(condition), checked)?)
            }
            Request::Update(update) => {
                let update = Update::builder().set_key(key).update_expression(update);
                builder.update(build!(update.set_condition_expression(condition), checked)?)
            }
        };
        Ok((builder.build(), checked.target, checked.version))
    }
}
