//! A query and a scan may need other operations on their way. What those report becomes an error of
//! the one that was asked for.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::scan::ScanError;

/// The errors of operations that read pages.
pub(super) trait ReadError: ProvideErrorMetadata + Send + 'static {
    /// `DescribeTable`, which finds out what an index projects.
    fn of_describe_table(error: DescribeTableError) -> Self;
    /// `BatchGetItem`, which fetches items that an index lists.
    fn of_batch_get_item(error: BatchGetItemError) -> Self;
}

/// The variants that both operations have; whatever else keeps code, message and request id.
macro_rules! translate {
    ($error:expr, $from:ident => $($variant:ident),*) => {
        match $error {
            $($from::$variant(error) => Self::$variant(error),)*
            other => Self::generic(other.meta().clone()),
        }
    };
}

macro_rules! read_errors {
    ($($error:ident),*) => {$(
        impl ReadError for $error {
            fn of_describe_table(error: DescribeTableError) -> Self {
                translate!(error, DescribeTableError =>
                    InternalServerError,
                    InvalidEndpointException,
                    ResourceNotFoundException)
            }

            fn of_batch_get_item(error: BatchGetItemError) -> Self {
                translate!(error, BatchGetItemError =>
                    InternalServerError,
                    InvalidEndpointException,
                    ProvisionedThroughputExceededException,
                    RequestLimitExceeded,
                    ResourceNotFoundException,
                    ThrottlingException)
            }
        }
    )*};
}

read_errors!(QueryError, ScanError);

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::types::error::ThrottlingException;

    use super::*;

    #[test]
    fn keeps_variants_where_there_are_any_and_codes_everywhere() {
        let throttled =
            BatchGetItemError::ThrottlingException(ThrottlingException::builder().build());
        let throttled = QueryError::of_batch_get_item(throttled);
        assert!(matches!(throttled, QueryError::ThrottlingException(_)));

        let denied = ErrorMetadata::builder()
            .code("AccessDeniedException")
            .build();
        let denied = ScanError::of_describe_table(DescribeTableError::generic(denied));
        assert_eq!(denied.code(), Some("AccessDeniedException"));
    }
}
