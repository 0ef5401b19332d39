//! Writes the impl, and the checks that only the compiler can make.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{Field, Model};
use crate::attr::{Choice, Mark, Start};
use crate::types::{mentions_parameters, named_types};

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let ident = model.ident;
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let where_clause = where_clause(model);
    let table = match &model.attrs.table {
        Some(table) => quote!(::core::option::Option::Some(#table)),
        None => quote!(::core::option::Option::None),
    };
    let parts = model.written().map(|field| part(model, field));
    let key_shape = key_shape(model);
    let checks = checks(model);
    quote! {
        #[automatically_derived]
        impl #impl_generics ::dynaseal::__private::Seal for #ident #ty_generics #where_clause {
            const SCHEMA: &'static ::dynaseal::__private::ModelSchema =
                &::dynaseal::__private::ModelSchema::new(#table, const { &[#(#parts),*] });
            type KeyShape = #key_shape;
        }
        #checks
    }
}

/// The struct's own clause, and `Seal` for flattened types that are parameters.
fn where_clause(model: &Model<'_>) -> TokenStream {
    let own = model
        .generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    let flattened = model.flattened().map(|field| field.ty);
    let generic = flattened.filter(|ty| mentions_parameters(ty, model.generics));
    let has_own_keys = model.has(Mark::PartitionKey);
    let is_generic = !model.generics.params.is_empty();
    let joined = if is_generic && !has_own_keys {
        joined_shape(model).1
    } else {
        Vec::new()
    };
    quote!(where #(#own,)* #(#generic: ::dynaseal::__private::Seal,)* #(#joined,)*)
}

fn part(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    if let Some((choice, _)) = field.attrs.others {
        let action = of_choice(choice);
        return quote!(::dynaseal::__private::Part::Others(#action));
    }
    if field.attrs.flatten.is_some() {
        let schema = quote_spanned!(ty.span()=> <#ty as ::dynaseal::__private::Seal>::SCHEMA);
        return quote!(::dynaseal::__private::Part::Flatten(#schema));
    }
    let name = &field.name;
    let action = action(model, field);
    let role = role(field);
    let start = start(field);
    quote! {
        ::dynaseal::__private::Part::Attribute(
            ::dynaseal::__private::AttributeSchema::new(#name, #action, #role) #start
        )
    }
}

fn action(model: &Model<'_>, field: &Field<'_>) -> TokenStream {
    let attrs = &field.attrs;
    let default = model.attrs.default.unwrap_or(Choice::Encrypt);
    let is_signed = [Mark::Sign, Mark::PartitionKey, Mark::SortKey, Mark::Version];
    if attrs.has(Mark::Context) || attrs.has(Mark::Tenant) {
        quote!(::dynaseal::__private::CryptoAction::SignAndIncludeInEncryptionContext)
    } else if attrs.has(Mark::Unsigned) {
        quote!(::dynaseal::__private::CryptoAction::DoNothing)
    } else if attrs.find(&is_signed).is_some() {
        of_choice(Choice::Sign)
    } else if attrs.has(Mark::Encrypt) {
        of_choice(Choice::Encrypt)
    } else {
        of_choice(default)
    }
}

fn of_choice(choice: Choice) -> TokenStream {
    match choice {
        Choice::Encrypt => quote!(::dynaseal::__private::CryptoAction::EncryptAndSign),
        Choice::Sign => quote!(::dynaseal::__private::CryptoAction::SignOnly),
    }
}

fn role(field: &Field<'_>) -> TokenStream {
    let roles = [
        Mark::PartitionKey,
        Mark::SortKey,
        Mark::Tenant,
        Mark::Version,
    ];
    let role = match field.attrs.find(&roles) {
        Some((Mark::PartitionKey, _)) => quote!(PartitionKey),
        Some((Mark::SortKey, _)) => quote!(SortKey),
        Some((Mark::Tenant, _)) => quote!(Tenant),
        Some((Mark::Version, _)) => quote!(Version),
        _ => quote!(Plain),
    };
    quote!(::dynaseal::__private::Role::#role)
}

/// Where a version starts, unless that is the clock.
fn start(field: &Field<'_>) -> TokenStream {
    match field.attrs.start {
        Some((Start::One, _)) => {
            quote!(.starting_at(::dynaseal::__private::VersionStart::One))
        }
        Some((Start::Clock, _)) | None => TokenStream::new(),
    }
}

/// Own keys decide; without any the shape is that of the flattened struct that has them.
fn key_shape(model: &Model<'_>) -> TokenStream {
    if model.has(Mark::SortKey) {
        return quote!(::dynaseal::__private::PartitionAndSortKey);
    }
    if model.has(Mark::PartitionKey) {
        return quote!(::dynaseal::__private::PartitionKeyOnly);
    }
    if model.flattened().next().is_none() {
        return quote!(::dynaseal::__private::NoKey);
    }
    if !model.generics.params.is_empty() {
        return joined_shape(model).0;
    }
    let ident = model.ident;
    quote! {
        <::dynaseal::__private::Shape<{
            ::dynaseal::__private::shape(<#ident as ::dynaseal::__private::Seal>::SCHEMA)
        }> as ::dynaseal::__private::ShapeOf>::Shape
    }
}

/// The shapes of all flattened structs in one, and the bounds that this takes.
fn joined_shape(model: &Model<'_>) -> (TokenStream, Vec<TokenStream>) {
    let mut bounds = Vec::new();
    let mut joined = None;
    for field in model.flattened() {
        let ty = field.ty;
        let shape = quote_spanned!(ty.span()=> <#ty as ::dynaseal::__private::Seal>::KeyShape);
        joined = Some(match joined {
            None => shape,
            Some(left) => {
                bounds.push(quote!(#left: ::dynaseal::__private::JoinKeys<#shape>));
                quote!(<#left as ::dynaseal::__private::JoinKeys<#shape>>::Shape)
            }
        });
    }
    (joined.unwrap_or_default(), bounds)
}

fn checks(model: &Model<'_>) -> TokenStream {
    let tree = tree_checks(model);
    let probes: TokenStream = model
        .attributes()
        .flat_map(|field| probes(model, field))
        .collect();
    quote! {
        const _: () = {
            use ::dynaseal::__private::Unsealed as _;
            // Keeps the import in use, whatever the fields are.
            ::core::assert!(!::dynaseal::__private::Probe::<()>::SEALED);
            #tree
            #probes
        };
    }
}

/// What depends on flattened structs. A generic struct is checked when a table is built for it.
fn tree_checks(model: &Model<'_>) -> TokenStream {
    if !model.generics.params.is_empty() || model.flattened().next().is_none() {
        return TokenStream::new();
    }
    let schema = |condition: TokenStream, message: &str| {
        let ident = model.ident;
        let message = format!("`{ident}`: {message}");
        quote_spanned! {ident.span()=>
            ::core::assert!(<#ident as ::dynaseal::__private::Seal>::SCHEMA.#condition, #message);
        }
    };
    let message = "an item has one partition key, counting flattened structs";
    let keys = match model.attrs.table {
        Some(_) => schema(quote!(count_partition_keys() == 1), message),
        // It may be there to be flattened itself.
        None => schema(quote!(count_partition_keys() <= 1), message),
    };
    let tenant = schema(
        quote!(count_tenants() <= 1),
        "an item has one tenant, counting flattened structs",
    );
    let version = schema(
        quote!(count_versions() <= 1),
        "an item has one version, counting flattened structs",
    );
    let others = schema(
        quote!(count_others() <= 1),
        "an item has one flattened map, counting flattened structs",
    );
    let ident = model.ident;
    let message = format!("two fields write the same attribute of `{ident}`");
    quote_spanned! {ident.span()=>
        #keys #tenant #version #others
        ::core::assert!(!<#ident as ::dynaseal::__private::Seal>::SCHEMA.has_duplicates(), #message);
    }
}

/// A sealed type inside one attribute: its own marks would be ignored without a word.
fn probes(model: &Model<'_>, field: &Field<'_>) -> Vec<TokenStream> {
    if field.attrs.has(Mark::AsValue) {
        return Vec::new();
    }
    let types = named_types(field.ty).into_iter();
    let types = types.filter(|ty| !mentions_parameters(ty, model.generics));
    types
        .map(|ty| {
            let name = quote!(#ty).to_string();
            let message = format!(
                "`{name}` derives `Seal`, but its marks do nothing inside one attribute: flatten \
                 it, or add `#[seal(as_value)]`"
            );
            quote_spanned! {ty.span()=>
                ::core::assert!(!::dynaseal::__private::Probe::<#ty>::SEALED, #message);
            }
        })
        .collect()
}
