//! placeholder until merge
/// x
#[derive(Debug)]
pub struct Hidden;
/// x
#[derive(Debug)]
pub struct Redacted;
