//! The page of one alert. Before its reader has judged it holds neither the score nor what the policy said, which can name scores.

use askama::Template;
use overt_deployment::Deployment;
use overt_pipeline::desk::{Bytes, Viewed};
use overt_records::RunMode;

use super::{SearchRow, priority_text, step_text};
use crate::failure::Failure;
use crate::times;

/// The page.
#[derive(Template)]
#[template(path = "alert.html")]
struct Page {
    deployment: String,
    number: u32,
    reference: String,
    /// The face as a `data:` address.
    probe: String,
    /// Whose face it is, in the words of where it was seen.
    whose: &'static str,
    pictures: Vec<String>,
    facts: Vec<(&'static str, String)>,
    steps: Vec<String>,
    /// The score and what the policy said.
    after: Option<(String, String)>,
    role: String,
    is_closed: bool,
}

/// The page as HTML.
pub(super) fn page(deployment: &Deployment, viewed: &Viewed) -> Result<String, Failure> {
    let alert = &viewed.listed.living.alert;
    let mut facts = vec![("Category", alert.category.clone())];
    facts.extend(seen(viewed));
    facts.extend([
        ("Raised", super::shown(alert.raised_at)),
        ("Priority", priority_text(alert.priority).to_owned()),
        ("State", viewed.listed.state().name().to_owned()),
    ]);
    if let Some(at) = viewed.listed.lapses_at {
        facts.push(("Lapses", super::shown(at)));
    }
    let page = Page {
        deployment: deployment.id.clone(),
        number: alert.number,
        reference: alert.reference.clone(),
        probe: address(&viewed.probe),
        whose: whose(viewed),
        pictures: viewed.pictures.iter().map(address).collect(),
        facts,
        steps: viewed
            .listed
            .living
            .life
            .steps()
            .iter()
            .map(step_text)
            .collect(),
        after: viewed
            .after
            .as_ref()
            .map(|after| (format!("{:.3}", after.score), after.reason.clone())),
        role: viewed.role.to_string(),
        is_closed: viewed.listed.state().is_closed(),
    };
    page.render().map_err(|error| {
        Failure::new(
            format!("the page cannot be made: {error}"),
            "this is a fault of Overt",
        )
    })
}

/// Whose face the alert is about: nobody is known by name before people have judged.
fn whose(viewed: &Viewed) -> &'static str {
    match viewed.listed.search.as_ref().map(|search| search.mode) {
        None => "The passer-by",
        Some(RunMode::Operator) => "The person in the officer’s photograph",
        Some(_) => "The person in the searched image",
    }
}

/// Where the face was seen.
fn seen(viewed: &Viewed) -> Vec<(&'static str, String)> {
    let alert = &viewed.listed.living.alert;
    let Some(search) = viewed.listed.search.as_ref() else {
        return vec![
            ("Camera", alert.camera.clone()),
            ("Time of the camera", times::on_a_clock(alert.time)),
        ];
    };
    let row = SearchRow::of(search);
    let mut facts = vec![(
        "Searched",
        match search.mode {
            RunMode::Operator => "a photograph that an officer took",
            _ => "stored images",
        }
        .to_owned(),
    )];
    if let (Some(source), Some(owner)) = (row.source, row.owner) {
        facts.push(("Out of", source.to_owned()));
        facts.push(("Owner of the footage", owner.to_owned()));
    }
    facts.extend([
        ("Taken", row.when()),
        ("Place where it was taken", row.place.to_owned()),
        (
            "Photograph",
            format!(
                "{} of {}",
                u64::from(alert.last_frame) + 1,
                search.searched.photographs
            ),
        ),
    ]);
    facts
}

fn address(jpeg: &Bytes) -> String {
    format!("data:image/jpeg;base64,{}", &*jpeg.to_base64())
}
