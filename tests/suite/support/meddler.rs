//! A client that sees, and may change, what it is about to send or was answered: how a store looks
//! that answers something else than it was asked.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_types::SdkConfig;
use dynaseal::item::Model;
use dynaseal::region::ClientSetBuilder;
use dynaseal::{RegionSet, SealedTable};

use crate::support::stack::{Stack, US};

struct Meddler<I, F>(F, PhantomData<fn(I)>);

impl<I, F> fmt::Debug for Meddler<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl<I: fmt::Debug + Send + Sync + 'static, F: Fn(&mut I) + Send + Sync> Intercept
    for Meddler<I, F>
{
    fn name(&self) -> &'static str {
        "meddler"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_mut() {
            (self.0)(input);
        }
        Ok(())
    }
}

/// Changes what a client is answered.
struct Liar<O, F>(F, PhantomData<fn(O)>);

impl<O, F> fmt::Debug for Liar<O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Liar")
    }
}

impl<O: fmt::Debug + Send + Sync + 'static, F: Fn(&mut O) + Send + Sync> Intercept for Liar<O, F> {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Ok(output)) = context.output_or_error_mut()
            && let Some(output) = output.downcast_mut()
        {
            (self.0)(output);
        }
        Ok(())
    }
}

/// Regions, of which `US` is asked by a client whose inputs of type `I` are meddled with.
pub(crate) fn meddled_regions<I: fmt::Debug + Send + Sync + 'static>(
    config: &SdkConfig,
    meddle: impl Fn(&mut I) + Send + Sync + 'static,
) -> RegionSet {
    intercepted_regions(config, Meddler(meddle, PhantomData))
        .build()
        .unwrap()
}

/// Regions, of which `US` answers with outputs of type `O` that are lied about.
pub(crate) fn lying_regions<O: fmt::Debug + Send + Sync + 'static>(
    config: &SdkConfig,
    lie: impl Fn(&mut O) + Send + Sync + 'static,
) -> RegionSet {
    intercepted_regions(config, Liar(lie, PhantomData))
        .build()
        .unwrap()
}

fn intercepted_regions(
    config: &SdkConfig,
    interceptor: impl Intercept + 'static,
) -> ClientSetBuilder {
    let builder = aws_sdk_dynamodb::config::Builder::from(config).interceptor(interceptor);
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(builder.build());
    RegionSet::from_clients(US, dynamodb, aws_sdk_kms::Client::new(config))
}

/// What was sent of one type.
pub(crate) type Seen<I> = Arc<Mutex<Vec<I>>>;

/// Keeps what is sent, and changes nothing.
pub(crate) fn witness<I: Clone>() -> (impl Fn(&mut I), Seen<I>) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    (
        move |input: &mut I| kept.lock().unwrap().push(input.clone()),
        seen,
    )
}

impl Stack {
    /// The table, through a client whose inputs of type `I` are meddled with.
    pub(crate) fn meddled<T: Model, I: fmt::Debug + Send + Sync + 'static>(
        &self,
        meddle: impl Fn(&mut I) + Send + Sync + 'static,
    ) -> SealedTable<T> {
        self.table_in(&meddled_regions(&self.config(US), meddle))
    }

    /// The table, as a store hands it out that changes answers of type `O`.
    pub(crate) fn lied_to<T: Model, O: fmt::Debug + Send + Sync + 'static>(
        &self,
        lie: impl Fn(&mut O) + Send + Sync + 'static,
    ) -> SealedTable<T> {
        self.table_in(&self.lying_regions(lie))
    }

    /// Regions as a store answers in them that changes answers of type `O`.
    pub(crate) fn lying_regions<O: fmt::Debug + Send + Sync + 'static>(
        &self,
        lie: impl Fn(&mut O) + Send + Sync + 'static,
    ) -> RegionSet {
        let regions = intercepted_regions(&self.config(US), Liar(lie, PhantomData));
        let regions = match self.observer() {
            Some(observer) => regions.observer(observer),
            None => regions,
        };
        regions.build().unwrap()
    }

    fn table_in<T: Model>(&self, regions: &RegionSet) -> SealedTable<T> {
        let table = SealedTable::builder(self.table_name(), self.keyring(US), regions);
        table.build().unwrap()
    }

    /// The table, and everything of type `I` that is sent.
    pub(crate) fn witnessed<T: Model, I: Clone + fmt::Debug + Send + Sync + 'static>(
        &self,
    ) -> (SealedTable<T>, Seen<I>) {
        let (witness, seen) = witness();
        (self.meddled(witness), seen)
    }
}
