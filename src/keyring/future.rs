//! Named futures of the [`Keyring`](super::Keyring) trait: ready at once, or boxed.

use super::{KeyringError, Unwrapped, WrappedKey};

/// Declares a named future over smithy's `NowOrLater`.
macro_rules! named_future {
    ($(#[$doc:meta])* $name:ident -> $output:ty) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a>(
            aws_smithy_async::future::now_or_later::NowOrLater<
                $output,
                aws_smithy_async::future::now_or_later::BoxFuture<'a, $output>,
            >,
        );

        impl<'a> $name<'a> {
            /// Boxes a future, for implementations that wait for something.
            pub fn new(future: impl Future<Output = $output> + Send + 'a) -> Self {
                Self(aws_smithy_async::future::now_or_later::NowOrLater::new(
                    Box::pin(future),
                ))
            }

            /// An answer that is there already, without a box.
            pub fn ready(output: $output) -> Self {
                Self(aws_smithy_async::future::now_or_later::NowOrLater::ready(
                    output,
                ))
            }
        }

        impl Future for $name<'_> {
            type Output = $output;

            fn poll(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Self::Output> {
                std::pin::Pin::new(&mut self.0).poll(cx)
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use named_future;

named_future! {
    /// What [`Keyring::on_encrypt`](super::Keyring::on_encrypt) returns.
    OnEncrypt -> Result<Vec<WrappedKey>, KeyringError>
}

named_future! {
    /// What [`Keyring::on_decrypt`](super::Keyring::on_decrypt) returns.
    OnDecrypt -> Result<Unwrapped, KeyringError>
}
