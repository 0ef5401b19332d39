//! What goes wrong, and what gets well again.

use aws_sdk_kms::types::KeyState;
use dynaseal::testkit::{Cloud, Fault, MultiRegionKey, Service};

use super::REGIONS;
use crate::chaos::clock::exactly;
use crate::chaos::prng::Prng;

/// How a region's replica of the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chaos) enum KeyCondition {
    Enabled,
    Disabled,
    PendingDeletion,
    Creating,
    Missing,
}

#[derive(Clone, Debug)]
pub(in crate::chaos) enum Disturbance {
    Fail {
        region: &'static str,
        service: Service,
        fault: Fault,
        on: Option<&'static str>,
        times: Option<usize>,
    },
    Key(&'static str, KeyCondition),
    Cut(&'static str),
    Heal(&'static str),
    /// All faults of the region are over. Its key stays as it is.
    Recover(&'static str),
}

impl Disturbance {
    pub(super) fn random(rng: &mut Prng) -> Self {
        let region = rng.pick(&REGIONS);
        match rng.weighted(&[(5, 0), (7, 1), (4, 2), (2, 3), (2, 4), (6, 5)]) {
            0 => kms_fault(region, rng),
            1 => dynamodb_fault(region, rng),
            2 => Self::Key(
                region,
                rng.weighted(&[
                    (4, KeyCondition::Enabled),
                    (3, KeyCondition::Disabled),
                    (1, KeyCondition::PendingDeletion),
                    (2, KeyCondition::Creating),
                    (2, KeyCondition::Missing),
                ]),
            ),
            3 => Self::Cut(region),
            4 => Self::Heal(region),
            _ => Self::Recover(region),
        }
    }

    /// KMS fails in all regions at once.
    pub(super) fn everywhere(rng: &mut Prng) -> [Self; 3] {
        let fault = kms_fault(REGIONS[0], rng);
        REGIONS.map(|name| match fault.clone() {
            Self::Fail {
                service,
                fault,
                on,
                times,
                ..
            } => Self::Fail {
                region: name,
                service,
                fault,
                on,
                times,
            },
            other => other,
        })
    }

    pub(super) fn kms_is_down(region: &'static str) -> Self {
        Self::Fail {
            region,
            service: Service::Kms,
            fault: Fault::Unavailable,
            on: None,
            times: None,
        }
    }

    pub(super) fn lost_answers(region: &'static str, on: &'static str, times: usize) -> Self {
        Self::Fail {
            region,
            service: Service::DynamoDb,
            fault: Fault::LostResponse,
            on: Some(on),
            times: Some(times),
        }
    }

    pub(in crate::chaos) fn apply(&self, cloud: &Cloud, key: &MultiRegionKey) {
        match self {
            Self::Fail {
                region,
                service,
                fault,
                on,
                times,
            } => {
                let mut rule = dynaseal::testkit::FaultRule::from(*fault);
                if let Some(operation) = on {
                    rule = rule.on(*operation);
                }
                if let Some(times) = times {
                    rule = rule.times(*times);
                }
                cloud.region(region).fail(*service, rule);
            }
            Self::Key(region, condition) => set_key(cloud, key, region, *condition),
            Self::Cut(region) => cloud.region(region).cut(),
            Self::Heal(region) => cloud.region(region).heal(),
            Self::Recover(region) => cloud.region(region).recover(),
        }
    }
}

fn set_key(cloud: &Cloud, key: &MultiRegionKey, region: &str, condition: KeyCondition) {
    let handle = cloud.region(region);
    let arn = key.arn(region);
    if condition == KeyCondition::Missing {
        // It may be missing already.
        let _ = handle.remove_replica(&arn);
        return;
    }
    let _ = handle.restore_replica(&arn);
    let state = match condition {
        KeyCondition::Disabled => KeyState::Disabled,
        KeyCondition::PendingDeletion => KeyState::PendingDeletion,
        KeyCondition::Creating => KeyState::Creating,
        KeyCondition::Enabled | KeyCondition::Missing => KeyState::Enabled,
    };
    handle.set_key_state(&arn, state).unwrap();
}

fn kms_fault(region: &'static str, rng: &mut Prng) -> Disturbance {
    let fault = rng.weighted(&[
        (3, Fault::Unavailable),
        (2, Fault::Hang),
        (1, Fault::Timeout(exactly(1000))),
        (1, Fault::Latency(exactly(500))),
        (1, Fault::Latency(exactly(4000))),
        (2, Fault::LostResponse),
        (4, Fault::Status(400, "ThrottlingException")),
        (1, Fault::Status(400, "LimitExceededException")),
        (2, Fault::Status(500, "KMSInternalException")),
        (1, Fault::Status(500, "KeyUnavailableException")),
        (2, Fault::Status(400, "AccessDeniedException")),
        (1, Fault::Status(400, "InvalidCiphertextException")),
        (1, Fault::Status(400, "SomethingNewException")),
    ]);
    let on = rng.weighted(&[
        (6, None),
        (2, Some("Decrypt")),
        (1, Some("GenerateDataKey")),
        (1, Some("DescribeKey")),
    ]);
    let times = rng.percent(65).then(|| rng.between(1, 6));
    Disturbance::Fail {
        region,
        service: Service::Kms,
        fault,
        on,
        times,
    }
}

fn dynamodb_fault(region: &'static str, rng: &mut Prng) -> Disturbance {
    let (fault, on) = rng.weighted(&[
        (2, (Fault::Unavailable, None)),
        (2, (Fault::Hang, None)),
        (1, (Fault::Timeout(exactly(1000)), None)),
        (3, (Fault::Latency(exactly(1500)), None)),
        (1, (Fault::Latency(exactly(4000)), None)),
        (3, (Fault::LostResponse, None)),
        (2, (Fault::LostResponse, Some("PutItem"))),
        (3, (Fault::LostResponse, Some("UpdateItem"))),
        (1, (Fault::LostResponse, Some("DeleteItem"))),
        (1, (Fault::LostResponse, Some("BatchWriteItem"))),
        (2, (Fault::LostResponse, Some("TransactWriteItems"))),
        (2, (Fault::Status(400, "ThrottlingException"), None)),
        (
            1,
            (
                Fault::Status(400, "ProvisionedThroughputExceededException"),
                None,
            ),
        ),
        (2, (Fault::Status(500, "InternalServerError"), None)),
        (1, (Fault::Status(400, "AccessDeniedException"), None)),
        (1, (Fault::TransactionConflict, Some("TransactWriteItems"))),
        (1, (Fault::TransactionConflict, Some("TransactGetItems"))),
        (1, (Fault::Unprocessed(1), None)),
        (1, (Fault::Unprocessed(2), None)),
    ]);
    let times = rng.percent(85).then(|| rng.between(1, 4));
    Disturbance::Fail {
        region,
        service: Service::DynamoDb,
        fault,
        on,
        times,
    }
}
