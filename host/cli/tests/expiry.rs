//! Images of the watchlist that reach the end of their retention while a deployment runs, and while none does: nobody is alerted by them, and what waited for somebody is withdrawn. A test
//! has no day to wait: it puts an image of before into the records, under the clock of then.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use overt_deployment::Deployment;
use overt_pipeline::control::{Answer, Question, Request};
use overt_pipeline::custody::{Ask, Swept, Told};
use overt_pipeline::{Event, Finished};
use overt_records::{
    By, Closed, LifeState, ListSize, NewImage, RetentionOf, StepKind, Store, SweepReport, Timestamp,
};
use overt_tests::engineer::Engineer;
use serde_json::Value;
use support::{Place, grey, machine_and_store, photograph};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Hours that a watchlist image is kept.
const KEPT: i64 = 24;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond())
}

/// Makes it the end of the day of an entry's image in the records: it is as if it had been enrolled so long ago.
fn end_the_day_of(store: &Store, reference: &str, image: u32) {
    let watchlist = store.watchlist();
    let listed = watchlist.list().unwrap();
    let entry = listed.iter().find(|entry| entry.reference == reference);
    let entry = entry.unwrap();
    let own = entry.images.iter().find(|own| own.image == image).unwrap();
    let templates = watchlist.templates(&own.encoder).unwrap();
    let template = templates
        .iter()
        .find(|template| template.reference == reference && template.image == image);
    let again = NewImage {
        reference: reference.to_owned(),
        category: entry.category.clone(),
        picture: watchlist.picture(reference, image).unwrap().unwrap(),
        encoder: own.encoder.clone(),
        template: template.unwrap().values.clone(),
        grounds: watchlist.grounds(reference).unwrap().unwrap(),
        facts: own.facts.clone(),
        by: By::enrolling(&Engineer::new().signed_in()).unwrap(),
    };
    let then = Timestamp::from_unix_ms(now().unix_ms() - KEPT * 3_600_000);
    let enrolled = watchlist.enrol(&[again], then).unwrap();
    assert_eq!(enrolled, [overt_records::Enrolled::Replaced]);
}

/// What a run tells, as far as a test here listens.
#[derive(Debug)]
enum News {
    /// Frames that are done.
    Done(u64),
    Alert(u32),
    Gone(SweepReport),
    Generation(u64),
}

fn news(event: Event<'_>) -> Option<News> {
    Some(match event {
        Event::Progress { done, .. } => News::Done(done),
        Event::Alert(alert) => News::Alert(alert.number),
        Event::Retention(report) => News::Gone(report.clone()),
        Event::Generation(facts) => News::Generation(facts.number),
        _ => return None,
    })
}

/// A run under way, and what it has told so far.
struct Going<'a> {
    ask: Sender<Request>,
    heard: Receiver<News>,
    seen: RefCell<Vec<News>>,
    store: &'a Store,
}

impl Going<'_> {
    /// What is looked for, once it has been told.
    fn until<T>(&self, what: &str, is_it: impl Fn(&News) -> Option<T>) -> T {
        let mut seen = self.seen.borrow_mut();
        if let Some(found) = seen.iter().find_map(&is_it) {
            return found;
        }
        loop {
            let told = self.heard.recv_timeout(PATIENCE);
            let told = told.unwrap_or_else(|error| panic!("{what}: {error}"));
            seen.push(told);
            if let Some(found) = seen.last().and_then(&is_it) {
                return found;
            }
        }
    }

    /// Waits for so many frames more.
    fn go_on(&self, frames: u64) {
        self.seen.borrow_mut().extend(self.heard.try_iter());
        let seen = self.seen.borrow();
        let done = seen.iter().filter_map(|news| match news {
            News::Done(done) => Some(*done),
            _ => None,
        });
        let until = done.max().unwrap_or(0) + frames;
        drop(seen);
        self.until("more frames", |news| match news {
            News::Done(done) if *done >= until => Some(()),
            _ => None,
        });
    }

    /// What went from the watchlist, once it has said so.
    fn gone(&self) -> SweepReport {
        let report = self.until("what went", |news| match news {
            News::Gone(report) => Some(report.clone()),
            _ => None,
        });
        self.until("the generation without it", |news| match news {
            News::Generation(1) => Some(()),
            _ => None,
        });
        report
    }

    fn sweep(&self) -> Swept {
        let (answers, told) = unbounded();
        let ask = Box::new(Ask::Sweep);
        let what = Question::Custody { ask, by: None };
        self.ask.send(Request { what, answers }).unwrap();
        match told.recv_timeout(PATIENCE).unwrap() {
            Answer::Custody(told) => match told.unwrap() {
                Told::Swept(swept) => swept,
                other => panic!("{other:?}"),
            },
            _ => panic!("it answered something else"),
        }
    }
}

/// Runs a deployment until `test` is through with it.
fn while_it_runs(place: &Place, test: impl FnOnce(&Going<'_>)) -> (Finished, Store) {
    // On a slow machine nothing lapses meanwhile either.
    place.change(
        "# [judgement]\n# adjudicate-seconds = 120",
        "[judgement]\nadjudicate-seconds = 3600",
    );
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (machine, store) = machine_and_store(&deployment);
    let (ask, requests) = unbounded();
    let (tell, heard) = channel();
    let stop = AtomicBool::new(false);
    let finished = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            overt_pipeline::run(
                &machine,
                &deployment,
                overt_pipeline::Terms::UNLOCKED,
                &store,
                &stop,
                requests,
                &|event| {
                    // Whoever has heard enough has gone.
                    let _ = news(event).map(|news| tell.send(news));
                },
            )
        });
        let going = Going {
            ask,
            heard,
            seen: RefCell::default(),
            store: &store,
        };
        let tested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&going)));
        stop.store(true, Ordering::Relaxed);
        drop(going);
        let finished = run.join().unwrap();
        match tested {
            Ok(()) => finished.unwrap(),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    (finished, store)
}

/// Person A passes for two seconds and is away for one, so many times.
fn film_passes(place: &Place, passes: usize) {
    let face = overt_vision::read_still(&photograph("a-2.jpg")).unwrap();
    place.film_at(25.0, passes * 75, |width, height, index| match index % 75 {
        0..50 => support::scene(&face, width, height, index % 75),
        _ => grey(width, height),
    });
}

fn people(references: &[(&str, &str)]) -> Place {
    let place = Place::new();
    let photographs: Vec<_> = references
        .iter()
        .map(|(reference, file)| (*reference, photograph(file)))
        .collect();
    let lines: Vec<_> = photographs
        .iter()
        .map(|(reference, file)| (*reference, "missing-person", file.as_path()))
        .collect();
    let enrolled = place.enrol(&lines);
    assert_eq!(enrolled.status, Some(0), "{}{}", enrolled.out, enrolled.err);
    place
}

fn json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn nobody_is_alerted_by_an_image_whose_day_ends_in_a_run_and_what_was_pending_is_withdrawn() {
    let place = people(&[("MP-0001", "a-1.jpg"), ("MP-0002", "b.jpg")]);
    film_passes(&place, 30);
    let (finished, store) = while_it_runs(&place, |run| {
        run.until("an alert", |news| match news {
            News::Alert(1) => Some(()),
            _ => None,
        });
        // The gallery knows nothing of it, and goes on comparing with it; the records do not let an alert stand.
        end_the_day_of(run.store, "MP-0001", 0);
        run.go_on(2 * 75);
        let swept = run.sweep();
        let report = run.gone();
        // On a slow machine the run's own sweep of each minute has been there first.
        assert!(swept == Swept::from(report.clone()) || swept == Swept::default());
        assert_eq!(report.images, [("MP-0001".to_owned(), 0)]);
        assert_eq!(report.watchlist_entries, 1);
        assert_eq!(report.withdrawn.first(), Some(&1));
        // Four passes, of which none finds anybody.
        run.go_on(4 * 75);
        assert_eq!(run.sweep(), Swept::default(), "nothing is left to go");
    });

    let summary = json(&finished.summary);
    assert_eq!(summary["generations"].as_array().unwrap().len(), 2);
    assert_eq!(summary["generations"][1]["cause"], "retention");
    assert_eq!(summary["generations"][1]["by"], Value::Null);
    let list = &summary["watchlist"];
    assert_eq!(
        list["start"],
        json(ListSize {
            people: 2,
            images: 2
        })
    );
    assert_eq!(list["largest"], list["start"]);
    assert_eq!(
        list["end"],
        json(ListSize {
            people: 1,
            images: 1
        })
    );
    assert_eq!(list["changes"], json([(); 0]));
    let living = store.living().unwrap();
    assert_eq!(
        list["expired"],
        serde_json::json!({ "images": 1, "people": 1, "withdrawn": living.len() })
    );
    for one in &living {
        let (number, life) = (one.alert.number, &one.life);
        assert_eq!(one.alert.generation, 0, "alert {number}");
        assert_eq!(
            life.state(),
            LifeState::Closed(Closed::Withdrawn),
            "{number}"
        );
        let of = RetentionOf::Entry;
        let steps: Vec<&StepKind> = life.steps().iter().map(|step| &step.kind).collect();
        assert_eq!(steps, [&StepKind::WithdrawnByRetention { of }], "{number}");
    }
    let listed = store.watchlist().list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].reference, "MP-0002");
}

#[test]
fn an_image_past_its_day_goes_unasked_and_whoever_has_another_is_sought_by_that() {
    let place = people(&[("MP-0001", "a-1.jpg"), ("MP-0001", "a-3.jpg")]);
    film_passes(&place, 30);
    {
        let deployment = Deployment::read(&place.deployment()).unwrap();
        end_the_day_of(&machine_and_store(&deployment).1, "MP-0001", 0);
    }
    let (finished, store) = while_it_runs(&place, |run| {
        let report = run.gone();
        assert_eq!((report.watchlist_images, report.watchlist_entries), (1, 0));
        run.until("an alert by the other image", |news| match news {
            News::Alert(_) => Some(()),
            _ => None,
        });
    });
    let summary = json(&finished.summary);
    assert_eq!(
        summary["watchlist"]["expired"],
        serde_json::json!({ "images": 1, "people": 0, "withdrawn": 0 })
    );
    assert_eq!(
        summary["watchlist"]["end"],
        json(ListSize {
            people: 1,
            images: 1
        })
    );
    for one in store.living().unwrap() {
        assert_eq!(one.life.state(), LifeState::Raised, "{:?}", one.alert);
    }
}

#[test]
fn a_run_whose_only_image_is_past_its_day_raises_no_alert_at_any_time() {
    let place = people(&[("MP-0001", "a-1.jpg")]);
    film_passes(&place, 8);
    {
        let deployment = Deployment::read(&place.deployment()).unwrap();
        end_the_day_of(&machine_and_store(&deployment).1, "MP-0001", 0);
    }
    let (finished, store) = while_it_runs(&place, |run| {
        // Before the sweep and after it.
        run.go_on(4 * 75);
    });
    assert!(finished.summary.faces > 0, "somebody passed");
    assert!(finished.summary.alerts.is_empty());
    assert!(store.living().unwrap().is_empty());
}

#[test]
fn where_no_run_goes_on_a_sweep_withdraws_as_well_and_says_so() {
    let place = people(&[("MP-0001", "a-1.jpg"), ("MP-0002", "b.jpg")]);
    place.film(40);
    let ran = place.run();
    assert!(ran.err.contains("ALERT 1 for desk-2"), "{}", ran.err);
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let end = |reference| end_the_day_of(&machine_and_store(&deployment).1, reference, 0);
    let overt = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        let file = place.deployment();
        all.insert(2, file.to_str().unwrap());
        let ended = place.run_as("olu", all);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.err);
        ended
    };

    end("MP-0001");
    let swept = overt(&["retention", "run", "--json"]);
    let swept: Value = serde_json::from_str(&swept.out).unwrap();
    assert_eq!(swept["withdrawn"], json([1]));
    assert_eq!(
        (&swept["watchlist_images"], &swept["watchlist_entries"]),
        (&1.into(), &1.into())
    );
    let alerts = overt(&["alerts", "list", "--json"]);
    let alerts: Value = serde_json::from_str(&alerts.out).unwrap();
    assert_eq!(alerts[0]["state"], "withdrawn", "{alerts}");
    let again = overt(&["retention", "run"]);
    assert!(
        again.out.contains("Nothing was over its time"),
        "{}",
        again.out
    );

    // Whatever opens the list sweeps first, and says what went.
    end("MP-0002");
    let listed = overt(&["watchlist", "list"]);
    let gone = "RETENTION 1 image and 1 entry of the watchlist are gone for good\n";
    assert!(listed.err.contains(gone), "{}", listed.err);
    let gone = "Gone since, for their retention was over: entries 2, images 2; alerts withdrawn: 1";
    assert!(listed.out.contains(gone), "{}", listed.out);
}
