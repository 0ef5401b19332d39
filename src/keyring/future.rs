//! Named futures of the [`Keyring`](super::Keyring) trait: ready at once, or boxed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_smithy_async::future::now_or_later::{BoxFuture, NowOrLater};

use super::{KeyringError, Unwrapped, WrappedKey};

/// Declares a named future over [`NowOrLater`].
macro_rules! named_future {
    ($(#[$doc:meta])* $name:ident -> $output:ty) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a>(NowOrLater<$output, BoxFuture<'a, $output>>);

        impl<'a> $name<'a> {
            /// Boxes a future, for keyrings that wait for something.
            pub fn new(future: impl Future<Output = $output> + Send + 'a) -> Self {
                Self(NowOrLater::new(Box::pin(future)))
            }

            /// An answer that is there already, without a box.
            pub fn ready(output: $output) -> Self {
                Self(NowOrLater::ready(output))
            }
        }

        impl Future for $name<'_> {
            type Output = $output;

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                Pin::new(&mut self.0).poll(cx)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

named_future! {
    /// What [`Keyring::on_encrypt`](super::Keyring::on_encrypt) returns.
    OnEncrypt -> Result<Vec<WrappedKey>, KeyringError>
}

named_future! {
    /// What [`Keyring::on_decrypt`](super::Keyring::on_decrypt) returns.
    OnDecrypt -> Result<Unwrapped, KeyringError>
}
