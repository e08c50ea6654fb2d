//! Another encoder than the reference one, and how well a deployment's plugins tell people apart.

use std::path::{Path, PathBuf};

use super::{Ended, Place, module, photograph, run};

/// Another version of the encoder: the same algorithm, and yet another plugin, whose templates are its own.
pub(crate) fn other_encoder(place: &Place) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugins/encoder-mobilefacenet/plugin.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let other = manifest.replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1);
    assert_ne!(manifest, other);
    std::fs::write(place.path("encoder.toml"), other).unwrap();
    let file = place.path("encoder-0.2.wasm");
    let packed = run([
        Path::new("plugin"),
        Path::new("pack"),
        &place.path("encoder.toml"),
        &module("encoder_mobilefacenet"),
        Path::new("--output"),
        &file,
    ]);
    assert_eq!(packed.status, Some(0), "{}", packed.err);
    file
}

/// Copies photographs, by name, into a folder.
pub(crate) fn photographs(place: &Place, folder: &str, photographs: &[(&str, &str)]) {
    for (to, from) in photographs {
        let file = place.path(folder).join(to);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy(photograph(from), file).unwrap();
    }
}

/// Searches the folder `gallery` for who is in `mated` and in `others`, with the plugins of a deployment file.
pub(crate) fn identification(
    place: &Place,
    deployment: &Path,
    figures: &str,
    calibration: &str,
    description: &str,
) -> Ended {
    run([
        Path::new("evaluate"),
        Path::new("identification"),
        Path::new("--deployment"),
        deployment,
        Path::new("--gallery"),
        &place.path("gallery"),
        Path::new("--mated"),
        &place.path("mated"),
        Path::new("--non-mated"),
        &place.path("others"),
        Path::new("--json"),
        &place.path(figures),
        Path::new("--calibration"),
        &place.path(calibration),
        Path::new("--description"),
        Path::new(description),
    ])
}

/// Measures how often a search with the deployment's plugins errs, on four photographs.
pub(crate) fn calibrate(place: &Place, deployment: &Path, calibration: &str) {
    let gallery = [("A/one.jpg", "a-1.jpg"), ("B_0001.jpg", "b.jpg")];
    photographs(place, "gallery", &gallery);
    photographs(place, "mated", &[("A_0002.jpg", "a-2.jpg")]);
    photographs(place, "others", &[("C.png", "c.png")]);
    let measured = identification(
        place,
        deployment,
        "measured.json",
        calibration,
        "four photographs",
    );
    assert_eq!(measured.status, Some(0), "{}", measured.err);
}
