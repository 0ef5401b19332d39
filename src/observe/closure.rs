//! Closures that watch.

use std::fmt;

use super::Observer;
use super::event::{AuditEvent, Event};

/// Tells a closure of every event.
///
/// ```
/// use dynaseal::observe::{self, Event};
///
/// let observer = observe::from_fn(|event| {
///     if let Event::Fallback(fallback) = event {
///         println!("{} instead of {}", fallback.to, fallback.from);
///     }
/// });
/// # let _: &dyn observe::Observer = &observer;
/// ```
pub fn from_fn<F>(told: F) -> FromFn<F>
where
    F: Fn(&Event<'_>) + Send + Sync,
{
    FromFn(told)
}

/// Tells a closure of every item that was opened, or was not: an audit log.
///
/// The closure runs on the task that opens, so a log that is written elsewhere takes a channel. An
/// event that must not be lost must be kept by the closure: opening goes on whatever it does.
///
/// ```
/// use std::sync::mpsc;
///
/// use dynaseal::observe;
///
/// let (log, lines) = mpsc::channel();
/// let observer = observe::audit_to(move |audit| {
///     let caller = audit.caller.unwrap_or("nobody");
///     let line = format!("{caller} {} {} {}", audit.table, audit.keyring, audit.outcome);
///     // Nobody reads the log any more.
///     let _ = log.send(line);
/// });
/// # let _: &dyn observe::Observer = &observer;
/// # drop(lines);
/// ```
pub fn audit_to<F>(told: F) -> AuditTo<F>
where
    F: Fn(&AuditEvent<'_>) + Send + Sync,
{
    AuditTo(told)
}

/// A closure that is told of every event: [`from_fn`].
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for FromFn<F> {
    fn on_event(&self, event: &Event<'_>) {
        self.0(event);
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

/// A closure that is told of audit events: [`audit_to`].
#[derive(Clone, Copy)]
pub struct AuditTo<F>(F);

impl<F: Fn(&AuditEvent<'_>) + Send + Sync> Observer for AuditTo<F> {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Audit(audit) = event {
            self.0(audit);
        }
    }
}

impl<F> fmt::Debug for AuditTo<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditTo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::observe::PlaintextEvent;
    use crate::observe::test_support::{AUDIT, one_of_each};

    #[test]
    fn tells_a_closure_of_everything() {
        let told = Mutex::new(0);
        let observer = from_fn(|_| *told.lock().unwrap() += 1);
        let events = one_of_each();
        for event in &events {
            observer.on_event(event);
        }
        assert_eq!(*told.lock().unwrap(), events.len());
    }

    #[test]
    fn tells_an_audit_log_of_audit_events_alone() {
        let told = Mutex::new(Vec::new());
        let observer = audit_to(|audit| told.lock().unwrap().push(audit.outcome.to_owned()));
        observer.on_event(&Event::Plaintext(PlaintextEvent { table: "orders" }));
        observer.on_event(&Event::Audit(AUDIT));
        assert_eq!(*told.lock().unwrap(), ["opened"]);
    }

    #[test]
    fn prints_no_closure() {
        let secret = String::from("hunter2");
        let (all, audit) = (from_fn(|_| drop(secret.clone())), audit_to(|_| ()));
        assert_eq!(format!("{all:?} {audit:?}"), "FromFn { .. } AuditTo { .. }");
    }
}
