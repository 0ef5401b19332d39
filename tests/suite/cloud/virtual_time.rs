//! Time passes while everybody waits, and only then.

use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use dynaseal::testkit::{Fault, Service, VirtualTime};
use futures_util::future::{Either, join_all, select};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Without retries, and with this much time for an attempt.
fn impatient(cloud: &Cloud, time: &VirtualTime, attempt: Duration) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt);
    let config = cloud.sdk_config_at(US, time).into_builder();
    let config = config.retry_config(RetryConfig::disabled());
    Client::new(&config.timeout_config(timeouts.build()).build())
}

/// Real seconds in which nothing of this module is ever slow.
async fn really_soon<F: Future>(future: F) -> F::Output {
    let patience = Duration::from_secs(300);
    let done = tokio::time::timeout(patience, future).await;
    done.expect("virtual time does not wait")
}

#[tokio::test]
async fn passes_the_time_that_a_fault_takes() {
    let cloud = cloud_with_table().await;
    let time = VirtualTime::of(&cloud);
    let us = Client::new(&cloud.sdk_config_at(US, &time));
    let delay = Fault::Latency(30 * SECOND);
    cloud.region(US).fail(Service::DynamoDb, delay);
    time.run(put(&us, "a", "1")).await;
    assert_eq!(time.elapsed(), 30 * SECOND);
    assert_eq!(time.run(get(&us, "a")).await.as_deref(), Some("1"));
    assert_eq!(time.elapsed(), 60 * SECOND);
}

#[tokio::test]
async fn starts_where_it_is_told_to() {
    let cloud = Cloud::start([US]).await.unwrap();
    let year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    assert_eq!(VirtualTime::of(&cloud).now(), year);
    let time = VirtualTime::starting_at(&cloud, SystemTime::UNIX_EPOCH);
    time.run(time.sleep(SECOND)).await;
    assert_eq!(time.now(), SystemTime::UNIX_EPOCH + SECOND);
    assert_eq!(time.elapsed(), SECOND);
    assert_eq!(format!("{time:?}"), "VirtualTime { elapsed: 1s, .. }");
}

#[tokio::test]
async fn fires_time_outs_in_order() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::DynamoDb, Fault::Hang);
    let time = VirtualTime::of(&cloud);
    let fired = Mutex::new(Vec::new());
    let attempts = [3, 1, 2].map(|seconds| {
        let client = impatient(&cloud, &time, seconds * SECOND);
        let (time, fired) = (&time, &fired);
        async move {
            let error = client.list_tables().send().await.unwrap_err();
            assert!(matches!(error, SdkError::TimeoutError(_)), "{error:?}");
            fired.lock().unwrap().push((seconds, time.elapsed()));
        }
    });
    time.run(join_all(attempts)).await;
    let expected = [1, 2, 3].map(|seconds| (seconds, seconds * SECOND));
    assert_eq!(*fired.lock().unwrap(), expected);
}

#[tokio::test]
async fn knows_the_time_out_of_the_http_client_and_the_backoff_of_the_sdk() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::DynamoDb, Fault::Hang);
    let time = VirtualTime::of(&cloud);
    let config = cloud.sdk_config_at(US, &time).into_builder();
    let timeouts = TimeoutConfig::builder().read_timeout(7 * SECOND);
    let us = Client::new(&config.timeout_config(timeouts.build()).build());
    time.run(us.list_tables().send()).await.unwrap_err();
    assert_eq!(cloud.calls(US, Service::DynamoDb), 3);
    // Three time-outs, and two waits of some jitter.
    assert!(time.elapsed() > 21 * SECOND, "{time:?}");
    assert!(time.elapsed() < 25 * SECOND, "{time:?}");
}

#[tokio::test]
async fn wakes_a_thousand_sleepers_in_order() {
    let cloud = Cloud::start([US]).await.unwrap();
    let time = VirtualTime::of(&cloud);
    let woken = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for n in 0..1000_u32 {
        // Scattered over a minute, many of them equal.
        let duration = n.wrapping_mul(2_654_435_761) % 600 * 100 * MILLISECOND;
        let (time, woken) = (time.clone(), Arc::clone(&woken));
        tasks.spawn(async move {
            let deadline = time.elapsed() + duration;
            time.sleep(duration).await;
            assert_eq!(time.elapsed(), deadline);
            woken.lock().unwrap().push((deadline, n));
        });
    }
    time.run(tasks.join_all()).await;
    let woken = woken.lock().unwrap();
    assert_eq!(woken.len(), 1000);
    assert!(woken.is_sorted());
}

#[tokio::test]
async fn stands_still_while_requests_are_on_the_wire() {
    let cloud = Arc::new(cloud_with_table().await);
    let time = VirtualTime::of(&cloud);
    let us = impatient(&cloud, &time, SECOND);
    let mut tasks = JoinSet::new();
    for n in 0..1000 {
        let us = us.clone();
        tasks.spawn(async move {
            put(&us, &n.to_string(), "1").await;
            get(&us, &n.to_string()).await
        });
    }
    let read = really_soon(time.run(tasks.join_all())).await;
    assert!(read.iter().all(|value| value.as_deref() == Some("1")));
    assert_eq!(time.elapsed(), Duration::ZERO);
    assert_eq!(cloud.calls(US, Service::DynamoDb), 2000);
}

/// A cloud on a thread of its own, which has other things to do than to answer.
struct SlowCloud {
    cloud: Cloud,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SlowCloud {
    async fn start() -> Self {
        let (started, cloud) = oneshot::channel();
        let (stop, stopped) = mpsc::channel();
        let serve = async move {
            assert!(started.send(cloud_with_table().await).is_ok());
            while stopped.recv_timeout(5 * MILLISECOND) == Err(RecvTimeoutError::Timeout) {
                tokio::task::yield_now().await;
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let thread = thread::spawn(move || runtime.block_on(serve));
        Self {
            cloud: cloud.await.unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for SlowCloud {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(thread::JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))));
    }
}

#[tokio::test]
async fn waits_for_servers_however_slow_they_are() {
    let slow = SlowCloud::start().await;
    let time = VirtualTime::of(&slow.cloud);
    let us = impatient(&slow.cloud, &time, MILLISECOND);
    let reads = async {
        put(&us, "a", "1").await;
        get(&us, "a").await
    };
    assert_eq!(time.run(reads).await.as_deref(), Some("1"));
    // Nor while a part of a batch is sent, or a response is lost.
    for fault in [Fault::Unprocessed(1), Fault::LostResponse] {
        slow.cloud
            .region(US)
            .fail_times(Service::DynamoDb, fault, 1);
        let put = |id: &str| {
            let put = PutRequest::builder().item("id", s(id)).item("part", part());
            let put = put.build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        let write = us.batch_write_item();
        let write = write.request_items(TABLE, ["b", "c"].map(put).into());
        let written = time.run(write.send()).await;
        assert!(!matches!(written, Err(SdkError::TimeoutError(_))));
    }
    assert_eq!(time.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn waits_for_tasks_that_wake_each_other() {
    let cloud = Cloud::start([US]).await.unwrap();
    let time = VirtualTime::of(&cloud);
    let (first, mut last) = oneshot::channel();
    for _ in 0..20 {
        let (next, received) = oneshot::channel();
        let before = std::mem::replace(&mut last, received);
        tokio::spawn(async move {
            let () = before.await.unwrap();
            tokio::task::yield_now().await;
            next.send(())
        });
    }
    tokio::spawn(time.sleep(SECOND / 2));
    let chain = async {
        first.send(()).unwrap();
        last.await.unwrap();
        time.sleep(SECOND).await;
    };
    time.run(chain).await;
    assert_eq!(time.elapsed(), SECOND);
}

#[tokio::test]
async fn never_passes_a_time_out_of_a_request_while_others_sleep() {
    let cloud = cloud_with_table().await;
    let time = VirtualTime::of(&cloud);
    let us = impatient(&cloud, &time, 3 * MILLISECOND);
    put(&us, "a", "1").await;
    let ticks = pin!(async {
        loop {
            time.sleep(2 * MILLISECOND).await;
        }
    });
    let reads = (0..50_u32).map(|n| {
        let (time, us) = (&time, &us);
        async move {
            for _ in 0..20 {
                time.sleep((1 + n % 7) * MILLISECOND).await;
                get(us, "a").await.expect("in time");
            }
        }
    });
    let done = time.run(select(ticks, join_all(reads)));
    assert!(matches!(done.await, Either::Right(_)));
    assert_eq!(time.elapsed(), 20 * 7 * MILLISECOND);
}

#[tokio::test]
async fn forgets_sleepers_that_are_dropped() {
    let cloud = Cloud::start([US]).await.unwrap();
    let time = VirtualTime::of(&cloud);
    let long = tokio::spawn(time.sleep(100 * SECOND));
    let race = select(time.sleep(10 * SECOND), time.sleep(SECOND));
    assert!(matches!(time.run(race).await, Either::Right(_)));
    assert_eq!(time.elapsed(), SECOND, "the loser is not waited for");
    long.abort();
    time.run(async { long.await.unwrap_err() }).await;
    time.run(time.sleep(SECOND)).await;
    assert_eq!(time.elapsed(), 2 * SECOND);
}

#[tokio::test]
async fn moves_on_by_hand() {
    let cloud = Cloud::start([US]).await.unwrap();
    let time = VirtualTime::of(&cloud);
    let sleeper = tokio::spawn(time.sleep(SECOND));
    tokio::task::yield_now().await;
    time.advance(SECOND - MILLISECOND);
    tokio::task::yield_now().await;
    assert!(!sleeper.is_finished());
    time.advance(MILLISECOND);
    sleeper.await.unwrap();
    time.advance(Duration::MAX);
    assert_eq!(time.elapsed(), SECOND, "there is no such time");
}

#[tokio::test]
async fn waits_politely_for_what_never_comes() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::DynamoDb, Fault::Hang);
    let time = VirtualTime::of(&cloud);
    let us = Client::new(&cloud.sdk_config_at(US, &time));
    let hanging = time.run(us.list_tables().send());
    let done = tokio::time::timeout(20 * MILLISECOND, hanging).await;
    assert!(done.is_err());
    // It comes from outside after all.
    let outside = tokio::task::spawn_blocking(|| thread::sleep(5 * MILLISECOND));
    time.run(outside).await.unwrap();
    assert_eq!(time.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn signs_requests_for_days() {
    let cloud = cloud_with_table().await;
    let time = VirtualTime::of(&cloud);
    let us = Client::new(&cloud.sdk_config_at(US, &time));
    let days = async {
        for _ in 0..200 {
            put(&us, "a", "1").await;
            time.sleep(20 * 60 * SECOND).await;
        }
    };
    time.run(days).await;
    assert_eq!(time.elapsed(), 200 * 20 * 60 * SECOND);
}

#[tokio::test]
async fn gets_a_thousand_readers_through_a_storm_of_throttling() {
    let cloud = Arc::new(cloud_with_table().await);
    let time = VirtualTime::of(&cloud);
    put(&cloud.dynamodb(US), "a", "1").await;
    let throttled = Fault::Status(400, "ThrottlingException");
    cloud.region(US).fail(Service::DynamoDb, throttled);
    let us = impatient(&cloud, &time, SECOND);
    let mut tasks = JoinSet::new();
    for n in 0..1000_u32 {
        let (us, time) = (us.clone(), time.clone());
        tasks.spawn(async move {
            let read = us.get_item().table_name(TABLE);
            let read = read.key("id", s("a")).key("part", part());
            while read.clone().send().await.is_err() {
                time.sleep((9000 + n) * MILLISECOND).await;
            }
        });
    }
    let recovery = tokio::spawn({
        let (cloud, time) = (Arc::clone(&cloud), time.clone());
        async move {
            time.sleep(30 * SECOND).await;
            cloud.region(US).recover();
        }
    });
    really_soon(time.run(tasks.join_all())).await;
    recovery.await.unwrap();
    assert!(time.elapsed() >= 30 * SECOND, "{time:?}");
    assert!(time.elapsed() < 40 * SECOND, "{time:?}");
    // At most one for each nine seconds, and the first and the last.
    let calls = cloud.calls(US, Service::DynamoDb);
    assert!((4_001..=5_001).contains(&calls), "{calls}");
}
