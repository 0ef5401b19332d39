//! Seals and opens an item against real AWS KMS, with the environment's credentials: sealed in the
//! region of the first ARN, opened in the region of the second.
//!
//! `cargo run --example kms -- <multi-Region key ARN> <ARN of a replica>`
//!
//! Two KMS calls, no table. The principal needs `kms:GenerateDataKey` on the first and `kms:Decrypt`
//! on the second.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{CryptoAction, Item, ItemEncryptor, ItemSchema, KmsMrkKeyring, RegionSet};

const USAGE: &str = "usage: cargo run --example kms -- <multi-Region key ARN> <ARN of a replica>

  both look like arn:aws:kms:<region>:<account>:key/mrk-…
  credentials come from the environment, as for the AWS CLI";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, replica] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let (Some(home), Some(away)) = (region(key), region(replica)) else {
        eprintln!("not a key ARN\n\n{USAGE}");
        std::process::exit(2);
    };

    let item = Item::from([
        ("id".to_owned(), AttributeValue::S("c-1".to_owned())),
        (
            "ssn".to_owned(),
            AttributeValue::S("078-05-1120".to_owned()),
        ),
    ]);
    let config = aws_config::load_from_env().await;
    let sealed = encryptor(&config, home, key)?.seal(item.clone()).await?;
    println!("sealed in {home}: {} attributes", sealed.len());
    let opened = encryptor(&config, away, replica)?.open(sealed).await?;
    assert_eq!(opened.item(), &item, "what was sealed is what was opened");
    println!("opened in {away} with {}", opened.key().unwrap_or_default());
    Ok(())
}

fn encryptor(
    config: &aws_config::SdkConfig,
    region: &str,
    key_arn: &str,
) -> Result<ItemEncryptor, Box<dyn Error>> {
    let regions = RegionSet::builder(config).local(region).build()?;
    let schema = ItemSchema::builder("example", "id")
        .action("ssn", CryptoAction::EncryptAndSign)
        .build()?;
    Ok(ItemEncryptor::new(
        schema,
        KmsMrkKeyring::new(key_arn, &regions)?,
    ))
}

/// The region in a key ARN.
fn region(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?
        .split(':')
        .nth(2)
        .filter(|region| !region.is_empty())
}
