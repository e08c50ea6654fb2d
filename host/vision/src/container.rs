//! Which kind of file a video is, by its first bytes. Knows nothing of what is inside.
//!
//! Two reasons to look before FFmpeg does. FFmpeg's choice of format goes by content, and some formats it knows are lists of
//! other files and of addresses to fetch: a "video" must not make the host open either. And only some containers say how many frames they
//! hold; elsewhere the number is duration × rate, an estimate.

/// Bytes that [`Container::of`] looks at.
pub(crate) const FIRST_BYTES: usize = 512;

/// The containers that a camera file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// RIFF AVI.
    Avi,
    /// ISO base media: MP4, MOV, 3GP.
    IsoMedia,
    /// Matroska and WebM.
    Matroska,
    /// MPEG-2 transport stream, with packets of 188 bytes or, as M2TS, of 192.
    TransportStream,
    /// MPEG program stream.
    ProgramStream,
}

impl Container {
    /// For messages.
    pub(crate) const NAMES: &str = "AVI, MP4 or MOV, Matroska or WebM, MPEG-TS, MPEG-PS";

    /// The container that starts with these bytes.
    pub(crate) fn of(first: &[u8]) -> Option<Container> {
        let at = |place: usize, bytes: &[u8]| {
            first
                .get(place..)
                .is_some_and(|rest| rest.starts_with(bytes))
        };
        let synchronised =
            |start: usize, packet: usize| (0..2).all(|n| at(start + n * packet, &[0x47]));
        let iso_boxes: [&[u8]; 5] = [b"ftyp", b"moov", b"mdat", b"wide", b"free"];
        if at(0, b"RIFF") && at(8, b"AVI ") {
            Some(Container::Avi)
        } else if iso_boxes.iter().any(|name| at(4, name)) {
            Some(Container::IsoMedia)
        } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            Some(Container::Matroska)
        } else if at(0, &[0x00, 0x00, 0x01, 0xBA]) {
            Some(Container::ProgramStream)
        } else if synchronised(0, 188) || synchronised(4, 192) {
            Some(Container::TransportStream)
        } else {
            None
        }
    }

    /// Whether the container's index says how many frames there are.
    pub(crate) fn counts_frames(self) -> bool {
        matches!(self, Container::Avi | Container::IsoMedia)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_known_by_its_first_bytes() {
        assert_eq!(Container::of(b"RIFF\0\0\0\0AVI LIST"), Some(Container::Avi));
        assert_eq!(
            Container::of(b"\0\0\0\x20ftypisom"),
            Some(Container::IsoMedia)
        );
        assert_eq!(
            Container::of(&[0x1A, 0x45, 0xDF, 0xA3, 0]),
            Some(Container::Matroska)
        );
        assert_eq!(
            Container::of(&[0, 0, 1, 0xBA]),
            Some(Container::ProgramStream)
        );
        let mut stream = [0; 400];
        (stream[0], stream[188]) = (0x47, 0x47);
        assert_eq!(Container::of(&stream), Some(Container::TransportStream));
    }

    #[test]
    fn lists_of_other_files_are_no_containers() {
        for first in [
            &b"#EXTM3U\n/etc/passwd"[..],
            b"ffconcat version 1.0\nfile x",
            b"<?xml version=\"1.0\"?><MPD>",
            b"RIFF\0\0\0\0WAVE",
            b"",
            b"G",
        ] {
            assert_eq!(Container::of(first), None);
        }
    }
}
