//! What `DescribeTable` says of global tables, and of the keys that encrypt tables: the emulator knows
//! neither.
//!
//! It sits between routing and the plain client, so faults strike before it and its own questions are
//! not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Map, Value, json};

use crate::testkit::region::RegionHandle;
use crate::testkit::route::{Routes, operation_of};
use crate::testkit::traffic::Service;

/// What the emulator is not told.
#[derive(Debug, Default)]
pub(super) struct Descriptions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    global_tables: BTreeSet<String>,
    /// By region and table: the ARN of the key.
    encryption: BTreeMap<(String, String), String>,
}

impl Descriptions {
    /// Tables of this name are replicas of each other.
    pub(super) fn is_global(&self, table: &str) {
        self.lock().global_tables.insert(table.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RegionHandle<'_> {
    /// Says under which KMS key the region's replica of a table is encrypted at rest, which
    /// `DescribeTable` then shows. `None`, as at first, is the key that DynamoDB owns.
    ///
    /// It is said and no more: DynamoDB never asks for the key.
    pub fn set_table_encryption(&self, table: &str, kms_key_arn: Option<String>) {
        let at = (self.name.to_owned(), table.to_owned());
        let encryption = &mut self.cloud.routes.descriptions.lock().encryption;
        match kms_key_arn {
            Some(key) => encryption.insert(at, key),
            None => encryption.remove(&at),
        };
    }
}

/// The plain client, with complete answers to `DescribeTable`.
pub(super) fn complete(plain: SharedHttpConnector, routes: &Arc<Routes>) -> SharedHttpConnector {
    let routes = Arc::clone(routes);
    SharedHttpConnector::new(Completing { routes, plain })
}

#[derive(Debug)]
struct Completing {
    routes: Arc<Routes>,
    plain: SharedHttpConnector,
}

impl HttpConnector for Completing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if operation_of(&request) != "DescribeTable" {
            return self.plain.call(request);
        }
        let (routes, plain) = (Arc::clone(&self.routes), self.plain.clone());
        HttpConnectorFuture::new(async move { describe(&routes, &plain, request).await })
    }
}

async fn describe(
    routes: &Routes,
    plain: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let region = region_at(routes, request.uri());
    let others = copies_for_others(routes, &request, &region);
    let answer = plain.call(request).await?;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let mut body = read(answer).await?;
    if let Some(table) = body.get_mut("Table").and_then(Value::as_object_mut) {
        let name = table.get("TableName").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        let replicas = replicas(routes, plain, &name, others).await?;
        if !replicas.is_empty() {
            table.insert("GlobalTableVersion".to_owned(), json!("2019.11.21"));
            table.insert("Replicas".to_owned(), Value::Array(replicas));
        }
        let encryption = routes
            .descriptions
            .lock()
            .encryption
            .get(&(region, name))
            .cloned();
        if let Some(key) = encryption {
            let description =
                json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key});
            table.insert("SSEDescription".to_owned(), description);
        }
    }
    Ok(HttpResponse::new(
        status,
        SdkBody::from(Value::Object(body).to_string()),
    ))
}

/// The region whose DynamoDB listens at this address.
fn region_at(routes: &Routes, uri: &str) -> String {
    let mut listeners = routes.listeners.iter();
    let found = listeners.find(|(_, address)| uri == format!("http://{address}/"));
    found
        .map(|((region, _), _)| region.clone())
        .unwrap_or_default()
}

/// The same request to all regions but one.
fn copies_for_others(
    routes: &Routes,
    request: &HttpRequest,
    region: &str,
) -> Vec<(String, HttpRequest)> {
    let others = routes
        .listeners
        .iter()
        .filter(|((name, service), _)| *service == Service::DynamoDb && name != region);
    let copy = |((name, _), address): (&(String, Service), _)| {
        let mut copy = request.try_clone()?;
        copy.set_uri(format!("http://{address}/")).ok()?;
        Some((name.clone(), copy))
    };
    others.filter_map(copy).collect()
}

/// The other regions that have the table, if it is a global one.
async fn replicas(
    routes: &Routes,
    plain: &SharedHttpConnector,
    table: &str,
    others: Vec<(String, HttpRequest)>,
) -> Result<Vec<Value>, ConnectorError> {
    let mut found = Vec::new();
    if routes.descriptions.lock().global_tables.contains(table) {
        for (region, request) in others {
            if plain.call(request).await?.status().is_success() {
                found.push(json!({"RegionName": region, "ReplicaStatus": "ACTIVE"}));
            }
        }
    }
    Ok(found)
}

async fn read(answer: HttpResponse) -> Result<Map<String, Value>, ConnectorError> {
    let body = ByteStream::new(answer.into_body()).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?;
    serde_json::from_slice(&body.into_bytes()).map_err(|error| ConnectorError::user(error.into()))
}
