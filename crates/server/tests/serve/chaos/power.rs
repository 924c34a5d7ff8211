//! Power loss: `kill -9` leaves what was written in the system's cache, so what wasn't synced is taken back afterwards (`power.c`).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use stats::stream::Stream;

/// A shim that notes what a process writes and doesn't sync.
pub struct Power {
    shim: PathBuf,
    undo: PathBuf,
}

impl Power {
    /// Compiles it into a folder.
    pub fn new(folder: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/chaos/power.c");
        let (shim, undo) = (folder.join("power.so"), folder.join("undo"));
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&shim, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(made.expect("a C compiler").success(), "power.c");
        std::fs::create_dir(&undo).expect("made");
        Self { shim, undo }
    }

    /// What the process has to be started with.
    pub fn preload(&self) -> &Path {
        &self.shim
    }

    /// Where the notes are.
    pub fn undo(&self) -> &Path {
        &self.undo
    }

    /// Whether anything of a store's log is written and not synced.
    pub fn is_owed(&self) -> bool {
        let notes = self.undo.join("pointsman.db-wal");
        std::fs::metadata(notes).is_ok_and(|notes| notes.len() > 0)
    }

    /// The power is gone: of the writes to each file of a folder since its last sync, some first ones may have reached the medium, the rest did
    /// not. How many were taken back.
    pub fn lose(&self, folder: &Path, stream: &mut Stream) -> usize {
        let mut lost = 0;
        for notes in std::fs::read_dir(&self.undo).expect("a folder") {
            let notes = notes.expect("an entry").path();
            let file = folder.join(notes.file_name().expect("a name"));
            let records = records(&std::fs::read(&notes).expect("read"));
            // The index of the log in shared memory isn't on the medium at all.
            let is_index = file.to_string_lossy().ends_with("-shm");
            if !is_index && !records.is_empty() && file.exists() {
                let kept = stream.below(records.len() as u64 + 1) as usize;
                let file = OpenOptions::new().write(true).open(&file).expect("open");
                records[kept..].iter().rev().for_each(|record| record.take_back(&file));
                lost += records.len() - kept;
            }
            std::fs::remove_file(&notes).expect("removed");
        }
        for file in std::fs::read_dir(folder).expect("a folder") {
            let file = file.expect("an entry").path();
            if file.to_string_lossy().ends_with("-shm") {
                std::fs::remove_file(&file).expect("removed");
            }
        }
        lost
    }

    /// Nothing was lost: the process went, the machine didn't.
    pub fn keep(&self) {
        for notes in std::fs::read_dir(&self.undo).expect("a folder") {
            std::fs::remove_file(notes.expect("an entry").path()).expect("removed");
        }
    }
}

struct Record {
    at: u64,
    size: u64,
    bytes: Vec<u8>,
}

impl Record {
    fn take_back(&self, file: &File) {
        file.write_all_at(&self.bytes, self.at).expect("written");
        file.set_len(self.size).expect("cut");
    }
}

/// A record that was cut off belongs to a write that never began.
fn records(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(24) {
        let word = |i: usize| u64::from_le_bytes(head[8 * i..8 * i + 8].try_into().expect("8"));
        let Some((there, rest)) = rest.split_at_checked(word(2) as usize) else { break };
        records.push(Record { at: word(0), size: word(1), bytes: there.to_vec() });
        bytes = rest;
    }
    records
}
