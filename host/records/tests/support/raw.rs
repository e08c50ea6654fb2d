//! Rows of the force's store as bytes, without their meaning: to change or copy what no function of the crate would.

use std::fmt::Debug;
use std::marker::PhantomData;

use redb::{TypeName, Value};

/// A kind of row, by the name that redb knows it by.
pub trait Named: Debug {
    const NAME: &'static str;
}

/// An entry of the register.
#[derive(Debug)]
pub struct Entry;

impl Named for Entry {
    const NAME: &'static str = "overt-records::RegisterEntry";
}

/// Numbers of the register that are gone.
#[derive(Debug)]
pub struct Gone;

impl Named for Gone {
    const NAME: &'static str = "overt-records::RegisterGone";
}

/// Its bytes.
#[derive(Debug)]
pub struct RawRow<N>(PhantomData<N>);

impl<N: Named> Value for RawRow<N> {
    type SelfType<'a>
        = &'a [u8]
    where
        Self: 'a;
    type AsBytes<'a>
        = &'a [u8]
    where
        Self: 'a;

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> &'a [u8]
    where
        Self: 'a,
    {
        data
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a &'b [u8]) -> &'a [u8]
    where
        Self: 'b,
    {
        value
    }

    fn type_name() -> TypeName {
        TypeName::new(N::NAME)
    }
}
