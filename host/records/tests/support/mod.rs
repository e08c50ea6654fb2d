//! What the tests of this crate share: a store in a folder of its own, and things to put into it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod force;
pub mod log;
pub mod people;
pub mod raw;
pub mod register;
pub mod years;

use overt_records::{
    Alert, AlertInputs, AlertPayload, AlertScore, By, ChangeCause, Counts, Encoder,
    GenerationChange, Grounds, ImageFacts, NewAlert, NewImage, Picture, Priority, Removal,
    Retention, Run, RunHeader, Store, StoreSettings, SweepReport, Timestamp,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;
use zeroize::Zeroizing;

pub const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn records(&self) -> PathBuf {
        self.folder.path().join("records.redb")
    }

    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("records.keys")
    }

    pub fn store(&self) -> Store {
        Store::open_or_create(&self.records(), &settings()).unwrap()
    }
}

pub fn settings() -> StoreSettings {
    StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 12,
            watchlist_hours: 48,
        },
    }
}

pub fn digest(of: u8) -> String {
    format!("{of:02x}").repeat(32)
}

pub fn encoder(model: u8) -> Encoder {
    Encoder {
        plugin_id: "encoder-example".into(),
        plugin_sha256: digest(0xee),
        model_sha256: digest(model),
        backend: "onnxruntime f32".into(),
        dimension: 4,
    }
}

/// An image whose source file is told by `source`.
pub fn image(reference: &str, source: u8) -> NewImage {
    NewImage {
        reference: reference.into(),
        category: "wanted-on-warrant".into(),
        picture: Picture {
            jpeg: Zeroizing::new(vec![source; 1000]),
            source_name: format!("{reference}-{source}.jpg"),
            source_sha256: digest(source),
            landmarks: Some([(1.0, 2.0); 5]),
            quality: vec![
                ("UnifiedQualityScore".into(), 70.5),
                ("Sharpness".into(), 3.0),
            ],
        },
        encoder: encoder(1),
        template: Zeroizing::new(vec![source as f32, 1.0, -0.25, 1e-7]),
        grounds: Grounds {
            wanted: true,
            offence: Some(OFFENCE.into()),
            ..Grounds::default()
        },
        facts: ImageFacts::default(),
        by: engineer(),
    }
}

/// Recognisable, so that a test can look for it in files.
pub const OFFENCE: &str = "the offence, as it were; ";

/// The system engineer who enrols.
pub fn engineer() -> By {
    static ENGINEER: OnceLock<By> = OnceLock::new();
    let made = || By::enrolling(&people::People::new().engineer()).unwrap();
    ENGINEER.get_or_init(made).clone()
}

/// Why and when somebody is removed.
pub fn removal(at: Timestamp) -> Removal {
    Removal {
        by: engineer(),
        reason: "found safe".into(),
        at,
    }
}

pub fn header() -> RunHeader {
    RunHeader {
        deployment: "walk-past".into(),
        started_at: NOW,
        mode: overt_records::RunMode::Live,
        register: None,
        started_by: None,
        search: None,
        host_version: "0.1.0".into(),
        lock_sha256: Some("ab".repeat(32)),
        plugins: vec![],
        models: vec![],
        cameras: vec![],
    }
}

pub fn alert(number: u32) -> NewAlert {
    NewAlert {
        alert: Alert {
            number,
            reference: "W-1".into(),
            category: "wanted-on-warrant".into(),
            camera: "gate".into(),
            track: 7,
            time: 0.1 + f64::from(number),
            raised_at: NOW,
            first_frame: 10,
            last_frame: 25,
            generation: 0,
            priority: Priority::Normal,
            routes: vec!["desk-1".into()],
        },
        image: 0,
        payload: payload(number),
        inputs: Some(inputs(number)),
    }
}

/// What the plugins were asked for alert `number`; recognisable, as below.
pub fn inputs(number: u32) -> AlertInputs {
    let mut bytes = INPUTS.repeat(20);
    bytes.extend(number.to_le_bytes());
    AlertInputs {
        bytes: Zeroizing::new(bytes),
    }
}

pub const INPUTS: &[u8] = b"the scores of a track, as it were; ";

/// What alert `number` rests on; recognisable bytes, so that a test can look for them in files.
pub fn payload(number: u32) -> AlertPayload {
    AlertPayload {
        score: 0.718_281_8,
        crop: Zeroizing::new(CROP.repeat(20)),
        reason: Zeroizing::new(format!("score 0.718 over 0.45, alert {number}")),
        scores: vec![AlertScore {
            time: 1.0 / 3.0,
            encoder: "encoder-example".into(),
            reference: "W-1".into(),
            score: 0.718_281_8,
        }],
    }
}

pub const CROP: &[u8] = b"the pixels of a face, as it were; ";

pub fn counts(alerts: u64) -> Counts {
    Counts {
        alerts,
        faces: 3,
        ..Counts::default()
    }
}

/// Whether any file of the folder holds these bytes.
pub fn folder_holds(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

/// The generation of a run's gallery without what a sweep has destroyed.
pub fn swept(run: &Run, number: u64, at: Timestamp, report: &SweepReport) -> GenerationChange {
    GenerationChange {
        run: run.id(),
        number,
        at,
        cause: ChangeCause::Retention {
            images: report.watchlist_images as u64,
            entries: report.watchlist_entries as u64,
            withdrawn: report.withdrawn.clone(),
        },
        plugins: vec![],
        models: vec![],
        lock_sha256: None,
        score_floor: 0.45,
    }
}
