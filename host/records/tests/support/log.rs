//! A store with a log of some length, and how the tests take it out.

use super::{Folder, NOW, alert, counts, header, image};
use overt_records::{AuditLog, Break, BreakKind, LodgedHead, Verdict};

/// A store with two runs of alerts, closed.
pub fn filled() -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    let images = [image("W-1", 1), image("W-2", 2)];
    store.watchlist().enrol(&images, NOW).unwrap();
    for start in [1, 41] {
        let run = store.begin_run(&header()).unwrap();
        for number in start..start + 40 {
            let count = counts(u64::from(number));
            run.commit_decisions(&[alert(number)], &count, NOW).unwrap();
        }
        run.finish(&counts(0), false, NOW).unwrap();
    }
    folder
}

pub fn log(folder: &Folder) -> AuditLog {
    AuditLog::read(&folder.records(), "walk-past").unwrap()
}

pub fn lodged(folder: &Folder) -> LodgedHead {
    LodgedHead::read(log(folder).lodge(NOW).unwrap().as_bytes()).unwrap()
}

pub fn broken(kind: BreakKind, event: u64) -> Verdict {
    Verdict::Broken(Break { kind, event })
}
