//! Grant tokens.

use crate::error::ConfigError;

/// Grant tokens, which every request of a keyring carries.
#[derive(Clone, Default)]
pub(crate) struct GrantTokens(Vec<String>);

impl GrantTokens {
    const MAX_TOKENS: usize = 10;
    const MAX_LEN: usize = 8192;

    pub(crate) fn new(
        tokens: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        if tokens.len() > Self::MAX_TOKENS {
            return Err(ConfigError::new("KMS takes at most 10 grant tokens"));
        }
        let fits = |token: &String| (1..=Self::MAX_LEN).contains(&token.chars().count());
        if !tokens.iter().all(fits) {
            return Err(ConfigError::new(
                "a grant token has between 1 and 8192 characters",
            ));
        }
        Ok(Self(tokens))
    }

    /// As the SDK's setters take them; nothing at all if there are none.
    pub(crate) fn get(&self) -> Option<Vec<String>> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }
}
