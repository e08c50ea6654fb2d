//! The plugin on real photographs, with the model and the library that the host uses.
#![allow(clippy::unwrap_used)]

use overt_sdk::DetectorError;
use overt_sdk::native::{Setup, Workbench};

use crate::Rfb320;

#[test]
fn a_portrait_has_one_face() {
    let setup = Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap();
    let bench = Workbench::new().model("rfb320", setup.model("rfb320").unwrap());
    for photograph in ["person-a-1.jpg", "person-b.jpg", "person-c.png"] {
        let frame = setup.photograph(photograph).unwrap();
        let faces = bench.detect::<Rfb320>(&frame).unwrap();
        assert_eq!(faces.len(), 1, "{photograph}: {faces:?}");
    }
}

#[test]
fn a_setting_out_of_its_range_is_refused() {
    let setup = Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap();
    let frame = setup.photograph("person-c.png").unwrap();
    let bench = Workbench::new().config(r#"{"least-confidence": 7}"#);
    assert_eq!(
        bench.detect::<Rfb320>(&frame),
        Err(DetectorError::BadConfig)
    );
}
