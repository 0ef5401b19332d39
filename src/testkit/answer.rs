//! Answers that the kit makes up: those of AWS services that did nothing.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

type Answer = Result<HttpResponse, ConnectorError>;

const INJECTED: &str = "injected by the test kit";

/// An error of any service.
pub(super) fn error(status: u16, code: &str) -> Answer {
    response(status, &json!({"__type": code, "message": INJECTED}))
}

/// A write met one of another region.
pub(super) fn replicated_write_conflict() -> Answer {
    dynamodb("ReplicatedWriteConflictException", INJECTED)
}

/// Transactions need tables whose regions do not agree before each write.
pub(super) fn no_transactions() -> Answer {
    dynamodb(
        "ValidationException",
        "Transactions are not supported on global tables with multi-Region strong consistency",
    )
}

fn dynamodb(code: &str, message: &str) -> Answer {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    response(400, &json!({"__type": code, "message": message}))
}

/// One reason per operation, of which the first is a conflict.
pub(super) fn transaction_conflict(request: &HttpRequest) -> Answer {
    let asked: Value =
        serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    let operations = asked.get("TransactItems");
    let operations = operations.and_then(Value::as_array).map_or(1, Vec::len);
    let mut reasons = vec![json!({"Code": "None"}); operations];
    if let Some(first) = reasons.first_mut() {
        *first = json!({
            "Code": "TransactionConflict",
            "Message": "Transaction is ongoing for the item",
        });
    }
    response(
        400,
        &json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": INJECTED,
            "CancellationReasons": reasons,
        }),
    )
}

fn response(status: u16, body: &Value) -> Answer {
    let status =
        StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
    Ok(HttpResponse::new(status, SdkBody::from(body.to_string())))
}
