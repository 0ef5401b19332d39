//! What was asked of a cloud.

use super::Cloud;
use crate::testkit::attempt::AttemptRecord;
use crate::testkit::traffic::Service;

impl Cloud {
    /// How many attempts were made at a service, also those that a fault struck.
    #[must_use]
    pub fn calls(&self, region: &str, service: Service) -> usize {
        self.routes.traffic.calls(&(region.to_owned(), service))
    }

    /// How many attempts were made at an operation, by its name in the API: `"Decrypt"`, `"PutItem"`.
    #[must_use]
    pub fn calls_of(&self, region: &str, service: Service, operation: &str) -> usize {
        self.routes
            .traffic
            .calls_of(&(region.to_owned(), service), operation)
    }

    /// The most attempts at a service that waited for their response at the same time.
    #[must_use]
    pub fn max_in_flight(&self, region: &str, service: Service) -> usize {
        self.routes
            .traffic
            .max_in_flight(&(region.to_owned(), service))
    }

    /// Starts all counts again at zero, and forgets the [attempts](Self::attempts).
    pub fn reset_calls(&self) {
        self.routes.traffic.reset();
        self.routes.attempts.take();
    }

    /// Every attempt since the start or the last [`reset_calls`](Self::reset_calls), oldest first, also those
    /// that a fault struck and those at hosts that no region of the cloud answers for.
    ///
    /// The last 100,000 are kept; that some are gone shows in [`AttemptRecord::number`].
    ///
    /// ```
    /// use dynaseal::testkit::Cloud;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
    /// cloud.kms("eu-west-1").list_keys().send().await?;
    /// assert!(cloud.attempts().iter().all(|attempt| attempt.region() == Some("eu-west-1")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptRecord> {
        self.routes.attempts.all()
    }

    /// The attempts since this was asked last, and otherwise as [`attempts`](Self::attempts); they are
    /// forgotten, while all counts stay.
    ///
    /// For what happens between two points of a long run: the second call has it.
    pub fn take_attempts(&self) -> Vec<AttemptRecord> {
        self.routes.attempts.take()
    }
}
