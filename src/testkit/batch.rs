//! Batches of which DynamoDB does a part: what it does under load, and the emulator never.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Map, Value};

use crate::testkit::route::{Line, operation_of};

/// Sends all but the last `count` requests of a batch, and adds these to the answer.
pub(super) async fn hand_back(
    request: HttpRequest,
    count: usize,
    line: &Line,
) -> Result<HttpResponse, ConnectorError> {
    let Some(unprocessed) = Unprocessed::of(operation_of(&request)) else {
        return line.send(request).await;
    };
    let mut batch = parse(request.body().bytes().unwrap_or_default())?;
    let handed_back = unprocessed.take_last(&mut batch, count);
    let mut answer = if tables(&mut batch).is_none_or(|tables| tables.is_empty()) {
        Map::new()
    } else {
        let answer = line.send(with_body(request, batch)?).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        // In memory: the line reads answers whole.
        parse(answer.body().bytes().unwrap_or_default())?
    };
    answer.insert(unprocessed.member.to_owned(), Value::Object(handed_back));
    let status = StatusCode::try_from(200_u16);
    let status = status.map_err(|error| ConnectorError::user(error.into()))?;
    let answer = SdkBody::from(Value::Object(answer).to_string());
    Ok(HttpResponse::new(status, answer))
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
    fn take_last(&self, batch: &mut Map<String, Value>, count: usize) -> Map<String, Value> {
        let mut left = count;
        let mut taken = Map::new();
        let Some(tables) = tables(batch) else {
            return taken;
        };
        for (table, requests) in tables.iter_mut() {
            let mut back = requests.clone();
            let Some(list) = self.list_of(requests) else {
                continue;
            };
            let last = list.split_off(list.len().saturating_sub(left));
            left -= last.len();
            if let (false, Some(list)) = (last.is_empty(), self.list_of(&mut back)) {
                *list = last;
                taken.insert(table.clone(), back);
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

fn tables(batch: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    batch.get_mut("RequestItems")?.as_object_mut()
}

fn parse(body: &[u8]) -> Result<Map<String, Value>, ConnectorError> {
    serde_json::from_slice(body).map_err(|error| ConnectorError::user(error.into()))
}

fn with_body(
    mut request: HttpRequest,
    body: Map<String, Value>,
) -> Result<HttpRequest, ConnectorError> {
    let body = Value::Object(body).to_string();
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
    use serde_json::json;

    use super::*;

    fn batch(json: Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn takes_the_last_requests_of_a_batch_over_its_tables() {
        let writes = Unprocessed::of("BatchWriteItem").unwrap();
        let mut some = batch(json!({"RequestItems": {"a": [1, 2, 3], "b": [4]}}));
        let taken = writes.take_last(&mut some, 2);
        assert_eq!(taken, batch(json!({"a": [2, 3]})));
        assert_eq!(some, batch(json!({"RequestItems": {"a": [1], "b": [4]}})));

        let gets = Unprocessed::of("BatchGetItem").unwrap();
        let asked = json!({"a": {"Keys": [1, 2], "ConsistentRead": true}});
        let mut all = batch(json!({"RequestItems": asked}));
        assert_eq!(gets.take_last(&mut all, 100), batch(asked));
        assert_eq!(all, batch(json!({"RequestItems": {}})));
        assert!(!is_batch("PutItem"));
    }
}
