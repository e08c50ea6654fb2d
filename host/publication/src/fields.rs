//! The fields of a record in the order in which people read them, with their words. All formats are made from this one table, so none can forget a field.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count. Whether counts of several deployments add up: the same person can be on several watchlists.
    Count {
        /// They do.
        adds: bool,
    },
    /// A number that is no count.
    Number,
    /// Words.
    Text,
    /// A mode.
    Mode,
    /// A moment.
    Moment,
    /// Yes or no.
    YesNo,
    /// Rows, each with these members.
    Rows(&'static [Column]),
}

/// A member of the rows of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its key.
    pub key: &'static str,
    /// Its words.
    pub label: &'static str,
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Where it stands in the record, such as `alerts.raised`.
    pub path: &'static str,
    /// Its words.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// Fields that are read together.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name in addresses.
    pub id: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What one has to know to read it; empty where that is nothing.
    pub intro: &'static str,
    /// Its fields.
    pub fields: &'static [FieldInfo],
}

const fn count(path: &'static str, label: &'static str) -> FieldInfo {
    let kind = Kind::Count { adds: true };
    FieldInfo { path, label, kind }
}

const fn size(path: &'static str, label: &'static str) -> FieldInfo {
    let kind = Kind::Count { adds: false };
    FieldInfo { path, label, kind }
}

const fn of(kind: Kind, path: &'static str, label: &'static str) -> FieldInfo {
    FieldInfo { path, label, kind }
}

const fn column(key: &'static str, label: &'static str) -> Column {
    Column { key, label }
}

const TALLIES: Kind = Kind::Rows(&[column("name", "Which"), column("count", "How many")]);

/// The sections of a record.
pub const SECTIONS: &[Section] = &[
    Section {
        id: "deployment",
        heading: "The deployment",
        intro: "",
        fields: &[
            of(
                Kind::Number,
                "deployment.number",
                "Number in the force’s register",
            ),
            of(Kind::Text, "deployment.id", "Deployment"),
            of(Kind::Mode, "deployment.mode", "Mode"),
            of(Kind::YesNo, "deployment.rehearsal", "Rehearsal"),
            of(Kind::Moment, "deployment.planned-start", "Allowed from"),
            of(Kind::Moment, "deployment.planned-end", "Allowed until"),
            of(Kind::Moment, "deployment.start", "Started"),
            of(Kind::Moment, "deployment.end", "Ended"),
            of(Kind::Text, "deployment.place", "Place"),
            of(Kind::Text, "deployment.use-case", "Use case"),
            of(Kind::Text, "deployment.purpose", "Purpose"),
            of(
                Kind::Rows(&[
                    column("from", "From"),
                    column("to", "To"),
                    column("tracks", "Faces seen (passes)"),
                    column("withheld", "Alerts that it would have raised"),
                ]),
                "deployment.rehearsals",
                "Rehearsals, which alert on nobody",
            ),
            of(
                Kind::Rows(&[
                    column("place", "Taken at"),
                    column("from", "From"),
                    column("to", "To"),
                    column("owner", "Owner"),
                ]),
                "deployment.footage",
                "Footage that was searched",
            ),
        ],
    },
    Section {
        id: "authority",
        heading: "Who allowed it",
        intro: "",
        fields: &[
            of(
                Kind::Text,
                "authority.rank",
                "Rank of the authorising officer",
            ),
            of(
                Kind::Text,
                "authority.reference",
                "Reference of the authority",
            ),
            of(Kind::Moment, "authority.given-at", "Given"),
            of(Kind::Moment, "authority.until", "Held until"),
            of(Kind::YesNo, "authority.urgent", "Urgent"),
            of(
                Kind::Rows(&[
                    column("given-at", "Given"),
                    column("until", "Until"),
                    column("rank", "Rank"),
                    column("reference", "Reference"),
                    column("reason", "Why"),
                ]),
                "authority.extensions",
                "Extensions",
            ),
            of(
                Kind::Rows(&[column("version", "Version"), column("sha256", "SHA-256")]),
                "authority.rules",
                "The force’s rules by which it was given",
            ),
            of(
                Kind::Rows(&[
                    column("kind", "Document"),
                    column("version", "Version"),
                    column("date", "Date"),
                    column("sha256", "SHA-256"),
                ]),
                "authority.documents",
                "Documents in force",
            ),
            of(
                Kind::Rows(&[column("place", "Where"), column("from", "Since")]),
                "authority.notice",
                "Notice given to the public",
            ),
        ],
    },
    Section {
        id: "cameras",
        heading: "Cameras",
        intro: "",
        fields: &[
            count("cameras.total", "Cameras"),
            count("cameras.body-worn", "Of these worn on the body"),
            of(
                Kind::Rows(&[
                    column("kind", "Kind"),
                    column("owner", "Owner"),
                    column("count", "Cameras"),
                ]),
                "cameras.groups",
                "Cameras by kind and owner",
            ),
        ],
    },
    Section {
        id: "watchlist",
        heading: "Watchlist",
        intro: "The counts by category, by source and by reason are of everybody who was on the list at any time during the deployment. Why somebody was on it who was \
                not wanted for arrest is told by category: the reasons themselves are words about a person, and are destroyed with the entry.",
        fields: &[
            size("watchlist.at-start.people", "People, at the start"),
            size("watchlist.at-start.images", "Images, at the start"),
            size("watchlist.largest.people", "People, at its largest"),
            size("watchlist.largest.images", "Images, at its largest"),
            size("watchlist.at-end.people", "People, at the end"),
            size("watchlist.at-end.images", "Images, at the end"),
            size("watchlist.everybody.people", "People, at any time"),
            size("watchlist.everybody.images", "Images, at any time"),
            size(
                "watchlist.everybody.wanted-for-arrest",
                "People wanted for arrest",
            ),
            size(
                "watchlist.everybody.not-wanted-for-arrest",
                "People not wanted for arrest",
            ),
            size("watchlist.everybody.under-18", "People under 18"),
            of(
                TALLIES,
                "watchlist.everybody.by-category",
                "People by category",
            ),
            of(TALLIES, "watchlist.everybody.by-source", "Images by source"),
            of(
                TALLIES,
                "watchlist.everybody.reasons-not-wanted",
                "Why people not wanted for arrest were on it",
            ),
        ],
    },
    Section {
        id: "faces",
        heading: "Faces and frames",
        intro: "A face that a camera follows from frame to frame is one pass, and as many detections as there are frames in which it was found. Somebody \
                who passes twice, or two cameras, is counted twice: nothing recognises them.",
        fields: &[
            count("faces.tracks", "Faces seen (passes)"),
            count("faces.detections", "Detections"),
            count("faces.comparisons", "Comparisons with the watchlist"),
            count("frames.read", "Frames taken from cameras"),
            count("frames.processed", "Frames looked at"),
            count(
                "frames.dropped",
                "Frames left out because a newer one was there",
            ),
            count("frames.unseen", "Frames that no healthy plugin saw"),
            count("frames.quarantines", "Plugins put in quarantine"),
        ],
    },
    Section {
        id: "alerts",
        heading: "Alerts",
        intro: "Every alert ends in exactly one way. Lapsed and withdrawn alerts are not counted as false.",
        fields: &[
            count("alerts.raised", "Alerts raised"),
            count("alerts.false-alerts", "False alerts"),
            count(
                "alerts.rejected-not-this-person",
                "Rejected by an operator: not this person",
            ),
            count(
                "alerts.rejected-no-longer-wanted",
                "Rejected by an operator: no longer wanted",
            ),
            count(
                "alerts.rejected-not-proportionate",
                "Rejected by an operator: not proportionate",
            ),
            count(
                "alerts.rejected-cannot-tell",
                "Rejected by an operator: cannot tell",
            ),
            count(
                "alerts.not-viable",
                "Not viable, said an engagement officer",
            ),
            count("alerts.not-located", "The person was not found"),
            count("alerts.confirmed-true", "Confirmed: the person sought"),
            count("alerts.confirmed-false", "Confirmed: somebody else"),
            count("alerts.lapsed", "Lapsed: nobody judged it in time"),
            count(
                "alerts.withdrawn",
                "Withdrawn: the entry was removed from the watchlist, or its retention was over",
            ),
            count("alerts.open", "Not closed yet"),
            of(
                Kind::Rows(&[
                    column("from", "From"),
                    column("to", "To"),
                    column("count", "Alerts"),
                ]),
                "alerts.over-time",
                "Alerts over time",
            ),
            of(
                Kind::Rows(&[
                    column("from", "Score from"),
                    column("to", "to less than"),
                    column("count", "Alerts"),
                ]),
                "alerts.scores",
                "Scores of the alerts",
            ),
        ],
    },
    Section {
        id: "stops",
        heading: "Stops and what came of them",
        intro: "A stop is not an identity check, and neither is an arrest: each is counted by itself.",
        fields: &[
            count("stops.total", "Stops"),
            count("stops.identity-not-asked", "No identity asked for"),
            count("stops.identity-checked", "Identity checked"),
            count("stops.identity-refused", "Identity refused"),
            count("stops.identity-not-established", "Identity not established"),
            count(
                "stops.verified-correct",
                "Alert verified as correct by an identity check",
            ),
            count("stops.fingerprints-asked", "Fingerprints asked for"),
            count("outcomes.arrests", "Arrests"),
            count("outcomes.other", "Other outcomes"),
            count("outcomes.no-further-action", "No further action"),
            count("outcomes.pending", "Outcome not on record yet"),
            of(
                TALLIES,
                "outcomes.arrests-by-reason",
                "Arrests by what they were for",
            ),
        ],
    },
    Section {
        id: "people",
        heading: "People engaged",
        intro: "As they defined themselves or an officer did, kept apart from every image. No software infers any of this.",
        fields: &[
            of(TALLIES, "people-engaged.ethnicity", "Ethnicity"),
            of(TALLIES, "people-engaged.sex", "Sex"),
            of(TALLIES, "people-engaged.age-band", "Age band"),
        ],
    },
    Section {
        id: "judges",
        heading: "Who judged",
        intro: "Two different people stand between the software and a stop.",
        fields: &[of(
            Kind::Rows(&[
                column("role", "Role"),
                column("people", "People"),
                column("judgements", "Judgements"),
                column("selection", "Selected by"),
                column("course", "Course"),
                column("version", "Version"),
                column("from", "Valid from"),
                column("until", "Until"),
            ]),
            "judges.by-credential",
            "Judges by role and credential",
        )],
    },
    Section {
        id: "software",
        heading: "Threshold, plugins and models",
        intro: "A score means something only for the calibration that it was measured with.",
        fields: &[
            of(
                Kind::Number,
                "threshold.score-floor",
                "Least score that may raise an alert",
            ),
            of(
                Kind::Rows(&[
                    column("encoder", "Encoder"),
                    column("detector", "Detector"),
                    column("backend", "Back end"),
                    column("gallery-people", "People in the gallery"),
                    column("gallery-images", "Their images"),
                    column("false-positives", "False positives"),
                    column("non-mated", "of searches for others"),
                    column("misses", "Misses"),
                    column("mated", "of searches for people in it"),
                    column("sha256", "SHA-256"),
                ]),
                "threshold.calibration",
                "Calibration, at the floor",
            ),
            of(Kind::Text, "software.host", "Version of the host"),
            of(
                Kind::Rows(&[
                    column("role", "Role"),
                    column("name", "Plugin"),
                    column("version", "Version"),
                    column("sha256", "SHA-256"),
                ]),
                "software.plugins",
                "Plugins that served",
            ),
            of(
                Kind::Rows(&[
                    column("name", "Model"),
                    column("sha256", "SHA-256, which is its version"),
                ]),
                "software.models",
                "Models",
            ),
        ],
    },
    Section {
        id: "retention",
        heading: "What is kept, destroyed and held",
        intro: "Of everybody who raised no alert nothing is kept but the counts above.",
        fields: &[
            of(
                Kind::Rows(&[
                    column("data", "Data"),
                    column("hours", "Kept for at most (hours)"),
                ]),
                "retention.limits",
                "Limits",
            ),
            of(
                Kind::Rows(&[
                    column("data", "Data"),
                    column("count", "How many"),
                    column("last-at", "The last of it"),
                ]),
                "retention.destroyed",
                "Destroyed",
            ),
            of(
                Kind::Rows(&[
                    column("data", "Data"),
                    column("reason", "Why"),
                    column("owner", "Whose hold"),
                    column("until", "Until"),
                ]),
                "retention.held",
                "Held beyond its limit",
            ),
        ],
    },
];

/// Every field, in order.
pub fn all() -> impl Iterator<Item = &'static FieldInfo> {
    SECTIONS.iter().flat_map(|section| section.fields)
}

/// Every count, in order.
pub fn counts() -> impl Iterator<Item = &'static FieldInfo> {
    all().filter(|field| matches!(field.kind, Kind::Count { .. }))
}

/// The field of a path.
pub fn named(path: &str) -> Option<&'static FieldInfo> {
    all().find(|field| field.path == path)
}

/// The words of a field; the path itself where there is none of that path.
pub fn label(path: &'static str) -> &'static str {
    named(path).map_or(path, |field| field.label)
}
