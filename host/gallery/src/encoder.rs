//! Which encoder made a template. Knows nothing of the template's values.

use std::fmt;

/// Most values that a template may have. The int8 scan sums at most this many products of two bytes, so that its 32-bit
/// sums cannot overflow: 4,096 × 255 × 127 < 2³¹.
pub const MAX_DIMENSION: usize = 4096;

/// The encoder that made a template: templates are comparable only where this is equal in every field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncoderId {
    /// The plugin's id, for messages.
    pub plugin_id: String,
    /// SHA-256 of the encoder's plugin file, 64 lower-case hexadecimal digits.
    pub plugin: String,
    /// SHA-256 of the encoder's model, or of its models' digests together, 64 lower-case hexadecimal digits.
    pub model: String,
    /// What ran the model, and with which numbers, such as `onnxruntime f32`.
    pub backend: String,
    /// Number of values in a template, 1 to [`MAX_DIMENSION`].
    pub dimension: usize,
}

impl fmt::Display for EncoderId {
    /// One line for messages: `encoder-mobilefacenet (plugin 0123456789ab, model 0123456789ab, onnxruntime f32, 512 values)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        write!(
            f,
            "{} (plugin {}, model {}, {}, {} values)",
            self.plugin_id,
            short(&self.plugin),
            short(&self.model),
            self.backend,
            self.dimension
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_named_in_one_line_whatever_its_digests_hold() {
        let encoder = EncoderId {
            plugin_id: "e".into(),
            plugin: "é".repeat(40),
            model: String::new(),
            backend: "b f32".into(),
            dimension: 3,
        };
        let line = format!("e (plugin {}, model , b f32, 3 values)", "é".repeat(12));
        assert_eq!(encoder.to_string(), line);
    }
}
