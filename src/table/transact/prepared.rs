//! A transaction that was sealed once, and is sent as often as it takes.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsOutput,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::cancelled;
use super::error::TransactionError;
use super::output::TransactWriteOutput;
use super::{Target, span};
use crate::region::Backoff;
use crate::region::cancelled::{is_transient, reasons};
use crate::region::write_fault::WriteFault;
use crate::table::call::{Missed, circuit_open, once};
use crate::table::core::Core;
use crate::table::deadline::Deadline;
use crate::table::error::{CircuitOpen, OutcomeUnknown, Refused, SdkFailure};
use crate::table::{footer, token};

type Failure = TransactionError<TransactWriteItemsError>;
type SdkFailed = SdkFailure<TransactWriteItemsError>;

/// A transaction whose items are sealed, under an idempotency token of its own. Made by
/// [`TransactWrite::prepare`](super::TransactWrite::prepare).
///
/// Every [`send`](Self::send) sends the same bytes under the same token, so the transaction happens
/// once however often it is sent: after an error that leaves the outcome open, send it again.
/// DynamoDB remembers a token for ten minutes. After nine, by the clock of the SDK's configuration,
/// `send` refuses, since it could apply everything a second time.
///
/// Cheap to clone; clones are the same transaction. A process that ends loses it, and the token is
/// of no use without the bytes: sealing again makes others.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{RawAesKeyring, RegionSet, Seal, SealedTable, Unsigned};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "pages", default = "encrypt")]
/// # struct Page { #[seal(partition_key)] id: String, text: String, #[seal(unsigned)] views: Unsigned<u64> }
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let definition = TableDefinition::new("pages").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
/// # let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// # let pages = SealedTable::<Page>::builder("pages", keyring, &regions).build()?;
/// # pages.put(&Page { id: "p-1".into(), text: "hello".into(), views: 0.into() }).send().await?;
/// use dynaseal::expression::UpdateExpression;
/// use dynaseal::table::TransactWrite;
///
/// let seen = UpdateExpression::new().increment("views", 1);
/// let prepared = TransactWrite::new().update_unsigned(&pages, "p-1", seen).prepare().await?;
/// prepared.send().await?;
/// prepared.send().await?; // as one would if the first answer had been lost
///
/// let page = pages.get("p-1").send().await?.expect("it was put");
/// assert_eq!(page.views, Unsigned::new(1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a transaction does nothing until `send`"]
pub struct PreparedTransaction(Arc<Prepared>);

struct Prepared {
    core: Arc<Core>,
    input: TransactWriteItemsInputBuilder,
    targets: Vec<Target>,
    versions: Vec<Option<u64>>,
    /// Nothing, if there was no clock.
    first_sent: OnceLock<Option<SystemTime>>,
    /// How many sends are under way, or ended without a certain outcome.
    in_doubt: AtomicUsize,
}

impl PreparedTransaction {
    /// `input` is complete, with its token.
    pub(super) fn new(
        core: Arc<Core>,
        input: TransactWriteItemsInputBuilder,
        targets: Vec<Target>,
        versions: Vec<Option<u64>>,
    ) -> Self {
        Self(Arc::new(Prepared {
            core,
            input,
            targets,
            versions,
            first_sent: OnceLock::new(),
            in_doubt: AtomicUsize::new(0),
        }))
    }

    /// The idempotency token, for logs. It is of no use with other bytes.
    #[must_use]
    pub fn client_request_token(&self) -> &str {
        let token = self.0.input.get_client_request_token();
        token.as_deref().unwrap_or_default()
    }

    /// Sends the transaction, or finds out that it has happened already.
    ///
    /// Conflicts with other requests, throttling and lost answers are met by sending again, as often
    /// as the retry configuration of the SDK says.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Cancelled`] if DynamoDB refused it, which is certain: had an earlier send
    /// of the same token been applied, the answer would be a success.
    /// [`OutcomeUnknown`](TransactionError::OutcomeUnknown) if the last word is still open; send it
    /// again. [`Sdk`](TransactionError::Sdk) for what was certainly not applied.
    /// [`Refused`](TransactionError::Refused) nine minutes after the first send.
    pub fn send(
        &self,
    ) -> impl Future<Output = Result<TransactWriteOutput, Failure>> + Send + use<> {
        let prepared = Arc::clone(&self.0);
        async move {
            let cores = prepared.targets.iter().map(|target| &target.core);
            let span = span::transact_write_items(cores);
            let deadline = prepared.core.deadline(None);
            span::run(span, prepared.send(&deadline)).await
        }
    }

    /// Sends it in the span of a caller.
    pub(super) async fn send_within(
        &self,
        deadline: &Deadline,
    ) -> Result<TransactWriteOutput, Failure> {
        self.0.send(deadline).await
    }
}

impl Prepared {
    async fn send(&self, deadline: &Deadline) -> Result<TransactWriteOutput, Failure> {
        if self.has_expired() {
            return Err(Refused::new(
                "DynamoDB may have forgotten this transaction, which was first sent over \
                 nine minutes ago, and would apply it again; read what it writes before preparing another",
            )
            .into());
        }
        // Also if this future is dropped before the answer comes.
        let in_doubt = self.in_doubt.fetch_add(1, Ordering::AcqRel) > 0;
        let result = self.attempt(in_doubt, deadline).await;
        match &result {
            // It has happened, whatever becomes of the others.
            Ok(_) => self.in_doubt.store(0, Ordering::Release),
            Err(TransactionError::OutcomeUnknown(_)) => {}
            Err(_) => self.settle_one(),
        }
        result
    }

    /// One send less is in doubt; none of another is settled by it.
    fn settle_one(&self) {
        let less = |sends: usize| Some(sends.saturating_sub(1));
        let _ = self
            .in_doubt
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Sends until there is an answer that nothing can change any more, or attempts are used up.
    async fn attempt(
        &self,
        in_doubt: bool,
        deadline: &Deadline,
    ) -> Result<TransactWriteOutput, Failure> {
        let member = self.core.home();
        let mut backoff = Backoff::new(member.sleep());
        let mut left = member.dynamodb_max_attempts();
        let (mut lost, mut refused) = (None, None);
        loop {
            left = left.saturating_sub(1);
            let error = match deadline.run(once(member, &self.input)).await {
                Ok(Ok(sdk)) => return Ok(self.output(sdk).await),
                Ok(Err(Missed::NotAsked(open))) => {
                    let open = circuit_open(member, open);
                    return Err(self.not_asked(open, lost, refused, in_doubt).await);
                }
                Ok(Err(Missed::Failed(error, _))) => error,
                // It is on its way, and may yet arrive.
                Err(exceeded) => {
                    left = 0;
                    SdkError::timeout_error(exceeded)
                }
            };
            let fault = fault_of(&error);
            let failure = SdkFailure::new(error, member.region());
            if left == 0 || fault == WriteFault::Final || !member.dynamodb_health().may_retry() {
                return Err(self.failure(failure, lost, in_doubt).await);
            }
            deadline.wait(backoff.wait()).await;
            // Not before the wait: a process may have been suspended in it.
            if deadline.has_passed() || self.has_expired() {
                return Err(self.failure(failure, lost, in_doubt).await);
            }
            let slot = match fault {
                WriteFault::Open => &mut lost,
                _ => &mut refused,
            };
            *slot = Some(failure);
        }
    }

    /// What the last answer means after those that were lost.
    async fn failure(&self, last: SdkFailed, lost: Option<SdkFailed>, in_doubt: bool) -> Failure {
        // A transaction that was applied is not cancelled under the same token, while that is known.
        let is_certain = !(in_doubt || lost.is_some()) || !self.has_expired();
        if is_certain && reasons(last.error()).is_some() {
            let cancelled = cancelled::open(last, &self.targets).await;
            return TransactionError::Cancelled(cancelled);
        }
        let is_open = fault_of(last.error()) == WriteFault::Open;
        match lost {
            _ if is_open => TransactionError::OutcomeUnknown(OutcomeUnknown::new(last, None)),
            Some(lost) => TransactionError::OutcomeUnknown(OutcomeUnknown::new(lost, None)),
            None if in_doubt => TransactionError::OutcomeUnknown(OutcomeUnknown::new(last, None)),
            None => TransactionError::Sdk(last),
        }
    }

    /// What is known if the region is not asked any more.
    async fn not_asked(
        &self,
        open: CircuitOpen,
        lost: Option<SdkFailed>,
        refused: Option<SdkFailed>,
        in_doubt: bool,
    ) -> Failure {
        let unasked = |open| {
            let error = SdkError::construction_failure(open);
            SdkFailure::new(error, self.core.home().region())
        };
        match (lost, refused) {
            (Some(lost), _) => TransactionError::OutcomeUnknown(OutcomeUnknown::new(lost, None)),
            (None, Some(refused)) => self.failure(refused, None, in_doubt).await,
            (None, None) if in_doubt => {
                TransactionError::OutcomeUnknown(OutcomeUnknown::new(unasked(open), None))
            }
            (None, None) => TransactionError::CircuitOpen(open),
        }
    }

    async fn output(&self, sdk: TransactWriteItemsOutput) -> TransactWriteOutput {
        let operations = self.input.get_transact_items().iter().flatten();
        for (at, (operation, target)) in operations.zip(&self.targets).enumerate() {
            let Target { core, key, .. } = target;
            if operation.put().is_some() || operation.delete().is_some() {
                core.is_migrated(key);
            }
            if let Some(put) = operation.put() {
                let version = self.versions.get(at).copied().flatten();
                core.note_written(key, version, footer(put.item())).await;
            }
        }
        TransactWriteOutput::new(self.core.home().region(), self.versions.clone(), sdk)
    }

    /// Whether DynamoDB may have forgotten the token. So it may have if the clock was set back.
    fn has_expired(&self) -> bool {
        let now = self.core.now();
        let first_sent = self.first_sent.get_or_init(|| now);
        !token::is_remembered(*first_sent, now)
    }
}

/// A cancelled transaction was not applied, and one in progress may be in a moment.
fn fault_of(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> WriteFault {
    let service = error.as_service_error();
    match reasons(error) {
        Some(reasons) if is_transient(reasons) => WriteFault::Transient,
        Some(_) => WriteFault::Final,
        None if service
            .is_some_and(TransactWriteItemsError::is_transaction_in_progress_exception) =>
        {
            WriteFault::Open
        }
        None => WriteFault::of(error),
    }
}

impl fmt::Debug for PreparedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.0.targets.iter().map(|target| target.core.table_name());
        f.debug_struct("PreparedTransaction")
            .field("table_names", &tables.collect::<Vec<_>>())
            .field("client_request_token", &self.client_request_token())
            .finish_non_exhaustive()
    }
}
