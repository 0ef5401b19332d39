//! The struct as the derive sees it.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Generics, Ident, Type};

use crate::attr::{self, Mark};
use crate::case::RenameAll;
use crate::ctxt::Ctxt;

pub(crate) struct Model<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) attrs: attr::Container,
    pub(crate) fields: Vec<Field<'a>>,
}

pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// The attribute's name, as serde spells it.
    pub(crate) name: String,
    /// Where the name comes from.
    pub(crate) name_span: Span,
    pub(crate) attrs: attr::Field,
}

impl<'a> Model<'a> {
    /// `None` if this is no struct with named fields, which is then reported.
    pub(crate) fn parse(cx: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let attrs = attr::Container::parse(cx, &input.attrs);
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => fields,
                Fields::Unnamed(fields) => {
                    cx.error(fields, "`Seal` needs named fields: attributes have names");
                    return None;
                }
                Fields::Unit => {
                    cx.error(
                        &input.ident,
                        "`Seal` needs fields: this struct has no attributes",
                    );
                    return None;
                }
            },
            Data::Enum(data) => {
                let message = "`Seal` cannot be derived for an enum: \
                               derive it for one struct per kind of item";
                cx.error(data.enum_token, message);
                return None;
            }
            Data::Union(data) => {
                cx.error(data.union_token, "`Seal` cannot be derived for a union");
                return None;
            }
        };
        let rename_all = attrs.rename_all;
        let fields = fields.named.iter();
        let fields = fields
            .filter_map(|field| Field::parse(cx, field, rename_all))
            .collect();
        Some(Self {
            ident: &input.ident,
            generics: &input.generics,
            attrs,
            fields,
        })
    }

    /// The fields that become attributes, or sets of attributes.
    pub(crate) fn written(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields
            .iter()
            .filter(|field| field.attrs.skip.is_none())
    }

    /// The fields that become one attribute each.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Field<'a>> {
        self.written().filter(|field| field.attrs.flatten.is_none())
    }

    /// The flattened structs.
    pub(crate) fn flattened(&self) -> impl Iterator<Item = &Field<'a>> {
        self.written()
            .filter(|field| field.attrs.flatten.is_some() && field.attrs.others.is_none())
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.attributes().any(|field| field.attrs.has(mark))
    }
}

impl<'a> Field<'a> {
    fn parse(cx: &Ctxt, field: &'a syn::Field, rename_all: Option<RenameAll>) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let attrs = attr::Field::parse(cx, &field.attrs);
        let written = ident.unraw().to_string();
        let (name, name_span) = match (&attrs.rename, rename_all) {
            (Some(rename), _) => (rename.value(), rename.span()),
            (None, Some(all)) => {
                let name = all.case.apply(&written);
                // An empty name is the rule's doing, every other one the field's.
                let span = if name.is_empty() {
                    all.span
                } else {
                    ident.span()
                };
                (name, span)
            }
            (None, None) => (written, ident.span()),
        };
        Some(Self {
            ident,
            ty: &field.ty,
            name,
            name_span,
            attrs,
        })
    }
}
