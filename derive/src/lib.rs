//! The derive macro of dynaseal. Use it as `dynaseal::Seal`, which documents it.
//!
//! It parses (`ast`, `attr`), validates (`valid`) and expands (`expand`), and reports everything it
//! finds through one context (`ctxt`). It knows the grammar of `#[seal(..)]` and what serde does to
//! names; it knows nothing about cryptography.

mod ast;
mod attr;
mod case;
mod ctxt;
mod expand;
mod fallback;
mod types;
mod valid;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use crate::ctxt::Ctxt;

/// Derives `dynaseal::Seal`: the schema of a struct, from marks on its fields.
///
/// # On the struct
///
/// | | |
/// |---|---|
/// | `#[seal(table = "customers")]` | the logical table name, bound into every item |
/// | `#[seal(default = "encrypt")]`, `"sign"` | what unmarked fields get; without it they do not compile |
///
/// # On a field
///
/// | | |
/// |---|---|
/// | `partition_key`, `sort_key` | signed, never encrypted |
/// | `encrypt` | encrypted and signed |
/// | `sign` | in clear, signed |
/// | `context` | in clear, signed, and part of the encryption context that KMS sees and logs |
/// | `unsigned` | in clear, and anybody with write access can change it; the type is `Unsigned<T>` |
/// | `tenant` | `context`, and whose the item is: a `String` that is never empty, on one field that is no key. Keyrings choose keys by it, and `table.tenant("…")` reads and writes the items of one tenant alone |
/// | `version` | a signed `u64` that every write advances by one; of a new item it is the clock, in microseconds |
/// | `version, start = "one"` | the same, but of a new item it is 1, so that one that is deleted and put again looks like an older one |
/// | `others = "encrypt"`, `"sign"` | on a flattened map: what its attributes get |
/// | `as_value` | the field's type derives `Seal` for another use; here it is one attribute |
///
/// Attribute names are serde's: `rename`, `rename_all`, `skip`, `flatten` are followed, and what
/// cannot be followed is refused.
#[proc_macro_derive(Seal, attributes(seal))]
pub fn derive_seal(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).into()
}

fn derive(input: &DeriveInput) -> proc_macro2::TokenStream {
    let cx = Ctxt::new();
    let expanded = ast::Model::parse(&cx, input).map(|model| {
        valid::check(&cx, &model);
        expand::expand(&model)
    });
    match (cx.finish(), expanded) {
        (None, Some(expanded)) => expanded,
        (errors, _) => fallback::expand(input, errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(source: &str) -> String {
        derive(&syn::parse_str(source).expect("a struct")).to_string()
    }

    // Too long for a ui file.
    #[test]
    fn refuses_a_name_of_more_than_65535_bytes() {
        let model = |len| {
            let name = "n".repeat(len);
            expand(&format!(
                "struct M {{ #[seal(sign)] #[serde(rename = \"{name}\")] f: u8 }}"
            ))
        };
        let message = "an attribute name has at most 65535 bytes";
        assert!(model(65536).contains(message));
        assert!(!model(65535).contains("compile_error"));
    }

    #[test]
    fn writes_an_impl_even_when_something_is_wrong() {
        let expanded = expand("enum Model<T> { One(T) }");
        assert!(expanded.contains("compile_error"));
        assert!(expanded.contains("impl < T >"), "{expanded}");
    }
}
