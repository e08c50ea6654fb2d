//! The template: the vector that an encoder makes of a face, of unit length and tied to its encoder.

use crate::encoder::{EncoderId, MAX_DIMENSION};
use crate::score;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroize;

/// A template of unit length. Its memory is zeroed when it is dropped, and its `Debug` form shows no value, so that no
/// template ends up in a log.
#[derive(Clone)]
pub struct Template {
    encoder: Arc<EncoderId>,
    values: Box<[f32]>,
}

/// Why a vector is not a template, or why two templates cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The encoder's own dimension is outside 1 to [`MAX_DIMENSION`].
    #[error("the encoder {encoder} has a dimension outside 1 to {MAX_DIMENSION}")]
    BadDimension {
        /// The encoder.
        encoder: Arc<EncoderId>,
    },
    /// The vector has another number of values than its encoder makes.
    #[error("a template of {encoder} has {found} values")]
    WrongLength {
        /// The encoder; its dimension is what was expected.
        encoder: Arc<EncoderId>,
        /// How many values there were.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("value {index} of a template of {encoder} is not a finite number")]
    NotFinite {
        /// The encoder.
        encoder: Arc<EncoderId>,
        /// The first such value.
        index: usize,
    },
    /// All values are zero, or so small that the vector has no direction.
    #[error("a template of {encoder} has length zero")]
    NoDirection {
        /// The encoder.
        encoder: Arc<EncoderId>,
    },
    /// Two templates of different encoders were to be compared.
    #[error("templates of {left} and of {right} cannot be compared")]
    ForeignEncoder {
        /// The one encoder.
        left: Arc<EncoderId>,
        /// The other encoder.
        right: Arc<EncoderId>,
    },
}

/// Vectors shorter than this have no direction worth a name: the square of the smallest normal f32 is far below what an
/// f64 sum can hold, so the limit is one of sense, not of arithmetic.
const LEAST_LENGTH: f64 = 1e-12;

impl Template {
    /// Takes what an encoder made and scales it to unit length.
    ///
    /// # Errors
    /// [`TemplateError`] where the number of values is wrong, a value is not finite, or all are zero.
    pub fn new(encoder: &Arc<EncoderId>, values: &[f32]) -> Result<Self, TemplateError> {
        let encoder = encoder.clone();
        if !(1..=MAX_DIMENSION).contains(&encoder.dimension) {
            return Err(TemplateError::BadDimension { encoder });
        }
        if values.len() != encoder.dimension {
            let found = values.len();
            return Err(TemplateError::WrongLength { encoder, found });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(TemplateError::NotFinite { encoder, index });
        }
        // f64 holds the square of any f32, so the sum can neither overflow nor vanish.
        let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        let length = squares.sqrt();
        if length < LEAST_LENGTH {
            return Err(TemplateError::NoDirection { encoder });
        }
        let values = values
            .iter()
            .map(|&value| (f64::from(value) / length) as f32)
            .collect();
        Ok(Self { encoder, values })
    }

    /// The encoder that made it.
    pub fn encoder(&self) -> &Arc<EncoderId> {
        &self.encoder
    }

    /// Its values, as many as the encoder's dimension; their squares add up to 1, to within 10⁻⁶.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The cosine of two templates, −1 to 1: the same bits that a search would report for them.
    ///
    /// # Errors
    /// [`TemplateError::ForeignEncoder`] where they are of different encoders.
    pub fn cosine(&self, other: &Self) -> Result<f32, TemplateError> {
        if self.encoder != other.encoder {
            return Err(TemplateError::ForeignEncoder {
                left: self.encoder.clone(),
                right: other.encoder.clone(),
            });
        }
        Ok(score::dot(&self.values, &other.values))
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("encoder", &self.encoder.to_string())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn encoder(dimension: usize) -> Arc<EncoderId> {
        Arc::new(EncoderId {
            plugin_id: "e".into(),
            plugin: "a".repeat(64),
            model: "b".repeat(64),
            backend: "onnxruntime f32".into(),
            dimension,
        })
    }

    #[test]
    fn a_template_has_unit_length_whatever_the_scale_of_its_vector() {
        for scale in [1e-11f32, 1.0, 1e30] {
            let template = Template::new(&encoder(3), &[scale, -2.0 * scale, 0.5 * scale]).unwrap();
            let squares: f64 = template
                .values()
                .iter()
                .map(|v| f64::from(*v).powi(2))
                .sum();
            assert!((squares - 1.0).abs() < 1e-6, "scale {scale}: {squares}");
            assert!(template.values()[1] < 0.0);
        }
    }

    #[test]
    fn a_vector_of_the_wrong_length_is_refused() {
        for length in [0, 2, 4] {
            let error = Template::new(&encoder(3), &vec![1.0; length]).unwrap_err();
            assert!(
                matches!(error, TemplateError::WrongLength { found, .. } if found == length),
                "{error}"
            );
        }
    }

    #[test]
    fn a_value_that_is_no_finite_number_is_refused_and_its_place_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = Template::new(&encoder(3), &[1.0, 0.0, bad]).unwrap_err();
            assert!(
                matches!(error, TemplateError::NotFinite { index: 2, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn a_vector_without_a_direction_is_refused() {
        for value in [0.0, -0.0, 1e-20] {
            let error = Template::new(&encoder(3), &[value; 3]).unwrap_err();
            assert!(matches!(error, TemplateError::NoDirection { .. }));
        }
    }

    #[test]
    fn an_encoder_whose_dimension_is_out_of_range_makes_no_template() {
        for dimension in [0, MAX_DIMENSION + 1] {
            let error = Template::new(&encoder(dimension), &vec![1.0; dimension]).unwrap_err();
            assert!(matches!(error, TemplateError::BadDimension { .. }));
        }
        assert!(Template::new(&encoder(MAX_DIMENSION), &[1.0; MAX_DIMENSION]).is_ok());
    }

    #[test]
    fn templates_of_two_encoders_have_no_cosine() {
        let one = Template::new(&encoder(2), &[1.0, 0.0]).unwrap();
        let mut other = EncoderId::clone(&encoder(2));
        other.model = "c".repeat(64);
        let other = Template::new(&Arc::new(other), &[1.0, 0.0]).unwrap();
        let error = one.cosine(&other).unwrap_err();
        assert!(matches!(error, TemplateError::ForeignEncoder { .. }));
        assert_eq!(one.cosine(&one), Ok(1.0));
    }

    #[test]
    fn the_debug_form_of_a_template_shows_no_value() {
        let template = Template::new(&encoder(2), &[0.6, 0.8]).unwrap();
        let text = format!("{template:?}");
        assert!(!text.contains("0.6") && !text.contains("0.8"), "{text}");
    }
}
