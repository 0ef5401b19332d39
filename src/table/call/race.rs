//! The first attempt of a read, raced against the same read in the next region.

use futures_util::future::{Either, select};

use super::route::{Response, failure_of};
use super::{Missed, Request, Route, once};
use crate::observe::{Event, HedgeEvent};
use crate::region::Member;
use crate::table::hedge::Hedge;
use crate::table::span;

/// Which region answered, if any did.
type Raced<'a, R> = Result<Response<'a, <R as Request>::Output>, Missed<<R as Request>::Error>>;

impl<'a> Route<'a> {
    /// Asks the first region, and the next one as well if that takes long. What the first one misses is
    /// reported, whatever the second did, and where no other region may be asked for it, it is final.
    pub(super) async fn first_attempt<R: Request>(&self, request: &R) -> Raced<'a, R> {
        let first = self.first();
        let asking = Box::pin(once(first, request));
        let Some((hedge, second)) = self.hedge() else {
            return asking.await.map(|output| self.response(output, first));
        };
        let slow = Box::pin(first.wait(hedge.delay(first)));
        let asking = match select(asking, slow).await {
            Either::Left((missed, _)) => return missed.map(|output| self.response(output, first)),
            Either::Right(((), asking)) => asking,
        };
        if second.dynamodb_health().is_open() || !second.dynamodb_health().may_retry() {
            return asking.await.map(|output| self.response(output, first));
        }
        let (raced, won) = match select(asking, Box::pin(once(second, request))).await {
            Either::Left((Ok(output), _)) => (Ok(self.response(output, first)), false),
            // The second stands in for the first where it might have been asked instead, and then
            // for whatever it says.
            Either::Left((Err(missed), hedged)) if failure_of(&missed).may_move() => {
                match hedged.await {
                    Ok(output) => (Ok(self.response(output, second)), true),
                    Err(_) => (Err(missed), false),
                }
            }
            Either::Left((Err(missed), _)) => (Err(missed), false),
            Either::Right((hedged, asking)) => match conclusive(request, hedged) {
                Some(output) => (Ok(self.response(output, second)), true),
                None => {
                    let output = asking.await;
                    (output.map(|output| self.response(output, first)), false)
                }
            },
        };
        self.tell_hedge(R::OPERATION, second, won);
        if won {
            span::record_region(second.region());
        }
        raced
    }

    /// The delay and the region to ask after it, if this read is hedged.
    fn hedge(&self) -> Option<(Hedge, &'a Member)> {
        Some((self.hedge?, self.others.first().copied()?))
    }

    fn tell_hedge(&self, operation: &str, second: &Member, won: bool) {
        let (first, second) = (self.first().region(), second.region());
        tracing::debug!(operation, first, second, won, "hedged read");
        self.observers.emit(&Event::Hedge(HedgeEvent {
            operation,
            first,
            second,
            won,
        }));
    }
}

/// The answer of a region that may lag behind, if it settles the matter.
fn conclusive<R: Request>(
    request: &R,
    answer: Result<R::Output, Missed<R::Error>>,
) -> Option<R::Output> {
    answer.ok().filter(|output| request.is_conclusive(output))
}
