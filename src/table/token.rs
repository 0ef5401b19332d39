//! Tokens by which DynamoDB knows a transaction again, and applies it once.

use std::time::{Duration, SystemTime};

use crate::crypto::random::{Random as _, RandomFailure, SystemRandom};

/// DynamoDB remembers a token for ten minutes. One less, for clocks and for requests under way.
const LIFETIME: Duration = Duration::from_secs(9 * 60);

/// 128 random bits as text: a token has at most 36 characters.
pub(super) fn token() -> Result<String, RandomFailure> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Whether a token that was first sent at one time is remembered at another. A clock that went back,
/// or is missing, proves nothing.
pub(super) fn is_remembered(first_sent: Option<SystemTime>, now: Option<SystemTime>) -> bool {
    let (Some(first_sent), Some(now)) = (first_sent, now) else {
        return false;
    };
    now.duration_since(first_sent)
        .is_ok_and(|passed| passed < LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_another_token_each_time() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 32);
    }

    #[test]
    fn trusts_a_token_only_while_the_clock_says_it_is_remembered() {
        let sent = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let after = |seconds| is_remembered(Some(sent), Some(sent + Duration::from_secs(seconds)));
        assert!(after(0));
        assert!(after(539));
        assert!(!after(540));
        assert!(!is_remembered(
            Some(sent),
            Some(sent - Duration::from_secs(1))
        ));
        assert!(!is_remembered(None, Some(sent)));
        assert!(!is_remembered(Some(sent), None));
    }
}
