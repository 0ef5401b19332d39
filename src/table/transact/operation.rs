//! One operation of a transactional write: checked, then sealed, then in the SDK's form.

use std::sync::Arc;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::Target;
use super::error::Cause;
use crate::error::SealError;
use crate::expression::{Condition, UpdateExpression};
use crate::item::{Item, Key, ModelMismatch};
use crate::table::condition::{Rendered, WriteCondition, in_place, of_tenant};
use crate::table::core::Core;
use crate::table::error::Refused;
use crate::table::version;

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
    condition: Rendered,
    /// The version that a versioned model will have.
    version: Option<u64>,
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
                let target = Target::of(core, key)?;
                let condition = allowed(&target.core, condition)?;
                let condition = condition.render(of_tenant(&target.core, None))?;
                Ok(Checked::new(target, Request::Delete, condition))
            }
            Action::Check { key, condition } => {
                let target = Target::of(core, key)?;
                let condition = allowed(&target.core, Some(condition))?;
                let condition = condition.render(of_tenant(&target.core, None))?;
                Ok(Checked::new(target, Request::Check, condition))
            }
            Action::UpdateUnsigned {
                key,
                update,
                condition,
            } => check_update(core, key, &update, condition),
        }
    }
}

fn check_put(core: &Arc<Core>, mut item: Item, write: PutIf) -> Result<Checked, Cause> {
    let target = target_of(core, &item)?;
    let (is_new, condition) = match write {
        PutIf::Always => (false, None),
        PutIf::NotExists => (true, None),
        PutIf::Condition(condition) => (false, Some(condition)),
    };
    let condition = allowed(core, condition)?;
    let (version, own) = version::lock(core, is_new, &mut item)?;
    let condition = condition.render(of_tenant(core, own))?;
    let checked = Checked::new(target, Request::Put(item), condition);
    Ok(Checked { version, ..checked })
}

fn check_update(
    core: Arc<Core>,
    key: Key,
    update: &UpdateExpression,
    condition: Option<Condition>,
) -> Result<Checked, Cause> {
    let target = Target::of(core, key)?;
    let (update, condition) = in_place(&target.core, update, condition.into())?;
    Ok(Checked::new(target, Request::Update(update), condition))
}

/// Where an item is put. Without its key it cannot be sealed either.
fn target_of(core: &Arc<Core>, item: &Item) -> Result<Target, SealError> {
    Ok(Target::new(Arc::clone(core), core.key_in(item))?)
}

/// A condition of the caller's: it names only what DynamoDB can see, and nothing of the format.
fn allowed(core: &Core, condition: Option<Condition>) -> Result<WriteCondition, Refused> {
    let callers = WriteCondition::from(condition);
    callers.check(core)?;
    Ok(callers)
}

impl Checked {
    fn new(target: Target, request: Request, condition: Rendered) -> Self {
        Self {
            target,
            request,
            condition,
            version: None,
        }
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
    ($builder:expr, $target:expr, $condition:expr) => {
        $builder
            .table_name($target.core.table_name())
            .set_expression_attribute_names($condition.names)
            .set_expression_attribute_values($condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
    };
}

impl Sealed {
    /// The operation in the SDK's form; where it goes, and the version it writes.
    pub(super) fn into_parts(self) -> Result<(TransactWriteItem, Target, Option<u64>), BuildError> {
        let Self(Checked {
            target,
            request,
            condition,
            version,
        }) = self;
        let builder = TransactWriteItem::builder();
        let key = Some(target.key.clone());
        let text = condition.text;
        let builder = match request {
            Request::Put(item) => {
                let put = Put::builder().set_item(Some(item));
                let put = put.set_condition_expression(text);
                builder.put(build!(put, target, condition)?)
            }
            Request::Delete => {
                let delete = Delete::builder().set_key(key);
                let delete = delete.set_condition_expression(text);
                builder.delete(build!(delete, target, condition)?)
            }
            Request::Check => {
                let check = ConditionCheck::builder().set_key(key);
                let check = check.set_condition_expression(text);
                builder.condition_check(build!(check, target, condition)?)
            }
            Request::Update(update) => {
                let update = Update::builder().set_key(key).update_expression(update);
                let update = update.set_condition_expression(text);
                builder.update(build!(update, target, condition)?)
            }
        };
        Ok((builder.build(), target, version))
    }
}
