//! Opening a file and finding out by its first bytes what it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::{Problem, visible};

const BUFFER_BYTES: usize = 256 << 10;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Text as it is.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// Columns.
    Parquet,
}

impl Packing {
    /// As the report names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Parquet => "parquet",
        }
    }
}

/// An open file.
pub enum Source {
    /// A stream of text, unpacked.
    Text(Box<dyn BufRead + Send>, Packing),
    /// Needs to seek.
    Parquet(File),
}

/// Bytes taken from the file so far, of how many.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Packed bytes read.
    pub bytes: Arc<AtomicU64>,
    /// Size of the file; 0 where it isn't known.
    pub total: u64,
}

/// Opens a file, or standard input for `-`.
pub fn open(path: &Path) -> Result<(Source, Taken), Problem> {
    if path.as_os_str() == "-" {
        return unpack(Box::new(io::stdin()), Taken::default());
    }
    let trouble = |e: &io::Error| {
        Problem::new("unreadable", format!("can't be opened: {}", visible(&e.to_string())))
    };
    let mut file = File::open(path).map_err(|e| trouble(&e))?;
    let about = file.metadata().map_err(|e| trouble(&e))?;
    if about.is_dir() {
        return Err(Problem::new("directory", "is a directory: name one file in it"));
    }
    if about.is_file() {
        let mut magic = Vec::new();
        (&mut file).take(4).read_to_end(&mut magic).map_err(|e| trouble(&e))?;
        file.seek(SeekFrom::Start(0)).map_err(|e| trouble(&e))?;
        if magic == b"PAR1" {
            return Ok((Source::Parquet(file), Taken::default()));
        }
    }
    let total = if about.is_file() { about.len() } else { 0 };
    unpack(Box::new(file), Taken { bytes: Arc::default(), total })
}

/// Looks at the first bytes of a stream.
pub fn unpack(stream: Box<dyn Read + Send>, taken: Taken) -> Result<(Source, Taken), Problem> {
    let counted = Counting { inner: stream, bytes: taken.bytes.clone() };
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, counted);
    let head = stream.fill_buf().map_err(|e| {
        Problem::new("unreadable", format!("can't be read: {}", visible(&e.to_string())))
    })?;
    let starts = |magic: &[u8]| head.starts_with(magic);
    let refuse = |kind, detail: &str| Err(Problem::new(kind, detail));
    if head.is_empty() {
        return refuse("empty", "the file is empty: a header line is needed");
    }
    if starts(b"PAR1") {
        return refuse(
            "unreadable",
            "Parquet needs a file that can be read at any place, not a stream",
        );
    }
    if starts(b"PK\x03\x04") {
        return refuse(
            "unreadable",
            "is a zip archive (or an Excel workbook): unpack it, or save the sheet as CSV UTF-8",
        );
    }
    if starts(b"\xff\xfe") || starts(b"\xfe\xff") {
        return refuse("utf8", "is UTF-16: save it as CSV UTF-8");
    }
    if starts(b"SQLite format 3\0") {
        return refuse("unreadable", "is an SQLite database: export the table as CSV");
    }
    let text: (Box<dyn BufRead + Send>, Packing) = if starts(b"\x1f\x8b") {
        (
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(stream))),
            Packing::Gzip,
        )
    } else if starts(b"\x28\xb5\x2f\xfd") {
        let unpacked = zstd::Decoder::with_buffer(stream).map_err(|e| {
            Problem::new("unreadable", format!("can't be unpacked: {}", visible(&e.to_string())))
        })?;
        (Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked)), Packing::Zstd)
    } else {
        (Box::new(stream), Packing::Plain)
    };
    Ok((Source::Text(text.0, text.1), taken))
}

/// Counts what passes, for the progress bar.
struct Counting {
    inner: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
