//! What the public is told of a deployment, made of the same data that it runs by: a page, the same as plain text, and a sign in large print. The words of law are
//! the force's, never ours: without them there is no notice.

use askama::Template;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Limit, Mode};
use crate::text::{clean, grouped};

/// What the force says of itself and its law: a file of its own, the same for many deployments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Particulars {
    /// Who answers for the processing.
    pub controller: String,
    /// How to reach them.
    pub contact: String,
    /// The data protection officer and how to reach them.
    pub data_protection_officer: String,
    /// On which law it rests.
    pub lawful_basis: String,
    /// The rights that a person has, each in a sentence.
    pub rights: Vec<String>,
    /// How to use them.
    pub how_to_use_rights: String,
    /// How to complain to the force.
    pub complaints: String,
    /// How to complain to the regulator.
    pub regulator: String,
    /// Where there is more to read: an address.
    pub more: String,
}

/// A notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The force's part.
    pub particulars: Particulars,
    /// How faces come in.
    pub mode: Mode,
    /// What it is for.
    pub purpose: String,
    /// Where.
    pub place: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Whom the police look for: the watchlist's categories.
    pub categories: Vec<String>,
    /// How long what is kept.
    pub retention: Vec<Limit>,
}

/// Why there is no notice.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The public would not be told something that it has to be told.
    #[error("the notice would not say: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The page could not be written.
    #[error("the notice cannot be written: {0}")]
    Html(#[from] askama::Error),
}

/// The paper of a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// 210 mm × 297 mm.
    A4,
    /// 297 mm × 420 mm.
    A3,
}

/// A heading with what stands under it, which all forms of the notice have.
struct Passage {
    id: &'static str,
    heading: &'static str,
    sentences: Vec<String>,
    list: Vec<String>,
    /// Sentences after the list.
    after: Vec<String>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct PageHtml<'a> {
    title: &'a str,
    passages: &'a [Passage],
}

#[derive(Template)]
#[template(path = "sign.html")]
struct SignHtml<'a> {
    notice: &'a Notice,
    when: String,
    paper: &'static str,
    /// Size of its text, in points.
    points: u32,
}

impl Paper {
    fn name(self) -> &'static str {
        match self {
            Self::A4 => "A4",
            Self::A3 => "A3",
        }
    }
}

impl Notice {
    /// A notice that says all that has to be said, cleaned of text that moves or hides other text.
    ///
    /// # Errors
    /// [`NoticeError::Missing`] with everything that is missing.
    pub fn checked(self) -> Result<Self, NoticeError> {
        let said = &self.particulars;
        let blank = |text: &str| text.trim().is_empty();
        let all_blank = |list: &[String]| list.iter().all(|text| blank(text));
        let missing: Vec<_> = [
            ("controller", blank(&said.controller)),
            ("contact", blank(&said.contact)),
            (
                "data-protection-officer",
                blank(&said.data_protection_officer),
            ),
            ("lawful-basis", blank(&said.lawful_basis)),
            ("rights", all_blank(&said.rights)),
            ("how-to-use-rights", blank(&said.how_to_use_rights)),
            ("complaints", blank(&said.complaints)),
            ("regulator", blank(&said.regulator)),
            ("more", blank(&said.more)),
            ("purpose", blank(&self.purpose)),
            ("place", blank(&self.place)),
            ("categories of the watchlist", all_blank(&self.categories)),
            ("retention", self.retention.is_empty()),
        ]
        .into_iter()
        .filter_map(|(what, missing)| missing.then_some(what))
        .collect();
        if !missing.is_empty() {
            return Err(NoticeError::Missing(missing));
        }
        let list = |list: &[String]| list.iter().map(|text| clean(text)).collect();
        let limit = |limit: &Limit| Limit {
            data: clean(&limit.data),
            hours: limit.hours,
        };
        Ok(Self {
            particulars: Particulars {
                controller: clean(&said.controller),
                contact: clean(&said.contact),
                data_protection_officer: clean(&said.data_protection_officer),
                lawful_basis: clean(&said.lawful_basis),
                rights: list(&said.rights),
                how_to_use_rights: clean(&said.how_to_use_rights),
                complaints: clean(&said.complaints),
                regulator: clean(&said.regulator),
                more: clean(&said.more),
            },
            purpose: clean(&self.purpose),
            place: clean(&self.place),
            categories: list(&self.categories),
            retention: self.retention.iter().map(limit).collect(),
            ..self
        })
    }

    fn when(&self) -> String {
        let day = |time: Timestamp| time.strftime("%A %-d %B %Y").to_string();
        let (from, to) = (self.from.strftime("%H:%M"), self.to.strftime("%H:%M"));
        match (day(self.from), day(self.to)) {
            (one, other) if one == other => format!("{one}, {from} to {to} UTC"),
            (one, other) => format!("{one}, {from} UTC, to {other}, {to} UTC"),
        }
    }

    fn passages(&self) -> Vec<Passage> {
        let said = &self.particulars;
        let passage = |id, heading, sentences: Vec<String>| Passage {
            id,
            heading,
            sentences,
            list: Vec::new(),
            after: Vec::new(),
        };
        let how = match self.mode {
            Mode::Live => {
                "Cameras look at the faces of people who pass. Software compares each face with a list of people whom the police look for."
            }
            Mode::Retrospective => {
                "Software compares faces in stored footage with a list of people whom the police look for."
            }
            Mode::Operator => {
                "An officer may take a photograph of a face. Software compares it with a list of people whom the police look for."
            }
        };
        let kept = |limit: &Limit| {
            let hours = match limit.hours {
                1 => "1 hour".to_owned(),
                hours if hours > 48 && hours % 24 == 0 => format!("{} days", grouped(hours / 24)),
                hours => format!("{} hours", grouped(hours)),
            };
            format!("{}: at most {hours}", limit.data)
        };
        vec![
            passage("where", "Where and when", vec![format!("{}.", self.place), format!("{}.", self.when())]),
            passage(
                "what",
                "What is done",
                vec![
                    how.to_owned(),
                    "No alert leads to anything by itself: people look at it first, and only people decide whether to speak to somebody.".to_owned(),
                ],
            ),
            passage("why", "What for", vec![self.purpose.clone()]),
            Passage {
                list: self.categories.clone(),
                ..passage("list", "Who is looked for", vec!["The list holds only people of these kinds:".to_owned()])
            },
            Passage {
                list: self.retention.iter().map(kept).collect(),
                after: vec!["Something is kept longer only where it is held for a stated reason, such as a complaint.".to_owned()],
                ..passage(
                    "kept",
                    "What is kept, and for how long",
                    vec!["If your face raises no alert, neither its picture nor anything computed from it is stored. What is stored:".to_owned()],
                )
            },
            passage("who", "Who answers for it", vec![said.controller.clone(), said.contact.clone()]),
            passage("dpo", "Data protection officer", vec![said.data_protection_officer.clone()]),
            passage("law", "On which law it rests", vec![said.lawful_basis.clone()]),
            Passage {
                list: said.rights.clone(),
                after: vec![said.how_to_use_rights.clone()],
                ..passage("rights", "Your rights and how to use them", Vec::new())
            },
            passage(
                "complain",
                "How to complain",
                vec![
                    format!("To the police: {}", said.complaints),
                    format!("To the regulator: {}", said.regulator),
                ],
            ),
            passage("more", "More to read", vec![said.more.clone()]),
        ]
    }

    fn title(&self) -> &'static str {
        match self.mode {
            Mode::Live => "Police use facial recognition here",
            Mode::Retrospective => "Police use facial recognition on stored footage",
            Mode::Operator => "Police officers use facial recognition",
        }
    }

    /// As a page.
    ///
    /// # Errors
    /// [`NoticeError::Html`]: none is known to happen.
    pub fn html(&self) -> Result<String, NoticeError> {
        let page = PageHtml {
            title: self.title(),
            passages: &self.passages(),
        };
        Ok(page.render()?)
    }

    /// As plain text, in lines of at most 76 characters.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.title().to_uppercase());
        for passage in self.passages() {
            text += &format!(
                "\n{}\n{}\n",
                passage.heading,
                "-".repeat(passage.heading.chars().count())
            );
            for sentence in &passage.sentences {
                wrap(&mut text, sentence, "", "");
            }
            for item in &passage.list {
                wrap(&mut text, item, "- ", "  ");
            }
            for sentence in &passage.after {
                wrap(&mut text, sentence, "", "");
            }
        }
        text
    }

    /// As a sign in large print: on one sheet, unless the words are very many.
    ///
    /// # Errors
    /// [`NoticeError::Html`]: none is known to happen.
    pub fn sign(&self, paper: Paper) -> Result<String, NoticeError> {
        // The longer it is, the smaller; never under 16 points, which is where large print begins.
        let length: usize = [
            &self.purpose,
            &self.place,
            &self.particulars.controller,
            &self.particulars.contact,
            &self.particulars.more,
        ]
        .into_iter()
        .chain(&self.categories)
        .map(|text| text.chars().count())
        .sum();
        let on_a4 = if length <= 420 { 18 } else { 16 };
        let sign = SignHtml {
            notice: self,
            when: self.when(),
            paper: paper.name(),
            points: match paper {
                Paper::A4 => on_a4,
                // The sheet is √2 as wide.
                Paper::A3 => on_a4 * 141 / 100,
            },
        };
        Ok(sign.render()?)
    }
}

/// Appends text in lines of at most 76 characters.
fn wrap(text: &mut String, sentence: &str, first: &str, next: &str) {
    const WIDTH: usize = 76;
    let mut line = first.to_owned();
    let mut empty = true;
    for word in sentence.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = next.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    text.push_str(&line);
    text.push('\n');
}
