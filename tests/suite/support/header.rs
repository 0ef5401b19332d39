//! The header of a sealed item, cut into parts: enough to forge its encrypted data keys. It shares
//! nothing with the crate's own parser.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::Item;

const HEAD: &str = "aws_dbe_head";
const FOOT: &str = "aws_dbe_foot";
const TAG_LEN: usize = 48;
const SIGNATURE_LEN: usize = 103;
const COMMITMENT_LEN: usize = 32;

/// Provider id, provider info and ciphertext of one recipient.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edk(pub(crate) [Vec<u8>; 3]);

/// The encrypted data keys of a sealed item.
pub(crate) fn edks(item: &Item) -> Vec<Edk> {
    let header = bytes(item, HEAD);
    let mut at = edks_start(&header);
    let count = header[at];
    at += 1;
    let part = |at: &mut usize| {
        let len = u16_at(&header, *at);
        *at += 2 + len;
        header[*at - len..*at].to_vec()
    };
    let all = (0..count).map(|_| Edk([part(&mut at), part(&mut at), part(&mut at)]));
    let all = all.collect();
    assert_eq!(header.len() - at, COMMITMENT_LEN);
    all
}

/// The same item with these encrypted data keys, and as many tags as the format demands. The
/// commitment and the tags are the old ones or zeros, since whoever forges cannot make them.
pub(crate) fn with_edks(item: &Item, edks: &[Edk]) -> Item {
    let header = bytes(item, HEAD);
    let mut forged = header[..edks_start(&header)].to_vec();
    forged.push(u8::try_from(edks.len()).unwrap());
    for part in edks.iter().flat_map(|edk| &edk.0) {
        forged.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        forged.extend_from_slice(part);
    }
    forged.extend_from_slice(&header[header.len() - COMMITMENT_LEN..]);
    let footer = bytes(item, FOOT);
    let is_signed = header[1] == 1;
    let signature = &footer[footer.len() - if is_signed { SIGNATURE_LEN } else { 0 }..];
    let footer = [vec![0; TAG_LEN * edks.len()], signature.to_vec()].concat();
    let mut item = item.clone();
    item.insert(HEAD.to_owned(), AttributeValue::B(Blob::new(forged)));
    item.insert(FOOT.to_owned(), AttributeValue::B(Blob::new(footer)));
    item
}

/// The same item whose header has this flavor and stores these entries of the encryption context.
pub(crate) fn with_context(item: &Item, flavor: u8, entries: &[(&str, &str)]) -> Item {
    let header = bytes(item, HEAD);
    let mut forged = header[..context_start(&header)].to_vec();
    forged[1] = flavor;
    forged.extend_from_slice(&u16::try_from(entries.len()).unwrap().to_be_bytes());
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        forged.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        forged.extend_from_slice(text.as_bytes());
    }
    forged.extend_from_slice(&header[edks_start(&header)..]);
    let mut footer = bytes(item, FOOT);
    let tags = TAG_LEN * edks(item).len();
    footer.resize(tags + if flavor == 1 { SIGNATURE_LEN } else { 0 }, 0x30);
    let mut item = item.clone();
    item.insert(HEAD.to_owned(), AttributeValue::B(Blob::new(forged)));
    item.insert(FOOT.to_owned(), AttributeValue::B(Blob::new(footer)));
    item
}

/// Version, flavor, message id; legend.
fn context_start(header: &[u8]) -> usize {
    let at = 1 + 1 + 32;
    at + 2 + u16_at(header, at)
}

fn edks_start(header: &[u8]) -> usize {
    let mut at = context_start(header);
    let entries = u16_at(header, at);
    at += 2;
    for _ in 0..2 * entries {
        at += 2 + u16_at(header, at);
    }
    at
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

fn bytes(item: &Item, name: &str) -> Vec<u8> {
    item[name].as_b().expect("binary").as_ref().to_vec()
}
