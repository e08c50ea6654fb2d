//! What a force sets: the keys of `[plugins.detector.config]`, their ranges and defaults. README.md says what each is for.

use overt_sdk::config::{Number, Whole};
use serde::Deserialize;

/// The plugin's table of the deployment file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Least confidence of a face.
    pub least_confidence: Number<0, 1>,
    /// Of two faces whose boxes overlap by more (intersection over union), the less confident goes.
    pub most_overlap: Number<0, 1>,
    /// Pixels of the frame; narrower faces are left out.
    pub least_face_width: Number<0, 16384>,
    /// The most faces of a frame, the most confident first.
    pub most_faces: Whole<1, 256>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            least_confidence: const { Number::new(0.7) },
            most_overlap: const { Number::new(0.3) },
            least_face_width: const { Number::new(20.0) },
            most_faces: const { Whole::new(256) },
        }
    }
}
