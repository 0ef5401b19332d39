//! Seals an untyped item under a raw AES key and opens it again: no AWS, no network.
//!
//! `cargo run --example raw_item`

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{CryptoAction, Item, ItemEncryptor, ItemSchema, RawAesKeyring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = ItemSchema::builder("orders", "customer")
        .sort_key_name("order")
        .action("card", CryptoAction::EncryptAndSign)
        .action("lines", CryptoAction::EncryptAndSign)
        .action("total", CryptoAction::SignOnly)
        .allowed_unsigned_attribute_prefix(":")
        .build()?;
    // A key of your own: from a file, a vault, an HSM. Under KMS it would be `KmsMrkKeyring`.
    let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
    let encryptor = ItemEncryptor::new(schema, keyring);

    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = Item::from([
        ("customer".to_owned(), text("c-1")),
        ("order".to_owned(), text("2026-11-21#1")),
        ("card".to_owned(), text("4111 1111 1111 1111")),
        (
            "lines".to_owned(),
            AttributeValue::L(vec![text("tea"), text("biscuits")]),
        ),
        ("total".to_owned(), AttributeValue::N("12.50".to_owned())),
        (":views".to_owned(), AttributeValue::N("3".to_owned())),
    ]);

    let sealed = encryptor.seal(item.clone()).await?;
    println!("sealed, as the table has it:");
    print(&sealed)?;

    let description = encryptor.describe(sealed.clone())?;
    println!(
        "\nwhat the item says of itself, to anybody:\n{:#?}",
        description.unauthenticated()
    );

    let opened = encryptor.open(sealed.clone()).await?;
    println!(
        "\nopened with {}: {:?}",
        opened.keyring(),
        opened.authenticity()
    );
    print(opened.item())?;

    let mut changed = sealed;
    changed.insert("total".to_owned(), AttributeValue::N("0.01".to_owned()));
    let refused = encryptor
        .open(changed)
        .await
        .expect_err("a changed total must not open");
    println!("\nwith another total: {refused}");
    Ok(())
}

fn print(item: &Item) -> Result<(), serde_json::Error> {
    let mut names: Vec<_> = item.keys().collect();
    names.sort_unstable();
    for name in names {
        let value = serde_dynamo::AttributeValue::from(item[name].clone());
        let mut text = serde_json::to_string(&value)?;
        if text.len() > 72 {
            text.truncate(72);
            text.push('…');
        }
        println!("  {name:14} {text}");
    }
    Ok(())
}
