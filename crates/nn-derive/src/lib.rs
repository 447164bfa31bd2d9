//! `#[derive(Parameters)]`: a struct of tensors and modules names everything it holds after its fields.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Error, Field, GenericParam, Ident, Index, Result, parse_macro_input,
    parse_quote,
};

/// Implements `Parameters` for a struct.
///
/// Every field is visited under its own name (a tuple's under its number), so that a weight is called
/// `layers.0.weight`. Fields are tensors (parameters), modules, or `Vec`, `Option`, `Box` and arrays of them, unless an
/// attribute says otherwise:
///
/// - `#[module(buffer)]`: a tensor that is saved but not trained;
/// - `#[module(training)]`: the `bool` that says whether the module is training;
/// - `#[module(random)]`: a `Mutex<Generator>`, whose state an exact resume restores;
/// - `#[module(skip)]`: anything else.
///
/// The element type is the struct's first type parameter; without one it is `f32`, or `f64` under `#[module(f64)]` on
/// the struct. A struct that holds no tensor at all is a module of every element type.
///
/// Under `#[module(named)]` on the struct, the module goes by its constant `NAME` instead of its type's name.
#[proc_macro_derive(Parameters, attributes(module))]
pub fn derive_parameters(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implement(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// What a field is to its module.
enum Role {
    Visited,
    Buffer,
    Training,
    Random,
    Skipped,
}

fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            input,
            "Parameters is derived for structs; implement it by hand for others",
        ));
    };
    let root = library();
    let flags = Flags::of(&input.attrs)?;
    let (mut reads, mut writes, mut holds_tensors) = (Vec::new(), Vec::new(), false);
    for (i, field) in data.fields.iter().enumerate() {
        let index = Index::from(i);
        let (at, name) = match &field.ident {
            Some(ident) => (quote!(self.#ident), ident.to_string().trim_start_matches("r#").to_owned()),
            None => (quote!(self.#index), i.to_string()),
        };
        let path = quote!(&#root::module::join(path, #name));
        let (read, write) = match role(field)? {
            Role::Skipped => continue,
            Role::Visited => {
                holds_tensors = true;
                reads.push(quote!(#root::Parameters::visit(&#at, #path, visitor);));
                writes.push(quote!(#root::Parameters::visit_mut(&mut #at, #path, visitor);));
                continue;
            }
            Role::Buffer => {
                holds_tensors = true;
                (quote!(Buffer(#at.detach())), quote!(Buffer(&mut #at)))
            }
            Role::Training => (quote!(Training(#at)), quote!(Training(&mut #at))),
            Role::Random => (
                quote!(Random(*#root::module::locked(&#at))),
                quote!(Random(#root::module::exclusive(&mut #at))),
            ),
        };
        reads.push(quote!(visitor(#path, #root::module::Entry::#read);));
        writes.push(quote!(visitor(#path, #root::module::EntryMut::#write);));
    }

    let mut generics = input.generics.clone();
    let parameter = generics.params.iter().find_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident.clone()),
        _ => None,
    });
    let element = match parameter {
        Some(ident) => quote!(#ident),
        None if holds_tensors && flags.f64 => quote!(f64),
        None if holds_tensors => quote!(f32),
        None => {
            let any = format_ident!("Element");
            generics.params.push(parse_quote!(#any: #root::Float));
            quote!(#any)
        }
    };
    let place = if flags.named {
        quote!(#root::module::Place::named(self, Self::NAME))
    } else {
        quote!(#root::module::Place::of(self))
    };
    let name = &input.ident;
    let (with_element, _, bounds) = generics.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();
    Ok(quote! {
        impl #with_element #root::Parameters<#element> for #name #arguments #bounds {
            fn visit<'visit>(
                &'visit self,
                path: &str,
                visitor: &mut dyn FnMut(&str, #root::module::Entry<'visit, #element>),
            ) {
                visitor(path, #root::module::Entry::Module(#place));
                #(#reads)*
            }

            fn visit_mut(
                &mut self,
                path: &str,
                visitor: &mut dyn FnMut(&str, #root::module::EntryMut<'_, #element>),
            ) {
                #(#writes)*
            }
        }
    })
}

fn role(field: &Field) -> Result<Role> {
    let mut role = Role::Visited;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            role = match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("buffer") => Role::Buffer,
                Some("training") => Role::Training,
                Some("random") => Role::Random,
                Some("skip") => Role::Skipped,
                _ => return Err(meta.error("expected buffer, training, random or skip")),
            };
            Ok(())
        })?;
    }
    Ok(role)
}

/// What `#[module(..)]` on the struct itself says.
#[derive(Default)]
struct Flags {
    f64: bool,
    named: bool,
}

impl Flags {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut flags = Flags::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("module")) {
            attribute.parse_nested_meta(|meta| {
                match meta.path.get_ident().map(Ident::to_string).as_deref() {
                    Some("f64") => flags.f64 = true,
                    Some("named") => flags.named = true,
                    _ => return Err(meta.error("expected f64 or named")),
                }
                Ok(())
            })?;
        }
        Ok(flags)
    }
}

/// The path to the library: its own crate, or the `barehand` that re-exports it.
fn library() -> TokenStream {
    let absolute = |name: String| {
        let ident = Ident::new(&name, Span::call_site());
        quote!(::#ident)
    };
    match (crate_name("barehand-nn"), crate_name("barehand")) {
        (Ok(FoundCrate::Name(name)), _) => absolute(name),
        (Err(_), Ok(FoundCrate::Name(name))) => {
            let barehand = absolute(name);
            quote!(#barehand::nn)
        }
        (Err(_), Ok(FoundCrate::Itself)) => quote!(::barehand::nn),
        _ => quote!(::barehand_nn),
    }
}
