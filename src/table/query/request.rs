//! The request for one page of a query.

use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};

use super::QueryKey;
use crate::expression::{KeyCondition, Placeholders, SortKeyCondition};
use crate::item::Item;
use crate::table::call::{Response, Route};
use crate::table::customize::{self, refuse_read_settings, refuse_set};
use crate::table::error::{OperationError, Refused};
use crate::table::page::{Facts, Partition};
use crate::table::read::{Answer, Answered, Read, Scope, Source};

/// A query, ready to be asked for pages.
pub(super) struct Request {
    pub(super) key: QueryKey,
    pub(super) sort_key: Option<SortKeyCondition>,
    pub(super) read: Read,
    pub(super) input: QueryInputBuilder,
}

impl Source for Request {
    type Error = QueryError;

    fn read(&self) -> &Read {
        &self.read
    }

    fn consistent_read(&self) -> Option<bool> {
        *self.input.get_consistent_read()
    }

    fn return_consumed_capacity(&self) -> Option<&ReturnConsumedCapacity> {
        self.input.get_return_consumed_capacity().as_ref()
    }

    async fn ask(
        &self,
        start: Option<Item>,
        answer: Answer,
        route: &Route<'_>,
    ) -> Result<Answered, OperationError<QueryError>> {
        refuse_foreign(&self.input)?;
        let core = &self.read.core;
        self.key.check(core.schema())?;
        let scope = self.read.scope(answer, route).await?;
        let key = self.key.clone();
        let key = key.resolve(scope.keys(core), self.sort_key.clone())?;
        let input = self.input(&scope, &key, answer)?;
        let input = input.set_exclusive_start_key(start);
        let Response { output, region, .. } = route.ask(&input).await?;
        let partition = Partition {
            name: key.partition_name().to_owned(),
            value: key.partition_value().clone(),
        };
        Ok(answered(output, region, partition))
    }
}

impl Request {
    fn input(
        &self,
        scope: &Scope,
        key: &KeyCondition,
        answer: Answer,
    ) -> Result<QueryInputBuilder, Refused> {
        let mut placeholders = Placeholders::new();
        let key = key.render(&mut placeholders)?;
        let filter = self.read.filter_text(&mut placeholders)?;
        let projection = self.read.projection_text(answer, &mut placeholders)?;
        let (names, values) = placeholders.into_parts();
        let input = self.input.clone();
        Ok(input
            .table_name(self.read.core.table_name())
            .set_index_name(scope.index_name())
            .set_select((answer == Answer::Count).then_some(Select::Count))
            .key_condition_expression(key)
            .set_filter_expression(filter)
            .set_projection_expression(projection)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values))
    }
}

fn answered(output: QueryOutput, region: &str, partition: Partition) -> Answered {
    Answered {
        facts: Facts::new(
            region,
            output.count,
            output.scanned_count,
            output.last_evaluated_key,
            output.consumed_capacity,
        ),
        items: output.items.unwrap_or_default(),
        partition: Some(partition),
    }
}

fn refuse_foreign(input: &QueryInputBuilder) -> Result<(), Refused> {
    refuse_read_settings!(input)?;
    refuse_set(&[
        (input.get_key_conditions().is_some(), customize::LEGACY_READ),
        (input.get_query_filter().is_some(), customize::LEGACY_READ),
        (
            input.get_key_condition_expression().is_some(),
            customize::KEY_CONDITION,
        ),
    ])
}
