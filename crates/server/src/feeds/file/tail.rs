//! Whole lines of a file as it grows, through rotation (another file under the name) and truncation.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::position::{Position, family};

/// Read at once.
const CHUNK_BYTES: usize = 4 << 20;
/// A line holds no more.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// How long a file whose name went to another may still grow: its writer has it open until it is told.
const GRACE: Duration = Duration::from_secs(2);

/// Whole lines, and the place behind them.
pub struct Chunk {
    /// With their ends.
    pub bytes: Vec<u8>,
    /// Of the first byte, in its file.
    pub from: u64,
    /// Behind the last.
    pub position: Position,
    /// A line that was longer than allowed, and was left out.
    pub left_out: bool,
}

/// Follows a path.
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// To be read next, before the path is looked at again.
    next: VecDeque<PathBuf>,
    chunk_bytes: usize,
    /// Times that the name went to another file, or the file was cut.
    pub turns: u64,
}

struct Open {
    file: File,
    position: Position,
    /// Since when another file has the name and this one has not grown.
    left_since: Option<Instant>,
}

impl Tail {
    /// Goes on at a place, or begins with the file as it is.
    pub fn resume(path: &Path, known: Option<Position>) -> io::Result<Self> {
        let mut tail = Self {
            path: path.into(),
            open: None,
            next: VecDeque::new(),
            chunk_bytes: CHUNK_BYTES,
            turns: 0,
        };
        if let Some(position) = known {
            tail.open = find(path, &position)?;
            if tail.open.is_none() {
                lost(path, &position);
            }
        }
        Ok(tail)
    }

    /// Bytes that are there and not read, of the file that is being read.
    pub fn lag(&self) -> u64 {
        let Some(open) = &self.open else { return 0 };
        open.file.metadata().map_or(0, |m| m.len().saturating_sub(open.position.offset))
    }

    /// Whether there is a file.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What has come; none: nothing yet.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            if self.open.is_none() {
                let path = self.next.pop_front().unwrap_or_else(|| self.path.clone());
                let file = match File::open(&path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                let position = Position::start(&file.metadata()?);
                self.open = Some(Open { file, position, left_since: None });
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            // Always: what was cut may have grown to the same length again.
            if !open.position.is_in(&open.file)? {
                self.cut()?;
                continue;
            }
            let is_left = open.left_since.is_some_and(|since| since.elapsed() >= GRACE);
            if let Some(chunk) = open.read(self.chunk_bytes, is_left)? {
                open.position = chunk.position.clone();
                open.left_since = open.left_since.map(|_| Instant::now());
                return Ok(Some(chunk));
            }
            if !self.turn(is_left)? {
                return Ok(None);
            }
        }
    }

    /// The file was cut, or overwritten: a copy may hold what is missing, then it is read from its beginning.
    fn cut(&mut self) -> io::Result<()> {
        self.turns += 1;
        let Some(open) = self.open.take() else { return Ok(()) };
        tracing::info!(path = %self.path.display(), "the file was cut; reading it from its beginning");
        match find(&self.path, &open.position)? {
            Some(copy) => self.open = Some(copy),
            None if open.position.is_same(&std::fs::metadata(&self.path)?) => {}
            None => lost(&self.path, &open.position),
        }
        Ok(())
    }

    /// At the end of the open file: whether to go on with another one.
    fn turn(&mut self, is_left: bool) -> io::Result<bool> {
        let Some(open) = &mut self.open else { return Ok(false) };
        match std::fs::metadata(&self.path) {
            Ok(now) if open.position.is_same(&now) => {
                open.left_since = None;
                return Ok(false);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        if !is_left {
            open.left_since.get_or_insert_with(Instant::now);
            return Ok(false);
        }
        // Everything that was written after it, should the name have gone on more than once.
        let family = family(&self.path)?;
        let own = family
            .iter()
            .position(|path| std::fs::metadata(path).is_ok_and(|m| open.position.is_same(&m)));
        let later = &family[own.map_or(0, |at| at + 1)..];
        self.next = match own {
            Some(_) => later.iter().filter(|path| **path != self.path).cloned().collect(),
            None => VecDeque::new(),
        };
        self.turns += 1;
        self.open = None;
        Ok(true)
    }
}

impl Open {
    fn read(&self, chunk_bytes: usize, is_left: bool) -> io::Result<Option<Chunk>> {
        let from = self.position.offset;
        let mut bytes = vec![0; chunk_bytes];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], from + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        bytes.truncate(filled);
        let whole = match memchr::memrchr(b'\n', &bytes) {
            Some(end) => end + 1,
            // Nobody will end the last line of a file that was left.
            None if is_left && filled > 0 && filled < chunk_bytes => filled,
            None if filled >= chunk_bytes.min(LINE_BYTES_MAX) => return self.pass_over(filled),
            None => return Ok(None),
        };
        bytes.truncate(whole);
        let position = self.position.at(&self.file, from + whole as u64)?;
        Ok(Some(Chunk { bytes, from, position, left_out: false }))
    }

    /// A line that is too long to be an attempt goes by, once its end is there.
    fn pass_over(&self, seen: usize) -> io::Result<Option<Chunk>> {
        let from = self.position.offset;
        let mut offset = from + seen as u64;
        let mut block = vec![0; 64 << 10];
        loop {
            let count = self.file.read_at(&mut block, offset)?;
            if count == 0 {
                return Ok(None);
            }
            if let Some(end) = memchr::memchr(b'\n', &block[..count]) {
                let position = self.position.at(&self.file, offset + end as u64 + 1)?;
                return Ok(Some(Chunk { bytes: Vec::new(), from, position, left_out: true }));
            }
            offset += count as u64;
        }
    }
}

/// The file that a place is in, wherever it is now.
fn find(path: &Path, position: &Position) -> io::Result<Option<Open>> {
    let mut copies = Vec::new();
    for path in family(path)? {
        let Ok(file) = File::open(&path) else { continue };
        if !position.is_in(&file)? {
            continue;
        }
        let metadata = file.metadata()?;
        let is_same = position.is_same(&metadata);
        let position = position.moved_to(&metadata);
        copies.push((!is_same, Open { file, position, left_since: None }));
    }
    copies.sort_by_key(|(is_copy, _)| *is_copy);
    Ok(copies.into_iter().next().map(|(_, open)| open))
}

fn lost(path: &Path, position: &Position) {
    let (path, offset) = (path.display(), position.offset);
    tracing::warn!(
        %path,
        offset,
        "the file that was being read is gone, packed or deleted: what it held behind this byte is not known; reading the new one from its beginning"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn append(path: &Path, text: &str) {
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn read(tail: &mut Tail) -> String {
        let mut out = Vec::new();
        let since = Instant::now();
        while since.elapsed() < GRACE + Duration::from_secs(1) {
            match tail.next().unwrap() {
                Some(chunk) => out.extend(chunk.bytes),
                None if tail.open.as_ref().is_some_and(|open| open.left_since.is_some()) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                None => break,
            }
        }
        String::from_utf8(out).unwrap()
    }

    fn place(tail: &Tail) -> Option<Position> {
        tail.open.as_ref().map(|open| open.position.clone())
    }

    #[test]
    fn only_whole_lines_are_read_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ndjson");
        let mut tail = Tail::resume(&path, None).unwrap();
        assert!(tail.next().unwrap().is_none() && !tail.is_open());
        append(&path, "one\ntw");
        assert_eq!(read(&mut tail), "one\n");
        assert_eq!((read(&mut tail).as_str(), tail.lag()), ("", 2));
        append(&path, "o\nthree\n");
        assert_eq!(read(&mut tail), "two\nthree\n");
        let mut again = Tail::resume(&path, place(&tail)).unwrap();
        append(&path, "four\n");
        assert_eq!(read(&mut again), "four\n");
    }

    #[test]
    fn rotation_reads_the_old_file_to_its_end_and_then_all_that_came_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ndjson");
        let old = |n: u32| dir.path().join(format!("a.ndjson.{n}"));
        append(&path, "1\n");
        let mut tail = Tail::resume(&path, None).unwrap();
        assert_eq!(read(&mut tail), "1\n");
        let stopped = place(&tail);
        // Renamed with more in it, and a last line without an end; then once more.
        append(&path, "2\n3");
        std::fs::rename(&path, old(1)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        append(&path, "4\n");
        std::fs::rename(old(1), old(2)).unwrap();
        std::fs::rename(&path, old(1)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        append(&path, "5\n");
        std::fs::write(dir.path().join("a.ndjson.9.gz"), "packed").unwrap();
        let mut all = String::new();
        for _ in 0..5 {
            all.push_str(&read(&mut tail));
        }
        assert_eq!(all, "2\n34\n5\n");
        // One who was away meanwhile finds the same.
        let mut away = Tail::resume(&path, stopped).unwrap();
        let mut all = String::new();
        for _ in 0..5 {
            all.push_str(&read(&mut away));
        }
        assert_eq!(all, "2\n34\n5\n");
    }

    #[test]
    fn a_cut_file_is_read_from_its_beginning_and_its_copy_to_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ndjson");
        append(&path, "one\ntwo\n");
        let mut tail = Tail::resume(&path, None).unwrap();
        assert_eq!(read(&mut tail), "one\ntwo\n");
        // Copied and cut, as some do; what came last is only in the copy.
        append(&path, "three\n");
        std::fs::copy(&path, dir.path().join("a.ndjson.1")).unwrap();
        std::fs::write(&path, "").unwrap();
        append(&path, "four, and longer than all before\n");
        let mut all = String::new();
        for _ in 0..3 {
            all.push_str(&read(&mut tail));
        }
        assert_eq!(all, "three\nfour, and longer than all before\n");
        // Cut without a copy.
        std::fs::write(&path, "").unwrap();
        append(&path, "five\n");
        std::fs::remove_file(dir.path().join("a.ndjson.1")).unwrap();
        assert_eq!(read(&mut tail), "five\n");
    }

    #[test]
    fn a_line_that_never_ends_takes_no_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ndjson");
        append(&path, &"x".repeat(3_000));
        let mut tail = Tail::resume(&path, None).unwrap();
        tail.chunk_bytes = 1_000;
        assert!(tail.next().unwrap().is_none());
        append(&path, "\nshort\n");
        let chunk = tail.next().unwrap().unwrap();
        assert!(chunk.left_out && chunk.bytes.is_empty());
        assert_eq!(read(&mut tail), "short\n");
    }
}
