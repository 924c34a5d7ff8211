//! Where in which file we are, in a way that outlives its renaming.
//!
//! A path says nothing: rotation gives it to another file. An inode may be given again, and a copy has another one. So a file is known by its
//! first bytes, which for attempts hold an id that nobody else has; the inode only decides between copies.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// By how many bytes a file is known.
const HEAD_BYTES: u64 = 1_024;

/// A place in a file; everything before it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    device: u64,
    inode: u64,
    /// Bytes that are done.
    pub offset: u64,
    head_bytes: u64,
    head: String,
}

impl Position {
    /// The beginning of a file.
    pub fn start(metadata: &Metadata) -> Self {
        let (device, inode) = (metadata.dev(), metadata.ino());
        Self { device, inode, offset: 0, head_bytes: 0, head: String::new() }
    }

    /// Further on in the same file.
    pub fn at(&self, file: &File, offset: u64) -> io::Result<Self> {
        let mut next = Self { offset, ..self.clone() };
        if self.head_bytes < HEAD_BYTES {
            next.head_bytes = offset.min(HEAD_BYTES);
            next.head = head(file, next.head_bytes)?;
        }
        Ok(next)
    }

    /// Whether a file is the one, by its name in the file system.
    pub fn is_same(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }

    /// Whether a file begins with what was read, and holds all of it.
    pub fn is_in(&self, file: &File) -> io::Result<bool> {
        if self.head_bytes == 0 {
            return Ok(true);
        }
        let is_long_enough = file.metadata()?.len() >= self.offset;
        Ok(is_long_enough && head(file, self.head_bytes)? == self.head)
    }

    /// The same place in a file that holds the same.
    pub fn moved_to(&self, metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), ..self.clone() }
    }
}

fn head(file: &File, bytes: u64) -> io::Result<String> {
    let mut head = vec![0; bytes as usize];
    match file.read_exact_at(&mut head, 0) {
        Ok(()) => Ok(Sha256::digest(&head).iter().map(|byte| format!("{byte:02x}")).collect()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok("short".into()),
        Err(error) => Err(error),
    }
}

/// The file itself and what rotation made of it (`name.1`, `name-20260213`), the one written first at the front. Packed ones can't be read on.
pub fn family(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(parent.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let own = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = own.strip_prefix(&name) else { continue };
        let is_packed = [".gz", ".zst", ".xz", ".bz2"].iter().any(|end| rest.ends_with(end));
        let is_ours = rest.is_empty() || rest.starts_with('.') || rest.starts_with('-');
        let Ok(metadata) = entry.metadata() else { continue };
        if is_ours && !is_packed && metadata.is_file() {
            let written = (metadata.mtime(), metadata.mtime_nsec());
            found.push((written, rest.is_empty(), entry.path()));
        }
    }
    // Of two written at the same instant the one that still has the name is the later.
    found.sort();
    Ok(found.into_iter().map(|(_, _, path)| path).collect())
}
