//! Evaluations, through the real plugins and models, on photographs that set-up has fetched.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::eyes::{identification, photographs};
use support::{Ended, Place, photograph, run};

/// A folder with photographs in the layout of LFW: A with three, and three others with one each.
fn images(place: &Place) {
    for (name, number, file) in [
        ("A", 1, "a-1.jpg"),
        ("A", 2, "a-2.jpg"),
        ("A", 3, "a-3.jpg"),
        ("B", 1, "b.jpg"),
        ("C", 1, "c.png"),
        ("D", 1, "d.jpg"),
    ] {
        let folder = place.path("images").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        // The name says JPEG; the bytes say what it is.
        std::fs::copy(
            photograph(file),
            folder.join(format!("{name}_{number:04}.jpg")),
        )
        .unwrap();
    }
}

fn verify(place: &Place, pairs: &str) -> Ended {
    std::fs::write(place.path("pairs.txt"), pairs).unwrap();
    run([
        Path::new("evaluate"),
        Path::new("verification"),
        Path::new("--deployment"),
        &place.deployment(),
        Path::new("--pairs"),
        &place.path("pairs.txt"),
        Path::new("--images"),
        &place.path("images"),
        Path::new("--json"),
        &place.path("result/figures.json"),
        Path::new("--scores"),
        &place.path("scores.csv"),
    ])
}

#[test]
fn pairs_of_one_person_match_and_pairs_of_two_do_not() {
    let place = Place::new();
    images(&place);
    let ended = verify(
        &place,
        "3\nA 1 2\nA 1 3\nA 2 3\nA 1 B 1\nB 1 C 1\nC 1\tD 1\n",
    );
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let json = std::fs::read(place.path("result/figures.json")).unwrap();
    let figures: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        (
            &figures["pairs"],
            &figures["images"],
            &figures["undetected"]
        ),
        (&6.into(), &6.into(), &0.into())
    );
    let schema = include_str!("../../evaluation/verification.schema.json");
    let errors = overt_tests::schema::Schema::parse(schema).errors(&figures);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(figures["accuracy_mean"], 1.0);
    assert_eq!(figures["tar_at_far"]["0.01"], 1.0);
    assert_eq!(figures["tar_at_far"]["0.001"], 1.0);
    assert_eq!(figures["operating_points"][0]["shown"], false);
    let encoder = &figures["made_by"]["plugins"][1];
    assert_eq!(encoder["id"], "encoder-mobilefacenet");
    assert_eq!(
        encoder["models"]["mobilefacenet"].as_str().unwrap().len(),
        64
    );
    let csv = std::fs::read_to_string(place.path("scores.csv")).unwrap();
    let score: f32 = csv
        .lines()
        .nth(1)
        .unwrap()
        .rsplit(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(csv.contains("A_0001,A_0002,1,0,") && score > 0.6, "{csv}");
    for drawing in ["figures.det.svg", "figures.scores.svg"] {
        let svg = std::fs::read_to_string(place.path("result").join(drawing)).unwrap();
        assert!(svg.starts_with("<svg ") && !svg.contains("NaN"), "{svg}");
    }
    let page = std::fs::read_to_string(place.path("result/figures.html")).unwrap();
    assert!(page.contains("too few to show this rate") && page.matches("<svg ").count() == 2);
    assert!(ended.out.contains("accuracy"), "{}", ended.out);
}

#[test]
fn a_photograph_without_a_face_and_one_that_is_none_are_counted_and_named() {
    let place = Place::new();
    images(&place);
    let folder = place.path("images/D");
    let grey = overt_vision::encode_jpeg(&[128; 3 * 64 * 64], 64, 64, 90).unwrap();
    std::fs::write(folder.join("D_0002.jpg"), grey).unwrap();
    std::fs::write(folder.join("D_0003.jpg"), "no photograph").unwrap();
    let ended = verify(&place, "2\nA 1 2\nD 1 2\nA 1 B 1\nB 1 D 3\n");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("D_0002.jpg: no face was found")
            && ended.err.contains("D_0003.jpg: is no readable photograph"),
        "{}",
        ended.err
    );
    let json = std::fs::read(place.path("result/figures.json")).unwrap();
    let figures: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        (&figures["undetected"], &figures["pairs_undetected"]),
        (&2.into(), &2.into())
    );
    // One genuine pair of two can never match.
    assert_eq!(figures["tar_at_far"]["0.01"], 0.5);
}

#[test]
fn a_file_that_would_take_anothers_place_is_refused_before_anything_is_measured() {
    let place = Place::new();
    images(&place);
    std::fs::write(place.path("pairs.txt"), "1\nA 1 2\nA 1 B 1\n").unwrap();
    let verify = |json: &str, scores: &str| {
        let mut command = support::overt();
        command
            .current_dir(place.folder.path())
            .args([
                "evaluate",
                "verification",
                "--deployment",
                "deployment.toml",
            ])
            .args(["--pairs", "pairs.txt", "--images", "images"])
            .args(["--json", json, "--scores", scores]);
        Ended::from(command.output().unwrap())
    };
    for (json, scores) in [
        ("result.html", "scores.csv"),
        ("result.json", "result.json"),
        ("result.json", "./result.html"),
        ("result.json", "images/../result.det.svg"),
        ("pairs.txt", "scores.csv"),
        ("result.json", "deployment.toml"),
    ] {
        let ended = verify(json, scores);
        assert_eq!(ended.status, Some(2), "{json} {scores}: {}", ended.err);
        assert!(
            ended.err.contains("would take the place of another file"),
            "{}",
            ended.err
        );
    }
    assert!(!place.path("result.json").exists());
}

#[test]
fn what_an_evaluation_leaves_is_for_its_owner_alone() {
    let place = Place::new();
    images(&place);
    let ended = verify(&place, "1\nA 1 2\nA 1 B 1\n");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    for name in ["scores.csv", "result/figures.json", "result/figures.html"] {
        let mode = std::fs::metadata(place.path(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    let files: Vec<_> = std::fs::read_dir(place.path("result"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn mistakes_in_the_pairs_and_missing_photographs_are_all_told_before_anything_is_measured() {
    let place = Place::new();
    images(&place);
    let ended = verify(&place, "2\nA 1 2\nA one 3\nA 1 B 1\nB 1\n");
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    for line in [
        "pairs.txt:3: expected `name n1 n2`",
        "pairs.txt:5: expected",
    ] {
        assert!(ended.err.contains(line), "{line}: {}", ended.err);
    }
    let ended = verify(&place, "2\nA 1 9\nB 1 2\nA 1 B 1\nA 1 C 1\n");
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    for file in [
        "A_0009.jpg: there is no such",
        "B_0002.jpg: there is no such",
    ] {
        assert!(ended.err.contains(file), "{file}: {}", ended.err);
    }
    assert!(!place.path("result").exists());
}

fn identify(place: &Place) -> Ended {
    identification(
        place,
        &place.deployment(),
        "result/search.json",
        "calibration.json",
        "on six photographs",
    )
}

/// A place with a gallery of A and B, two probes of A, and two of others.
fn searched() -> Place {
    let place = Place::with_person_a();
    photographs(
        &place,
        "gallery",
        &[("A/one.jpg", "a-1.jpg"), ("B_0001.jpg", "b.jpg")],
    );
    photographs(
        &place,
        "mated",
        &[("A_0002.jpg", "a-2.jpg"), ("A_0003.jpg", "a-3.jpg")],
    );
    photographs(
        &place,
        "others",
        &[("C.png", "c.png"), ("D/any.jpg", "d.jpg")],
    );
    let ended = identify(&place);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended
            .out
            .contains("2 non-mated probes are too few to show 0.1 %"),
        "{}",
        ended.out
    );
    place
}

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path(name)).unwrap()).unwrap()
}

/// Names the calibration in the deployment file.
fn authorise(place: &Place) {
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let with = text.replace(
        "[authority]\n",
        "[authority]\ncalibration = \"calibration.json\"\n",
    );
    assert_ne!(text, with);
    std::fs::write(place.deployment(), with).unwrap();
}

#[test]
fn a_gallery_is_searched_and_what_comes_of_it_calibrates_the_score_floor() {
    let place = searched();
    let figures = json(&place, "result/search.json");
    let schema = include_str!("../../evaluation/identification.schema.json");
    let errors = overt_tests::schema::Schema::parse(schema).errors(&figures);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(
        (
            &figures["gallery_people"],
            &figures["mated"],
            &figures["non_mated"]
        ),
        (&2.into(), &2.into(), &2.into())
    );
    assert_eq!(
        (&figures["fnir"]["count"], &figures["fpir"]["count"]),
        (&0.into(), &0.into())
    );
    let page = std::fs::read_to_string(place.path("result/search.html")).unwrap();
    assert!(page.matches("<svg ").count() == 2 && page.contains("too few to show"));
    let calibration = json(&place, "calibration.json");
    let schema = include_str!("../../pipeline/calibration.schema.json");
    let errors = overt_tests::schema::Schema::parse(schema).errors(&calibration);
    assert!(errors.is_empty(), "{errors:?}");

    place.film(10);
    let run_it = || place.run();
    let before = run_it();
    assert!(
        before.err.contains("rests on no calibration"),
        "{}",
        before.err
    );
    authorise(&place);
    let ended = run_it();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("at most 0 of 2 searches for people who were not in a gallery of 2"),
        "{}",
        ended.err
    );
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("Measured on six photographs"));
}

#[test]
fn a_calibration_of_another_model_back_end_or_of_nothing_is_refused() {
    let place = searched();
    place.film(2);
    authorise(&place);
    let sound = json(&place, "calibration.json");
    let refused = |text: &str, told: &[&str]| {
        std::fs::write(place.path("calibration.json"), text).unwrap();
        let ended = place.run();
        assert_eq!(ended.status, Some(1), "{}", ended.err);
        for told in told {
            assert!(ended.err.contains(told), "{told}: {}", ended.err);
        }
    };
    let changed = |pointer: &str, value: Value| {
        let mut changed = sound.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    refused(
        &changed("/encoder/models/mobilefacenet", "0a".repeat(32).into()),
        &[
            "calibration.json was made with something else",
            "the encoder's model mobilefacenet was 0a0a0a0a0a0a",
            "overt evaluate identification --calibration",
        ],
    );
    refused(
        &changed("/backend/sha256", "0b".repeat(32).into()),
        &["the back end was onnxruntime", "0b0b0b0b0b0b"],
    );
    refused(
        &changed("/curve/0/threshold", 2.into()),
        &["calibration.json cannot be right: a threshold"],
    );
    refused("no calibration", &["calibration.json is no calibration"]);
    std::fs::remove_file(place.path("calibration.json")).unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    assert!(ended.err.contains("a calibration file"), "{}", ended.err);
}

#[test]
fn probes_in_the_wrong_folder_and_empty_folders_are_told_before_anything_is_measured() {
    let place = Place::new();
    photographs(&place, "gallery", &[("A.jpg", "a-1.jpg")]);
    photographs(&place, "mated", &[("B.jpg", "b.jpg")]);
    photographs(&place, "others", &[("A_0002.jpg", "a-2.jpg")]);
    let ended = identify(&place);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    for told in [
        "B.jpg: a mated probe of \"B\"",
        "A_0002.jpg: a non-mated probe of \"A\"",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    std::fs::remove_file(place.path("gallery/A.jpg")).unwrap();
    let ended = identify(&place);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("no photograph (.jpg, .jpeg or .png)"),
        "{}",
        ended.err
    );
    assert!(!place.path("result").exists());
}

#[test]
fn an_evaluation_that_is_interrupted_leaves_no_figures() {
    let place = Place::new();
    let folder = place.path("images/A");
    std::fs::create_dir_all(&folder).unwrap();
    let mut pairs = "1999\n".to_owned();
    // Enough to be in the middle of it when the first plain line of progress comes.
    for number in 1..=2_000 {
        let file = folder.join(format!("A_{number:04}.jpg"));
        std::os::unix::fs::symlink(photograph("a-1.jpg"), file).unwrap();
        if number > 2 {
            pairs += &format!("A 1 {number}\n");
        }
    }
    pairs += "A 1 B 1\n";
    std::fs::create_dir_all(place.path("images/B")).unwrap();
    std::fs::copy(photograph("b.jpg"), place.path("images/B/B_0001.jpg")).unwrap();
    std::fs::write(place.path("pairs.txt"), pairs).unwrap();
    let mut child = support::overt()
        .args(["evaluate", "verification", "--deployment"])
        .arg(place.deployment())
        .arg("--pairs")
        .arg(place.path("pairs.txt"))
        .arg("--images")
        .arg(place.path("images"))
        .arg("--json")
        .arg(place.path("result/figures.json"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(lines).map(Result::unwrap);
    assert!(
        lines.any(|line| line.contains("photographs")),
        "no progress"
    );
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert!(lines.any(|line| line.contains("nothing is written")));
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left = std::fs::read_dir(place.path("result")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_deployment_that_is_signed_calibrated_and_locked_has_nothing_out_of_order() {
    let place = searched();
    place.film(5);
    // No larger than the gallery that it was calibrated with.
    place.change("watchlist-size = 100", "watchlist-size = 2");
    place.change(
        "score-floor = 0.45",
        "calibration = \"calibration.json\"\nscore-floor = 0.45",
    );
    let deployment = place.deployment();
    let inspect = || run([Path::new("deployment"), Path::new("inspect"), &deployment]);
    let unlocked = inspect();
    assert_eq!(unlocked.status, Some(1));
    assert!(
        unlocked.out.contains("there is no lock"),
        "{}",
        unlocked.out
    );
    let locked = place.run_as("anna", [Path::new("lock"), &deployment]);
    assert_eq!(locked.status, Some(0), "{}", locked.err);
    let ended = inspect();
    assert_eq!(ended.status, Some(0), "{}", ended.out);
    assert!(
        ended.out.contains("The lock holds") && ended.out.ends_with("Nothing is out of order.\n"),
        "{}",
        ended.out
    );
    // Another calibration, though as good, is not what was locked.
    let calibration = place.path("calibration.json");
    let text = std::fs::read_to_string(&calibration).unwrap();
    std::fs::write(
        &calibration,
        text.replace("six photographs", "6 photographs"),
    )
    .unwrap();
    let refused = run([Path::new("run"), Path::new("--rehearsal"), &deployment]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.err.contains("authority.calibration: locked "),
        "{}",
        refused.err
    );
}
