//! What was printed and logged during a test.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};

use dynaseal::error::{
    AuthenticationFailed, ContextConflict, EntityMismatch, InvalidAttribute, Malformed, NotSealed,
    SchemaChanged, SuiteBelowPolicy, TenantMismatch, TooManyEncryptedDataKeys, ValueError,
};
use dynaseal::item::ModelMismatch;
use dynaseal::key_store::KeyStoreError;
use dynaseal::records::ImageError;
use dynaseal::records::export::ExportError;
use dynaseal::table::{NotErasable, OutcomeUnknown, Refused, SdkFailure, UpdateWriteError};
use dynaseal::{ConfigError, KeyringError, OpenError, OperationError, SealError};
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::secrets::Secrets;

/// Texts with where they came from. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Exhibits {
    texts: Arc<Mutex<Vec<(String, String)>>>,
    log: Log,
}

impl Exhibits {
    /// Begins to listen to what this thread logs under our targets, at TRACE, until the guards go. While there
    /// is one subscriber in the process, `tracing` lets whichever thread comes first decide whether anybody
    /// listens; so there is a second one.
    pub(super) fn listen() -> (Self, (DefaultGuard, Dispatch)) {
        let exhibits = Self::default();
        let log = exhibits.log.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_span_events(FmtSpan::FULL)
            .with_writer(move || log.clone())
            .with_filter(Targets::new().with_target("dynaseal", LevelFilter::TRACE));
        let listener = Dispatch::new(tracing_subscriber::registry().with(layer));
        let second = Dispatch::new(tracing_subscriber::registry());
        let guard = tracing::dispatcher::set_default(&listener);
        (exhibits, (guard, second))
    }

    /// Keeps the `Debug` of something, in both forms.
    pub(super) fn show(&self, what: &str, value: &impl Debug) {
        self.keep(what, format!("{value:?}"));
        self.keep(what, format!("{value:#?}"));
    }

    /// Keeps `Debug` and `Display` of an error, and of everything of ours that it came from.
    ///
    /// The outermost error is ours; below it, the first that is not ends the search.
    pub(super) fn show_error(&self, what: &str, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        let mut is_outermost = true;
        while let Some(error) = next.filter(|error| is_outermost || is_ours(*error)) {
            self.show(what, &error);
            let text = error.to_string();
            assert!(!text.contains('\n'), "{what} is one line: {text}");
            self.keep(what, text);
            next = error.source();
            is_outermost = false;
        }
    }

    fn keep(&self, what: &str, text: String) {
        self.texts.lock().unwrap().push((what.to_owned(), text));
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }

    /// Checks the log and at least `least` texts.
    pub(super) fn assert_clean(&self, secrets: &Secrets, least: usize) {
        let texts = self.texts.lock().unwrap();
        assert!(
            texts.len() >= least,
            "only {} texts were shown",
            texts.len()
        );
        for (what, text) in &*texts {
            if let Some(found) = secrets.find_in(text) {
                panic!("{what} shows {found}\nin {text}");
            }
        }
        let log = self.log();
        if let Some(line) = log.lines().find(|line| secrets.find_in(line).is_some()) {
            panic!("logged: {line}");
        }
        assert_eq!(secrets.find_in(&log), None);
    }
}

/// Its own contents are not for its own contents.
impl Debug for Exhibits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exhibits")
    }
}

fn is_ours(error: &(dyn Error + 'static)) -> bool {
    fn is_failure(error: &(dyn Error + 'static)) -> bool {
        use aws_sdk_dynamodb::operation as of;
        error.is::<SdkFailure<of::put_item::PutItemError>>()
            || error.is::<SdkFailure<of::get_item::GetItemError>>()
            || error.is::<SdkFailure<of::delete_item::DeleteItemError>>()
            || error.is::<SdkFailure<UpdateWriteError>>()
            || error.is::<OutcomeUnknown<of::put_item::PutItemError>>()
            || error.is::<OutcomeUnknown<of::delete_item::DeleteItemError>>()
            || error.is::<OutcomeUnknown<UpdateWriteError>>()
            || error.is::<OperationError<of::get_item::GetItemError>>()
            || error.is::<OperationError<UpdateWriteError>>()
            || error.is::<OperationError<of::scan::ScanError>>()
            || error.is::<SdkFailure<of::scan::ScanError>>()
    }
    error.is::<SealError>()
        || error.is::<OpenError>()
        || error.is::<KeyringError>()
        || error.is::<KeyStoreError>()
        || error.is::<NotErasable>()
        || error.is::<ConfigError>()
        || error.is::<InvalidAttribute>()
        || error.is::<EntityMismatch>()
        || error.is::<ValueError>()
        || error.is::<ModelMismatch>()
        || error.is::<ImageError>()
        || error.is::<ExportError>()
        || error.is::<Refused>()
        || error.is::<NotSealed>()
        || error.is::<Malformed>()
        || error.is::<SchemaChanged>()
        || error.is::<ContextConflict>()
        || error.is::<SuiteBelowPolicy>()
        || error.is::<TenantMismatch>()
        || error.is::<TooManyEncryptedDataKeys>()
        || error.is::<AuthenticationFailed>()
        || is_failure(error)
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn finds_secrets_in_logs_and_texts_and_in_sources_of_errors() {
    fn panics(run: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(run).is_err()
    }
    let secrets = || Secrets::new([b"hunter2-hunter2".to_vec()]);
    let clean = Exhibits::default();
    clean.show("text", &"hunter1");
    clean.assert_clean(&secrets(), 2);
    assert!(panics(move || clean.assert_clean(&secrets(), 3)), "too few");

    let shown = Exhibits::default();
    shown.show("text", &Some("hunter2-hunter2"));
    assert!(panics(move || shown.assert_clean(&secrets(), 1)));

    let source =
        KeyringError::new(dynaseal::keyring::KeyringErrorKind::Other).with_key("hunter2-hunter2");
    let chained = Exhibits::default();
    chained.show_error("error", &OpenError::Keyring(source));
    assert!(panics(move || chained.assert_clean(&secrets(), 1)));

    let (logged, guard) = Exhibits::listen();
    tracing::trace!(target: "aws_smithy_runtime", "hunter2-hunter2 is not ours");
    logged.assert_clean(&secrets(), 0);
    tracing::trace!(target: "dynaseal::table", key = "hunter2-hunter2", "ours");
    drop(guard);
    assert!(logged.log().contains("ours"));
    assert!(panics(move || logged.assert_clean(&secrets(), 0)));
}
