//! Batches of which DynamoDB does a part: what it does under load, and the emulator never.

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Map, Value, json};

use crate::testkit::route::operation_of;

/// Sends all but the last `count` requests of a batch, and adds these to the answer.
pub(super) async fn hand_back(
    request: HttpRequest,
    count: usize,
    plain: &SharedHttpConnector,
) -> Result<HttpResponse, ConnectorError> {
    let Some(unprocessed) = Unprocessed::of(operation_of(&request)) else {
        return plain.call(request).await;
    };
    let mut batch = parse(request.body().bytes().unwrap_or_default())?;
    let kept_back = unprocessed.take_last(&mut batch, count);
    let mut answer = if batch["RequestItems"] == json!({}) {
        json!({})
    } else {
        let answer = plain.call(with_body(request, &batch)?).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| ConnectorError::io(error.into()))?;
        parse(&body.into_bytes())?
    };
    answer[unprocessed.member] = Value::Object(kept_back);
    let status = StatusCode::try_from(200_u16);
    let status = status.map_err(|error| ConnectorError::user(error.into()))?;
    Ok(HttpResponse::new(status, SdkBody::from(answer.to_string())))
}

/// Whether an operation can leave a part of its requests undone.
pub(super) fn is_batch(operation: &str) -> bool {
    Unprocessed::of(operation).is_some()
}

/// Where a batch operation has its requests, and where it hands them back.
struct Unprocessed {
    /// Of the answer.
    member: &'static str,
    /// The list of a table's requests, below the table's name; none if it is that itself.
    list: Option<&'static str>,
}

impl Unprocessed {
    fn of(operation: &str) -> Option<Self> {
        let (member, list) = match operation {
            "BatchGetItem" => ("UnprocessedKeys", Some("Keys")),
            "BatchWriteItem" => ("UnprocessedItems", None),
            _ => return None,
        };
        Some(Self { member, list })
    }

    /// Takes the last requests out of a batch, and tables without any left.
    fn take_last(&self, batch: &mut Value, count: usize) -> Map<String, Value> {
        let mut left = count;
        let mut taken = Map::new();
        let Some(tables) = batch["RequestItems"].as_object_mut() else {
            return taken;
        };
        for (table, requests) in tables.iter_mut() {
            let mut kept_back = requests.clone();
            let Some(list) = self.list_of(requests) else {
                continue;
            };
            let back = list.split_off(list.len().saturating_sub(left));
            left -= back.len();
            if let (false, Some(list)) = (back.is_empty(), self.list_of(&mut kept_back)) {
                *list = back;
                taken.insert(table.clone(), kept_back);
            }
        }
        tables.retain(|_, requests| self.list_of(requests).is_some_and(|list| !list.is_empty()));
        taken
    }

    fn list_of<'a>(&self, requests: &'a mut Value) -> Option<&'a mut Vec<Value>> {
        match self.list {
            Some(name) => requests.get_mut(name)?.as_array_mut(),
            None => requests.as_array_mut(),
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, ConnectorError> {
    serde_json::from_slice(body).map_err(|error| ConnectorError::user(error.into()))
}

fn with_body(mut request: HttpRequest, body: &Value) -> Result<HttpRequest, ConnectorError> {
    let body = body.to_string();
    let length = body.len().to_string();
    request
        .headers_mut()
        .try_insert("content-length", length)
        .map_err(|error| ConnectorError::user(error.into()))?;
    *request.body_mut() = SdkBody::from(body);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_last_requests_of_a_batch_over_its_tables() {
        let writes = Unprocessed::of("BatchWriteItem").unwrap();
        let mut batch = json!({"RequestItems": {"a": [1, 2, 3], "b": [4]}});
        let taken = writes.take_last(&mut batch, 2);
        assert_eq!(Value::Object(taken), json!({"a": [2, 3]}));
        assert_eq!(batch, json!({"RequestItems": {"a": [1], "b": [4]}}));

        let gets = Unprocessed::of("BatchGetItem").unwrap();
        let mut batch = json!({"RequestItems": {"a": {"Keys": [1, 2], "ConsistentRead": true}}});
        let taken = gets.take_last(&mut batch, 100);
        assert_eq!(
            Value::Object(taken),
            json!({"a": {"Keys": [1, 2], "ConsistentRead": true}})
        );
        assert_eq!(batch, json!({"RequestItems": {}}));
        assert!(Unprocessed::of("PutItem").is_none());
    }
}
