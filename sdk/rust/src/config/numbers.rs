//! Numbers that carry their range, so that a configuration's error can say it.

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A number from `LEAST` to `MOST`, both included.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number<const LEAST: i32, const MOST: i32>(f32);

impl<const LEAST: i32, const MOST: i32> Number<LEAST, MOST> {
    /// A number for a default.
    ///
    /// # Panics
    ///
    /// Outside the range; in `const { ... }`, where defaults belong, that is an error of the compiler's.
    pub const fn new(value: f32) -> Self {
        assert!(value >= LEAST as f32 && value <= MOST as f32);
        Number(value)
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// The least of the range.
impl<const LEAST: i32, const MOST: i32> Default for Number<LEAST, MOST> {
    fn default() -> Self {
        Number(LEAST as f32)
    }
}

impl<'de, const LEAST: i32, const MOST: i32> Deserialize<'de> for Number<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const LEAST: i32, const MOST: i32>;

        impl<const LEAST: i32, const MOST: i32> Visitor<'_> for InRange<LEAST, MOST> {
            type Value = Number<LEAST, MOST>;

            fn expecting(&self, text: &mut core::fmt::Formatter) -> core::fmt::Result {
                write!(text, "a number from {LEAST} to {MOST}")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                if (f64::from(LEAST)..=f64::from(MOST)).contains(&value) {
                    Ok(Number(value as f32))
                } else {
                    Err(E::invalid_value(Unexpected::Float(value), &self))
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                if (i64::from(LEAST)..=i64::from(MOST)).contains(&value) {
                    Ok(Number(value as f32))
                } else {
                    Err(E::invalid_value(Unexpected::Signed(value), &self))
                }
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                match i64::try_from(value) {
                    Ok(value) => self.visit_i64(value),
                    Err(_) => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
                }
            }
        }

        deserializer.deserialize_f64(InRange)
    }
}

/// A whole number from `LEAST` to `MOST`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Whole<LEAST, MOST> {
    /// A number for a default.
    ///
    /// # Panics
    ///
    /// Outside the range; in `const { ... }`, where defaults belong, that is an error of the compiler's.
    pub const fn new(value: u32) -> Self {
        assert!(value >= LEAST && value <= MOST);
        Whole(value)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The least of the range.
impl<const LEAST: u32, const MOST: u32> Default for Whole<LEAST, MOST> {
    fn default() -> Self {
        Whole(LEAST)
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const LEAST: u32, const MOST: u32>;

        impl<const LEAST: u32, const MOST: u32> Visitor<'_> for InRange<LEAST, MOST> {
            type Value = Whole<LEAST, MOST>;

            fn expecting(&self, text: &mut core::fmt::Formatter) -> core::fmt::Result {
                write!(text, "a whole number from {LEAST} to {MOST}")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                match u32::try_from(value) {
                    Ok(small) if (LEAST..=MOST).contains(&small) => Ok(Whole(small)),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                match u64::try_from(value) {
                    Ok(value) => self.visit_u64(value),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(value), &self)),
                }
            }
        }

        deserializer.deserialize_u32(InRange)
    }
}
