//! What a caller may set on a request, and what belongs to the table.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;

use super::error::Refused;

/// Refuses the first setting that is not the caller's to make.
///
/// The caller is handed a blank builder, so whatever is set there is the caller's doing.
pub(super) fn refuse_set(settings: &[(bool, &'static str)]) -> Result<(), Refused> {
    match settings.iter().find(|(is_set, _)| *is_set) {
        Some((_, why)) => Err(Refused::new(*why)),
        None => Ok(()),
    }
}

/// Refuses what belongs to the table in every write: its name, conditions, return values. The
/// builders of PutItem, DeleteItem and UpdateItem have these settings in common, and no trait for
/// them.
macro_rules! refuse_write_settings {
    ($input:expr) => {{
        use $crate::table::customize as why;
        why::refuse_set(&[
            ($input.get_table_name().is_some(), why::TABLE),
            ($input.get_expected().is_some(), why::LEGACY),
            ($input.get_conditional_operator().is_some(), why::LEGACY),
            ($input.get_condition_expression().is_some(), why::CONDITION),
            (
                $input.get_expression_attribute_names().is_some(),
                why::PLACEHOLDERS,
            ),
            (
                $input.get_expression_attribute_values().is_some(),
                why::PLACEHOLDERS,
            ),
            ($input.get_return_values().is_some(), why::RETURN_VALUES),
            (
                $input
                    .get_return_values_on_condition_check_failure()
                    .is_some(),
                why::RETURN_ON_FAILURE,
            ),
        ])
    }};
}
pub(super) use refuse_write_settings;

/// Refuses what belongs to the table in every read of pages: its name and index, expressions,
/// projections, and where to start. The builders of Query and Scan have these settings in common.
macro_rules! refuse_read_settings {
    ($input:expr) => {{
        use $crate::table::customize as why;
        why::refuse_set(&[
            ($input.get_table_name().is_some(), why::TABLE),
            ($input.get_index_name().is_some(), why::INDEX),
            ($input.get_select().is_some(), why::SELECT),
            ($input.get_attributes_to_get().is_some(), why::PROJECTION),
            (
                $input.get_projection_expression().is_some(),
                why::PROJECTION,
            ),
            (
                $input.get_conditional_operator().is_some(),
                why::LEGACY_READ,
            ),
            ($input.get_exclusive_start_key().is_some(), why::START),
            ($input.get_filter_expression().is_some(), why::FILTER),
            (
                $input.get_expression_attribute_names().is_some(),
                why::PLACEHOLDERS,
            ),
            (
                $input.get_expression_attribute_values().is_some(),
                why::PLACEHOLDERS,
            ),
        ])
    }};
}
pub(super) use refuse_read_settings;

/// Refuses what belongs to the table, or to the operation, in an UpdateItem.
pub(super) fn refuse_update_settings(input: &UpdateItemInputBuilder) -> Result<(), Refused> {
    refuse_write_settings!(input)?;
    refuse_set(&[
        (input.get_key().is_some(), KEY),
        (input.get_update_expression().is_some(), UPDATE),
        (input.get_attribute_updates().is_some(), UPDATE),
    ])
}

/// Why a setting is refused, in the words of the error.
pub(super) const TABLE: &str = "`table_name` belongs to the table";
pub(super) const KEY: &str = "`key` belongs to the operation";
pub(super) const ITEM: &str = "`item` belongs to the operation";
pub(super) const LEGACY: &str =
    "`expected` and `conditional_operator` are legacy parameters, which nothing checks";
pub(super) const CONDITION: &str = "conditions are checked before they are sent, and `condition_expression` goes past that; \
     use `.condition(…)`, which takes `Condition::parse(…)` too";
pub(super) const PLACEHOLDERS: &str = "`expression_attribute_names` and `expression_attribute_values` belong to the expressions of \
     the operation; give them to `parse(…)`";
pub(super) const PROJECTION: &str = "a projection leaves attributes out, and an item verifies whole or not at all; \
     remove `projection_expression` and `attributes_to_get`";
pub(super) const INDEX: &str = "`index_name` belongs to the table; use `.index(…)`";
pub(super) const SELECT: &str = "an item verifies whole or not at all, so all attributes are selected; to count, use \
     `count_unverified`";
pub(super) const LEGACY_READ: &str = "`key_conditions`, `query_filter`, `scan_filter` and `conditional_operator` are legacy \
     parameters, which nothing checks; use `.filter(…)`";
pub(super) const START: &str =
    "`exclusive_start_key` belongs to the operation; use `.start_from(…)`";
pub(super) const KEY_CONDITION: &str = "`key_condition_expression` belongs to the operation; \
     query a `KeyCondition::parse(…)` instead";
pub(super) const FILTER: &str =
    "expressions are checked before they are sent; use `.filter(…)`, which also takes text";
pub(super) const SEGMENT: &str =
    "`segment` and `total_segments` belong to the operation; use `.segment(…)` or `.segments(…)`";
pub(super) const REQUEST_ITEMS: &str = "`request_items` belongs to the operation";
pub(super) const RETURN_VALUES: &str = "`return_values` would bring sealed attributes back unopened; \
     use `.return_old()`, or what else the operation offers to return";
pub(super) const RETURN_ON_FAILURE: &str = "the item that fails a condition is always asked for, and comes opened with the error; remove \
     `return_values_on_condition_check_failure`";
pub(super) const UPDATE: &str =
    "`update_expression` and `attribute_updates` belong to the operation";
pub(super) const TRANSACT_ITEMS: &str =
    "`transact_items` belongs to the transaction; add operations with its own methods";
pub(super) const CLIENT_REQUEST_TOKEN: &str = "`client_request_token` belongs to one sealed payload, and sealing again makes another; `prepare` the \
     transaction once and `send` that as often as needed, under its own token";
