//! Calls that run a model: whose time it is, whose fault, and that the loaded model comes back whatever happened. Real models are under
//! `tests/` at the repository's root; here the back end does what no real one does on demand.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use overt_runtime::{CallCause, Limits, Plugin, Role, Runtime, RuntimeOptions, Terms};
use support::{Acts, compiler, frame, read, runtime, terms};

/// A detector that runs its model, whatever comes of it, and then does this.
fn runs_a_model(body: &str, limits: Limits) -> Plugin {
    runs_a_model_on(runtime(), body, limits)
}

fn runs_a_model_on(runtime: &Runtime, body: &str, limits: Limits) -> Plugin {
    let folder = tempfile::tempdir().unwrap();
    let (path, model) = support::model_file(&folder);
    let open = r#"(call $open (i32.const 512) (i32.const 4) (i32.const 520))
        (if (i32.load8_u (i32.const 520)) (then (return (i32.const 1024))))
        (call $run (i32.load (i32.const 524)) (i32.const 0) (i32.const 0) (i32.const 528))"#;
    let wat = support::detector_wat(&format!("{open} {body}"), r#"(data (i32.const 512) "heat")"#)
        .replacen(
            "(module",
            r#"(module
            (import "overt:algorithm/inference@0.1.0" "[static]model.open" (func $open (param i32 i32 i32)))
            (import "overt:algorithm/inference@0.1.0" "[method]model.run" (func $run (param i32 i32 i32 i32)))"#,
            1,
        );
    let bytes = support::with_manifest(
        support::component("detector-plugin", &wat),
        &support::manifest(Role::Detector, &support::declares_model(model.sha256())),
    );
    let mut terms = Terms {
        limits,
        ..terms(Role::Detector)
    };
    terms.models.insert("heat".into(), (path, model));
    runtime.accept(&read(bytes).unwrap(), terms).unwrap()
}

#[test]
fn more_calls_at_once_than_the_pool_holds_are_the_hosts_fault_and_pass() {
    // Those that found a place wait within it until all others have been sent away.
    // The runtime is this test's own: other tests take places too.
    let runtime = Runtime::new(RuntimeOptions {
        compiler: compiler(),
        cache: None,
    })
    .unwrap();
    let plugin = runs_a_model_on(&runtime, "(i32.const 0)", Limits::default());
    let places = 64.max(2 * std::thread::available_parallelism().unwrap().get());
    let away = Arc::new((Mutex::new(0), Condvar::new()));
    let waits = {
        let away = away.clone();
        Acts::by(move || {
            let (count, changed) = &*away;
            let count = count.lock().unwrap();
            drop(changed.wait_while(count, |count| *count < 5).unwrap());
        })
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let call = || {
            let mut sessions = plugin.sessions(&waits).unwrap();
            let outcome = plugin.detect(&frame(), &mut sessions);
            *away.0.lock().unwrap() += 1;
            away.1.notify_all();
            outcome
        };
        let threads: Vec<_> = (0..places + 5).map(|_| scope.spawn(call)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    });
    let causes: Vec<_> = outcomes
        .into_iter()
        .filter_map(|outcome| outcome.err().map(|error| error.cause))
        .collect();
    assert_eq!(causes.len(), 5, "{causes:?}");
    for cause in causes {
        assert!(
            matches!(&cause, CallCause::Host(text) if text.contains("concurrent limit")),
            "{cause}"
        );
    }
    let mut sessions = plugin.sessions(&waits).unwrap();
    plugin.detect(&frame(), &mut sessions).unwrap();
}

#[test]
fn a_host_function_that_panics_is_the_hosts_fault_and_its_session_comes_back() {
    let plugin = runs_a_model("(i32.const 0)", Limits::default());
    let runs = Arc::new(AtomicUsize::new(0));
    let panics = {
        let runs = runs.clone();
        Acts::by(move || {
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                panic!("a mistake of the host's")
            }
        })
    };
    let mut sessions = plugin.sessions(&panics).unwrap();
    for _ in 0..2 {
        let error = plugin.detect(&frame(), &mut sessions).unwrap_err();
        assert!(
            matches!(&error.cause, CallCause::Host(text) if text.contains("panicked")),
            "{error}"
        );
    }
    plugin.detect(&frame(), &mut sessions).unwrap();
    assert_eq!(
        runs.load(Ordering::SeqCst),
        3,
        "the model was there each time"
    );
}

#[test]
fn sessions_come_back_after_a_trap() {
    let plugin = runs_a_model("unreachable", Limits::default());
    let runs = Arc::new(AtomicUsize::new(0));
    let counts = {
        let runs = runs.clone();
        Acts::by(move || {
            runs.fetch_add(1, Ordering::SeqCst);
        })
    };
    let mut sessions = plugin.sessions(&counts).unwrap();
    for round in 1..=3 {
        let error = plugin.detect(&frame(), &mut sessions).unwrap_err();
        assert!(matches!(error.cause, CallCause::Trap(_)), "{error}");
        assert_eq!(runs.load(Ordering::SeqCst), round, "the model was there");
    }
}

#[test]
fn the_time_of_models_is_not_the_guests() {
    let limits = Limits {
        deadline: Duration::from_millis(20),
        ..Limits::default()
    };
    let plugin = runs_a_model("(i32.const 0)", limits);
    // Ten deadlines' worth of this thread's own CPU time, in the model.
    let works = Acts::by(|| {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
    });
    let mut sessions = plugin.sessions(&works).unwrap();
    plugin.detect(&frame(), &mut sessions).unwrap();
}
