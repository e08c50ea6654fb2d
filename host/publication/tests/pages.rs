//! The pages as a whole: their structure for those who do not see them, and, where OVERT_PAGES names a folder, the pages themselves for those who do.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::notice::{NoticeError, Paper};
use support::pages::{all, notice};

/// The tags of a page, in order, without their attributes.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .filter_map(|rest| rest.split(['>', ' ', '\n']).next())
        .collect()
}

#[test]
fn every_page_is_whole_and_its_structure_can_be_heard() {
    let to_look_at = std::env::var_os("OVERT_PAGES").map(std::path::PathBuf::from);
    for (name, html) in all() {
        if let Some(folder) = &to_look_at {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(name), &html).unwrap();
        }
        assert!(
            html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
            "{name}"
        );
        let tags = tags(&html);
        let count = |tag: &str| tags.iter().filter(|one| **one == tag).count();
        assert_eq!(
            (count("h1"), count("main"), count("title")),
            (1, 1, 1),
            "{name}"
        );
        // Whatever opens closes, in order.
        let mut open = Vec::new();
        for tag in &tags {
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
                None if ["!DOCTYPE", "meta", "path", "rect", "circle"]
                    .iter()
                    .any(|void| tag.starts_with(void)) =>
                {
                    // A drawing's parts close themselves.
                }
                None => open.push(tag),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        // Headings without a gap.
        let levels = tags
            .iter()
            .filter_map(|tag| tag.strip_prefix('h')?.parse::<u32>().ok());
        levels.fold(0, |last, level| {
            assert!(level <= last + 1, "{name}: h{level} after h{last}");
            level
        });
        // Every table has a caption, every header cell a scope.
        assert_eq!(count("table"), count("caption"), "{name}");
        assert_eq!(count("th"), html.matches("<th scope=").count(), "{name}");
        // An id is there once, and every link within the page leads somewhere.
        let ids: Vec<_> = html
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        for (place, id) in ids.iter().enumerate() {
            assert!(!ids[..place].contains(id), "{name}: {id} is there twice");
        }
        for to in html
            .split("href=\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(ids.contains(&to), "{name}: nothing at #{to}");
        }
        // Nothing comes from elsewhere, and nothing runs.
        for outside in ["http://", "https://", "<script", "<link", "@import", "url("] {
            let found = html
                .replace("http://www.w3.org/2000/svg", "")
                .contains(outside);
            assert!(!found, "{name}: {outside}");
        }
        // A drawing has a sentence, and a table follows it.
        for rest in html.split("<figure>").skip(1) {
            assert!(rest.contains("role=\"img\" aria-label=\""), "{name}");
            let after = rest.split("</figure>").nth(1).unwrap().trim_start();
            assert!(after.starts_with("<div class=\"wide\""), "{name}");
        }
    }
}

#[test]
fn a_page_shows_why_whatever_is_missing_is_missing() {
    let pages = all();
    let page = |name: &str| &pages.iter().find(|(one, _)| *one == name).unwrap().1;
    assert!(
        page("awkward.html").contains("expired: scores are kept for 24 hours after the deployment")
    );
    assert!(page("awkward.html").contains("redacted: would make an operation known that goes on"));
    assert!(page("awkward.html").contains("2 sums do not hold"));
    assert!(page("nothing.html").contains("place not recorded"));
    assert!(page("whole.html").contains("<svg") && !page("nothing.html").contains("<svg"));
}

#[test]
fn a_notice_says_everything_or_there_is_none() {
    let text = notice().checked().unwrap().text();
    for said in [
        "POLICE USE FACIAL RECOGNITION HERE",
        "The Chief Constable of Anytown Police",
        "Saturday 31 January 2026, 09:00 to 15:00 UTC",
        "- missing and at risk",
        "alerts with their pictures and scores: at most 24 hours",
        "pictures of the people looked for: at most 31 days",
        "To the regulator:",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 76));
    let mut silent = notice();
    silent.particulars.regulator = "  ".into();
    silent.categories.clear();
    match silent.checked() {
        Err(NoticeError::Missing(missing)) => {
            assert_eq!(missing, ["regulator", "categories of the watchlist"])
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sign_is_in_large_print_however_much_it_says() {
    let mut long = notice();
    long.categories = vec!["a category with a long name".into(); 40];
    for (notice, points) in [(notice(), "18pt"), (long, "16pt")] {
        let notice = notice.checked().unwrap();
        assert!(
            notice
                .sign(Paper::A4)
                .unwrap()
                .contains(&format!("font: {points}/1.3"))
        );
        assert!(notice.sign(Paper::A3).unwrap().contains("size: A3"));
    }
}
