//! The request for one page of a scan.

use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};

use crate::expression::Placeholders;
use crate::item::Item;
use crate::table::call::{Response, Route};
use crate::table::customize::{self, refuse_read_settings, refuse_set};
use crate::table::error::{OperationError, Refused};
use crate::table::page::Facts;
use crate::table::read::{Answer, Answered, Read, Scope, Source};

/// A scan, ready to be asked for pages.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) segment: Option<Segment>,
    pub(super) read: Read,
    pub(super) input: ScanInputBuilder,
}

/// One part of several that a scan is divided into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) segment: i32,
    pub(super) of: i32,
}

impl Source for Request {
    type Error = ScanError;

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
    ) -> Result<Answered, OperationError<ScanError>> {
        refuse_foreign(&self.input)?;
        let scope = self.read.scope(answer, route).await?;
        let input = self.input(&scope, answer)?.set_exclusive_start_key(start);
        let Response { output, region, .. } = route.ask(&input).await?;
        Ok(Answered {
            facts: Facts::new(
                region,
                output.count,
                output.scanned_count,
                output.last_evaluated_key,
                output.consumed_capacity,
            ),
            items: output.items.unwrap_or_default(),
            partition: None,
        })
    }
}

impl Request {
    fn input(&self, scope: &Scope, answer: Answer) -> Result<ScanInputBuilder, Refused> {
        let mut placeholders = Placeholders::new();
        let filter = self.read.filter_text(&mut placeholders)?;
        let projection = self.read.projection_text(answer, &mut placeholders)?;
        let (names, values) = placeholders.into_parts();
        let input = self.input.clone();
        Ok(input
            .table_name(self.read.core.table_name())
            .set_index_name(scope.index_name())
            .set_segment(self.segment.map(|part| part.segment))
            .set_total_segments(self.segment.map(|part| part.of))
            .set_select((answer == Answer::Count).then_some(Select::Count))
            .set_filter_expression(filter)
            .set_projection_expression(projection)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values))
    }
}

fn refuse_foreign(input: &ScanInputBuilder) -> Result<(), Refused> {
    refuse_read_settings!(input)?;
    refuse_set(&[
        (input.get_scan_filter().is_some(), customize::LEGACY_READ),
        (input.get_segment().is_some(), customize::SEGMENT),
        (input.get_total_segments().is_some(), customize::SEGMENT),
    ])
}
