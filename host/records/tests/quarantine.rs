//! A plugin's quarantine outlives the run and the process, and ends by a named person with a reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{PersonRole, PluginUsed, Quarantine, RecordsError, RunId};
use support::people::People;
use support::{Folder, NOW, header};

fn quarantine(id: &str) -> Quarantine {
    Quarantine {
        number: 0,
        run: RunId(0),
        at: NOW,
        plugin: PluginUsed {
            role: "detector".into(),
            id: id.into(),
            version: "0.1.0".into(),
            sha256: "ab".repeat(32),
        },
        content: Some("cd".repeat(32)),
        cause: "overrun".into(),
        strikes: 10,
        calls: 12,
        release: None,
    }
}

#[test]
fn a_quarantine_is_there_after_a_restart_and_until_somebody_ends_it() {
    let folder = Folder::new();
    {
        let store = folder.store();
        let run = store.begin_run(&header()).unwrap();
        assert_eq!(store.quarantines().unwrap(), []);
        let one = run.quarantine(&quarantine("detector-x")).unwrap();
        assert_eq!((one.number, one.run), (1, run.id()));
        run.quarantine(&quarantine("detector-y")).unwrap();
    }
    let store = folder.store();
    let lasting = |store: &overt_records::Store| -> Vec<String> {
        let all = store.quarantines().unwrap();
        let lasting = all.into_iter().filter(|one| one.release.is_none());
        lasting.map(|one| one.plugin.id).collect()
    };
    assert_eq!(lasting(&store), ["detector-x", "detector-y"]);
    let people = People::new();
    let anna = people.engineer();
    let reason = "the camera gave broken frames, not the plugin";
    let release = || store.release("detector-x", &anna, reason, NOW).unwrap();
    assert_eq!(release().len(), 1);
    assert_eq!(release(), []);
    assert_eq!(lasting(&store), ["detector-y"]);
    // What was is still on record, with who ended it.
    let ended = store.quarantines().unwrap()[0].release.clone().unwrap();
    assert_eq!((ended.reason.as_str(), ended.at), (reason, NOW));
    assert_eq!(ended.by.to_string(), "anna Example (anna)");
    let credential = ended.by.credential().unwrap();
    assert_eq!(credential.role, PersonRole::SystemEngineer);
}

#[test]
fn nobody_and_no_reason_end_no_quarantine() {
    let folder = Folder::new();
    let store = folder.store();
    let people = People::new();
    for reason in ["", "why\u{1b}", &"x".repeat(257)] {
        let error = store
            .release("detector-x", &people.engineer(), reason, NOW)
            .unwrap_err();
        assert!(matches!(error, RecordsError::Refused { .. }), "{error}");
    }
    let error = store
        .release("detector-x", &people.boss(), "why", NOW)
        .unwrap_err();
    assert!(matches!(error, RecordsError::MayNot(_)), "{error}");
    let run = store.begin_run(&header()).unwrap();
    let mut odd = quarantine("detector-x");
    odd.cause = "a\nb".into();
    assert!(run.quarantine(&odd).is_err());
    odd = quarantine("detector-x");
    odd.plugin.sha256 = "AB".repeat(32);
    assert!(run.quarantine(&odd).is_err());
}
