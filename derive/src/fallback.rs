//! What is written when something is wrong: the errors, and an impl that keeps rustc from adding
//! its own about a missing one.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error};

pub(crate) fn expand(input: &DeriveInput, errors: Option<Error>) -> TokenStream {
    let errors = errors.map(Error::into_compile_error);
    let ident = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics ::dynaseal::__private::Seal for #ident #ty_generics #where_clause {
            const SCHEMA: &'static ::dynaseal::__private::ModelSchema =
                &::dynaseal::__private::ModelSchema::new(::core::option::Option::None, &[]);
            type KeyShape = ::dynaseal::__private::AnyKey;
        }
    }
}
