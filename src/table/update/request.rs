//! The write of an update: what it sets and removes, and on which condition.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::error::UpdateError;
use super::size::{MAX_ITEM_SIZE, item_size};
use crate::crypto::random::RandomFailure;
use crate::error::SealError;
use crate::expression::{ExpressionErrorKind, Placeholders, UpdateExpression, attribute};
use crate::format::{FOOTER_ATTRIBUTE, HEADER_ATTRIBUTE};
use crate::item::{Item, ItemSchema};
use crate::table::condition::WriteCondition;
use crate::table::core::Core;
use crate::table::error::Refused;
use crate::table::token::token;

/// Adds the update to what the caller has set: it sets every signed attribute but the keys, and header
/// and footer, and removes what the item no longer has, provided that the footer is still the one
/// that was read. Unsigned attributes are not named.
pub(super) fn build(
    core: &Core,
    settings: UpdateItemInputBuilder,
    key: &Item,
    before: Before<'_>,
    sealed: Item,
) -> Result<UpdateItemInputBuilder, UpdateError> {
    let size = item_size(&sealed);
    if size > MAX_ITEM_SIZE {
        return Err(UpdateError::ItemTooLarge { size });
    }
    let (update, count) = expression(core.schema(), before.item, sealed);
    let mut placeholders = Placeholders::new();
    let update = update.render(&mut placeholders);
    let update = update.map_err(|error| match error.kind() {
        ExpressionErrorKind::TooLong => UpdateError::TooManyAttributes { count },
        _ => Refused::from(error).into(),
    })?;
    let unchanged = attribute(FOOTER_ATTRIBUTE).eq(before.footer.clone());
    let condition = WriteCondition::default().render_with(Some(unchanged), placeholders)?;
    Ok(settings
        .table_name(core.table_name())
        .set_key(Some(key.clone()))
        .update_expression(update)
        .set_condition_expression(condition.text)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
}

/// The item that was read: opened, and by which footer it is known.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) item: &'a Item,
    pub(super) footer: &'a AttributeValue,
}

/// The expression, and how many attributes it names. In the order of the names.
fn expression(schema: &ItemSchema, before: &Item, mut sealed: Item) -> (UpdateExpression, usize) {
    let is_key = |name: &str| schema.key_names().any(|key| key == name);
    let in_scope = |name: &&String| schema.is_in_signature_scope(name) && !is_key(name);
    let mut set: BTreeSet<String> = sealed.keys().filter(in_scope).cloned().collect();
    let removed: BTreeSet<&String> = before.keys().filter(in_scope).collect();
    let removed = removed
        .into_iter()
        .filter(|name| !sealed.contains_key(*name));
    let mut update = UpdateExpression::new();
    let mut count = 0;
    for name in removed {
        update = update.remove(attribute(name));
        count += 1;
    }
    set.extend([HEADER_ATTRIBUTE, FOOTER_ATTRIBUTE].map(str::to_owned));
    for name in set {
        if let Some(value) = sealed.remove(&name) {
            update = update.set(attribute(name), value);
            count += 1;
        }
    }
    (update, count)
}

/// The same write as a transaction of one, under a token by which DynamoDB knows it again.
pub(super) fn transaction(
    update: UpdateItemInput,
) -> Result<TransactWriteItemsInputBuilder, UpdateError> {
    let action = Update::builder()
        .set_table_name(update.table_name)
        .set_key(update.key)
        .set_update_expression(update.update_expression)
        .set_condition_expression(update.condition_expression)
        .set_expression_attribute_names(update.expression_attribute_names)
        .set_expression_attribute_values(update.expression_attribute_values)
        .set_return_values_on_condition_check_failure(
            update.return_values_on_condition_check_failure,
        )
        .build()
        .map_err(|error| Refused::new(error.to_string()))?;
    let token = token().map_err(|RandomFailure| SealError::Randomness)?;
    Ok(TransactWriteItemsInput::builder()
        .transact_items(TransactWriteItem::builder().update(action).build())
        .client_request_token(token)
        .set_return_consumed_capacity(update.return_consumed_capacity)
        .set_return_item_collection_metrics(update.return_item_collection_metrics))
}
