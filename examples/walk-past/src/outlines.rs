//! Where the person is in each photograph: a face box and a rough outline, both measured by hand. Knows no pixel.

/// A photograph of a person, and where in it the person is.
pub(crate) struct Photograph {
    /// Its file.
    pub(crate) file: &'static str,
    /// Who it shows.
    pub(crate) person: &'static str,
    /// The face in pixels of the photograph: x, y, width, height.
    pub(crate) face: [f64; 4],
    /// Head and shoulders: a polygon in widths of the face, from the face's centre, x to the right and y down.
    pub(crate) outline: &'static [(f64, f64)],
}

/// Those who cross. The photograph on the watchlist is not among them.
pub(crate) const PHOTOGRAPHS: &[Photograph] = &[
    Photograph {
        file: "person-a-2.jpg",
        person: "person-a",
        face: [194.0, 216.1, 279.7, 443.5],
        outline: &[
            (-1.13, 2.2),
            (-1.13, 1.6),
            (-1.1, 1.1),
            (-1.0, 0.9),
            (-0.8, 0.76),
            (-0.35, 0.55),
            (-0.36, 0.23),
            (-0.46, -0.08),
            (-0.48, -0.3),
            (-0.45, -0.4),
            (-0.38, -0.72),
            (-0.2, -0.9),
            (0.1, -1.0),
            (0.5, -0.92),
            (0.7, -0.55),
            (0.73, -0.12),
            (0.68, 0.12),
            (0.5, 0.25),
            (0.43, 0.5),
            (0.77, 0.74),
            (0.9, 0.86),
            (0.97, 1.1),
            (0.99, 1.6),
            (0.99, 2.2),
        ],
    },
    Photograph {
        file: "person-a-3.jpg",
        person: "person-a",
        face: [652.7, 272.0, 250.5, 324.1],
        outline: &[
            (-2.07, 2.8),
            (-2.0, 2.0),
            (-1.86, 1.54),
            (-1.6, 1.33),
            (-0.97, 1.07),
            (-0.58, 0.86),
            (-0.45, 0.7),
            (-0.53, 0.4),
            (-0.7, 0.28),
            (-0.78, -0.05),
            (-0.6, -0.3),
            (-0.45, -0.66),
            (-0.25, -0.83),
            (0.0, -0.87),
            (0.25, -0.82),
            (0.4, -0.7),
            (0.52, -0.35),
            (0.6, -0.03),
            (0.54, 0.28),
            (0.44, 0.55),
            (0.3, 0.86),
            (0.7, 1.14),
            (1.22, 1.38),
            (1.5, 1.54),
            (1.6, 2.06),
            (1.7, 2.8),
        ],
    },
    Photograph {
        file: "person-b.jpg",
        person: "person-b",
        face: [429.9, 192.1, 272.0, 355.7],
        outline: &[
            (-2.03, 2.8),
            (-2.03, 2.38),
            (-1.93, 1.54),
            (-1.82, 1.02),
            (-1.35, 0.92),
            (-0.62, 0.72),
            (-0.46, 0.65),
            (-0.5, 0.28),
            (-0.64, 0.18),
            (-0.66, -0.03),
            (-0.64, -0.45),
            (-0.4, -0.87),
            (0.0, -1.0),
            (0.48, -0.87),
            (0.64, -0.55),
            (0.67, -0.13),
            (0.58, 0.18),
            (0.45, 0.5),
            (0.28, 0.72),
            (0.72, 1.02),
            (1.18, 1.28),
            (1.38, 1.54),
            (1.42, 2.1),
            (1.42, 2.8),
        ],
    },
    Photograph {
        file: "person-c.png",
        person: "person-c",
        face: [181.5, 58.2, 88.4, 119.6],
        outline: &[
            (-2.26, 2.8),
            (-2.16, 2.38),
            (-2.0, 1.75),
            (-1.8, 1.23),
            (-1.25, 0.91),
            (-1.21, 0.7),
            (-0.8, 0.33),
            (-0.46, 0.39),
            (-0.64, 0.02),
            (-0.8, -0.3),
            (-0.75, -0.6),
            (-0.38, -1.03),
            (0.0, -1.15),
            (0.57, -1.03),
            (0.85, -0.55),
            (0.8, -0.2),
            (0.5, 0.18),
            (0.4, 0.55),
            (0.72, 0.91),
            (0.88, 1.33),
            (1.2, 1.4),
            (1.46, 1.96),
            (1.53, 2.8),
        ],
    },
    Photograph {
        file: "person-d.jpg",
        person: "person-d",
        face: [174.8, 131.5, 182.2, 204.8],
        outline: &[
            (-1.39, 2.0),
            (-1.3, 1.54),
            (-1.18, 0.96),
            (-0.87, 0.75),
            (-0.45, 0.55),
            (-0.4, 0.5),
            (-0.55, 0.28),
            (-0.58, 0.0),
            (-0.6, -0.3),
            (-0.58, -0.66),
            (-0.4, -0.97),
            (0.0, -1.2),
            (0.44, -0.97),
            (0.56, -0.7),
            (0.54, -0.3),
            (0.56, 0.07),
            (0.46, 0.33),
            (0.39, 0.5),
            (0.8, 0.7),
            (1.15, 0.9),
            (1.27, 1.33),
            (1.3, 2.0),
        ],
    },
];

/// The photograph with this file name.
pub(crate) fn photograph(file: &str) -> Option<&'static Photograph> {
    PHOTOGRAPHS
        .iter()
        .find(|photograph| photograph.file == file)
}

impl Photograph {
    /// How far the outline reaches from the face's centre, in widths of the face: left, up, right, down.
    pub(crate) fn reach(&self) -> [f64; 4] {
        let least = |side: fn(&(f64, f64)) -> f64| {
            self.outline.iter().map(side).fold(f64::INFINITY, f64::min)
        };
        [
            -least(|point| point.0),
            -least(|point| point.1),
            -least(|point| -point.0),
            -least(|point| -point.1),
        ]
    }

    /// The face's centre in pixels of the photograph.
    pub(crate) fn face_centre(&self) -> (f64, f64) {
        let [x, y, width, height] = self.face;
        (x + width / 2.0, y + height / 2.0)
    }
}
