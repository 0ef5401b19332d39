//! Whatever somebody mixes out of the items of two tenants: neither handle reads anything of the other's.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;
use crate::support::header::{edks, with_edks};

/// Where one part of a mixed item is from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Ours,
    Theirs,
    Nowhere,
}

fn source() -> impl Strategy<Value = From> {
    prop_oneof![6 => Just(From::Ours), 6 => Just(From::Theirs), 1 => Just(From::Nowhere)]
}

/// A raw keyring never waits, so neither does the encryptor: no runtime is needed.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a raw keyring answers at once"),
    }
}

const PARTS: [&str; 7] = [
    "id",
    "tenant",
    "text",
    "state",
    "views",
    "aws_dbe_head",
    "aws_dbe_foot",
];

fn mix(ours: &Item, theirs: &Item, sources: &[From]) -> Item {
    let parts = PARTS.iter().zip(sources);
    let pick = |(name, from): (&&str, &From)| {
        let item = match from {
            From::Ours => ours,
            From::Theirs => theirs,
            From::Nowhere => return None,
        };
        Some(((*name).to_owned(), item[*name].clone()))
    };
    parts.filter_map(pick).collect()
}

/// What is signed: an unsigned attribute is anybody's.
fn signed(mut item: Item) -> Item {
    item.remove("views");
    item
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_mix_of_two_tenants_items_never_opens_as_anything_but_a_whole_one_of_its_own(
        sources in proptest::collection::vec(source(), PARTS.len()),
        same_id in any::<bool>(),
        keys in prop_oneof![3 => Just(None), 1 => (0_usize..4).prop_map(Some)],
    ) {
        let all = encryptor(raw());
        let (ours, theirs) = (note("1", "acme"), note(if same_id { "1" } else { "2" }, "globex"));
        let (ours, theirs) = (as_item(&ours), as_item(&theirs));
        let sealed_ours = now(all.seal(ours.clone())).unwrap();
        let sealed_theirs = now(all.seal(theirs.clone())).unwrap();
        let mut mixed = mix(&sealed_ours, &sealed_theirs, &sources);
        if let (Some(keys), true, true) =
            (keys, mixed.contains_key("aws_dbe_head"), mixed.contains_key("aws_dbe_foot"))
        {
            let (a, b) = (edks(&sealed_ours), edks(&sealed_theirs));
            let keys = match keys {
                0 => a,
                1 => b,
                2 => [a, b].concat(),
                _ => [b, a].concat(),
            };
            mixed = with_edks(&mixed, &keys);
        }
        for (tenant, own) in [("acme", &ours), ("globex", &theirs)] {
            let handle = all.tenant(tenant).unwrap();
            if let Ok(opened) = now(handle.open(mixed.clone())) {
                prop_assert_eq!(signed(opened.into_item()), signed(own.clone()));
                let from = if tenant == "acme" { From::Ours } else { From::Theirs };
                // The second of two notes under one key cannot be told by its key.
                let is_own = |(part, source): (&&str, &From)| {
                    *source == from || **part == *"views" || (same_id && **part == *"id") || **part == *"state"
                };
                prop_assert!(PARTS.iter().zip(&sources).all(is_own), "{sources:?}");
            }
        }
    }
}

#[test]
fn the_whole_items_open_under_their_own_handles() {
    let all = encryptor(raw());
    let ours = now(all.seal(as_item(&note("1", "acme")))).unwrap();
    let theirs = now(all.seal(as_item(&note("1", "globex")))).unwrap();
    for (tenant, from) in [("acme", From::Ours), ("globex", From::Theirs)] {
        let handle = all.tenant(tenant).unwrap();
        let whole = mix(&ours, &theirs, &[from; PARTS.len()]);
        assert_eq!(now(handle.open(whole)).unwrap().item()["tenant"], s(tenant));
    }
}
