//! The SDK's inputs as requests.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::{
    batch_get_item, batch_write_item, create_table, delete_item, describe_table, get_item,
    put_item, query, scan, transact_get_items, transact_write_items,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::{Request, Sent};
use crate::observe::CallOutcome;
use crate::region::cancelled::cancelled_outcome;

/// The builders have `send_with` in common, and no trait for it.
macro_rules! requests {
    ($($name:literal => $module:ident, $builder:ident, $output:ident, $error:ident $({ $($more:item)* })?;)*) => {$(
        impl Request for $module::builders::$builder {
            type Output = $module::$output;
            type Error = $module::$error;
            const OPERATION: &'static str = $name;

            async fn send(&self, client: &Client) -> Sent<Self> {
                self.clone().send_with(client).await
            }

            $($($more)*)?
        }
    )*};
}

requests! {
    "BatchGetItem" => batch_get_item, BatchGetItemInputBuilder, BatchGetItemOutput, BatchGetItemError {
        /// Every item is there.
        fn is_conclusive(&self, output: &Self::Output) -> bool {
            let asked = self.get_request_items().iter().flatten();
            let asked: usize = asked.map(|(_, keys)| keys.keys().len()).sum();
            let found = output.responses().into_iter().flatten();
            found.map(|(_, items)| items.len()).sum::<usize>() == asked
        }
    };
    "BatchWriteItem" => batch_write_item, BatchWriteItemInputBuilder, BatchWriteItemOutput, BatchWriteItemError;
    "CreateTable" => create_table, CreateTableInputBuilder, CreateTableOutput, CreateTableError;
    "DeleteItem" => delete_item, DeleteItemInputBuilder, DeleteItemOutput, DeleteItemError;
    "DescribeTable" => describe_table, DescribeTableInputBuilder, DescribeTableOutput, DescribeTableError;
    "GetItem" => get_item, GetItemInputBuilder, GetItemOutput, GetItemError {
        /// The item is there.
        fn is_conclusive(&self, output: &Self::Output) -> bool {
            output.item().is_some()
        }
    };
    "PutItem" => put_item, PutItemInputBuilder, PutItemOutput, PutItemError;
    "Query" => query, QueryInputBuilder, QueryOutput, QueryError {
        /// There is something.
        fn is_conclusive(&self, output: &Self::Output) -> bool {
            output.count() > 0
        }
    };
    "Scan" => scan, ScanInputBuilder, ScanOutput, ScanError {
        /// There is something.
        fn is_conclusive(&self, output: &Self::Output) -> bool {
            output.count() > 0
        }
    };
    "TransactGetItems" => transact_get_items, TransactGetItemsInputBuilder, TransactGetItemsOutput, TransactGetItemsError {
        fn outcome(error: &SdkError<Self::Error, HttpResponse>) -> CallOutcome {
            cancelled_outcome(error)
        }
    };
    "TransactWriteItems" => transact_write_items, TransactWriteItemsInputBuilder, TransactWriteItemsOutput, TransactWriteItemsError {
        fn outcome(error: &SdkError<Self::Error, HttpResponse>) -> CallOutcome {
            cancelled_outcome(error)
        }
    };
}
