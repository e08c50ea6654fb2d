//! Takes one file out of a package's archive: a wheel (zip) or a gzipped tar. Knows no registry.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is taken out of an archive, in bytes: well over the largest wanted (284 MB), well under what fills a machine.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Why a file could not be taken out of an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive cannot be read.
    #[error("the archive cannot be read: {0}")]
    Unreadable(io::Error),
    /// The archive has no such file.
    #[error("the archive has no file {path:?}")]
    NoSuchFile {
        /// The file's path inside the archive.
        path: String,
    },
    /// The file is larger than what is taken out of an archive.
    #[error("{path:?} in the archive has more than {limit} bytes")]
    TooLarge {
        /// The file's path inside the archive.
        path: String,
        /// The most bytes that are read.
        limit: u64,
    },
}

/// The bytes of one file. What kind of archive it is, its first bytes tell.
pub(crate) fn extract(archive: &Path, path: &str) -> Result<Vec<u8>, ArchiveError> {
    extract_within(archive, path, MAX_FILE_BYTES)
}

fn extract_within(archive: &Path, path: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut start = [0; 2];
    let mut file = File::open(archive).map_err(ArchiveError::Unreadable)?;
    file.read_exact(&mut start)
        .map_err(ArchiveError::Unreadable)?;
    let file = File::open(archive).map_err(ArchiveError::Unreadable)?;
    if start == *b"PK" {
        from_zip(file, path, limit)
    } else {
        from_tar(file, path, limit)
    }
}

fn from_zip(file: File, path: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let unreadable =
        |error: zip::result::ZipError| ArchiveError::Unreadable(io::Error::other(error));
    let mut archive = zip::ZipArchive::new(file).map_err(unreadable)?;
    match archive.by_name(path) {
        Ok(entry) => read_within(entry, path, limit),
        Err(zip::result::ZipError::FileNotFound) => Err(ArchiveError::NoSuchFile {
            path: path.to_owned(),
        }),
        Err(error) => Err(unreadable(error)),
    }
}

fn from_tar(file: File, path: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().map_err(ArchiveError::Unreadable)? {
        let entry = entry.map_err(ArchiveError::Unreadable)?;
        if entry.path_bytes().as_ref() == path.as_bytes() {
            return read_within(entry, path, limit);
        }
    }
    Err(ArchiveError::NoSuchFile {
        path: path.to_owned(),
    })
}

fn read_within(entry: impl Read, path: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    entry
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(ArchiveError::Unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ArchiveError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn zip_of(name: &str, bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = zip::ZipWriter::new(file.reopen().unwrap());
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap();
        file
    }

    fn tar_of(name: &str, bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let gzip =
            flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(gzip);
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn a_file_comes_out_of_a_wheel_and_out_of_a_tar() {
        for archive in [
            zip_of("a/model.onnx", b"weights"),
            tar_of("a/model.onnx", b"weights"),
        ] {
            assert_eq!(extract(archive.path(), "a/model.onnx").unwrap(), b"weights");
            let error = extract(archive.path(), "b/model.onnx").unwrap_err();
            assert!(matches!(error, ArchiveError::NoSuchFile { path } if path == "b/model.onnx"));
        }
    }

    #[test]
    fn a_file_of_one_byte_too_many_is_refused_whatever_its_header_says() {
        for archive in [zip_of("m", &[0; 1000]), tar_of("m", &[0; 1000])] {
            assert_eq!(
                extract_within(archive.path(), "m", 1000).unwrap().len(),
                1000
            );
            let error = extract_within(archive.path(), "m", 999).unwrap_err();
            assert!(matches!(error, ArchiveError::TooLarge { limit: 999, .. }));
        }
    }

    #[test]
    fn an_archive_that_is_cut_short_or_no_archive_is_unreadable() {
        for archive in [zip_of("m", &[7; 1000]), tar_of("m", &[7; 1000])] {
            let length = archive.as_file().metadata().unwrap().len();
            archive.as_file().set_len(length / 2).unwrap();
            assert!(matches!(
                extract(archive.path(), "m"),
                Err(ArchiveError::Unreadable(_))
            ));
            archive.as_file().set_len(0).unwrap();
            assert!(matches!(
                extract(archive.path(), "m"),
                Err(ArchiveError::Unreadable(_))
            ));
        }
        let page = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(page.path(), "<html>not found</html>").unwrap();
        assert!(matches!(
            extract(page.path(), "m"),
            Err(ArchiveError::Unreadable(_))
        ));
    }
}
