//! What a region set refuses before it makes a client.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use crate::error::ConfigError;

/// The partition of a region, which the first part of its name decides.
pub(crate) fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    let found = PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("aws", |(_, partition)| partition)
}

/// Refuses names that are malformed, given twice or of different partitions.
pub(super) fn check_names(names: &[&str]) -> Result<(), ConfigError> {
    let mut seen: Vec<&str> = Vec::with_capacity(names.len());
    for name in names {
        if !is_region_name(name) {
            return Err(ConfigError::new(format!(
                "{name:?} is not a region name such as \"eu-west-1\""
            )));
        }
        if seen.contains(name) {
            return Err(ConfigError::new(format!("region {name} is given twice")));
        }
        if let Some(local) = seen
            .first()
            .filter(|l| partition_of(l) != partition_of(name))
        {
            return Err(ConfigError::new(format!(
                "regions {local} and {name} are in different partitions, which share neither keys nor tables"
            )));
        }
        seen.push(name);
    }
    Ok(())
}

/// Strict, because the name becomes part of a host name and of an ARN.
fn is_region_name(name: &str) -> bool {
    const MAX_LEN: usize = 63;
    name.len() <= MAX_LEN
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Refuses what the SDK's clients panic on.
pub(super) fn check_components(config: &SdkConfig) -> Result<(), ConfigError> {
    let (what, setter) = if config.behavior_version().is_none() {
        ("behavior version", "behavior_version")
    } else if config.sleep_impl().is_none() {
        ("sleep implementation", "sleep_impl")
    } else if config.time_source().is_none() {
        ("time source", "time_source")
    } else {
        return Ok(());
    };
    Err(ConfigError::new(format!(
        "the SdkConfig has no {what}: set `{setter}`, or load it with `aws_config`"
    )))
}

/// One endpoint would receive the requests of every region.
pub(super) fn check_endpoints(config: &SdkConfig) -> Result<(), ConfigError> {
    let source = if config.endpoint_url().is_some() {
        "endpoint_url"
    } else if has_service_endpoint(config, "KMS") {
        "AWS_ENDPOINT_URL_KMS"
    } else if has_service_endpoint(config, "DynamoDB") {
        "AWS_ENDPOINT_URL_DYNAMODB"
    } else {
        return Ok(());
    };
    Err(ConfigError::new(format!(
        "`{source}` sends the requests of all regions to one endpoint: unset it, or give clients per \
         region to `RegionSet::from_clients`"
    )))
}

/// Asks as the SDK's clients do, so that what they would find is found here.
fn has_service_endpoint(config: &SdkConfig, service: &str) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    match (config.service_config(), key) {
        (Some(environment), Ok(key)) => environment.load_config(key).is_some(),
        _ => false,
    }
}
