//! Parts of a long run that are kept in a file, so that one that was cut off goes on where it was.
//!
//! A line of JSON per part. The first line names the benchmark and what its answers depend on, the very program that wrote it unless the benchmark
//! knows better: another build may answer otherwise, and figures of two builds aren't mixed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

#[derive(PartialEq, Serialize, Deserialize)]
struct Head {
    bench: String,
    program: String,
}

#[derive(Serialize, Deserialize)]
struct Part {
    key: String,
    answer: serde_json::Value,
}

/// Where parts are kept, if anywhere.
pub struct Kept {
    done: BTreeMap<String, serde_json::Value>,
    file: Option<Mutex<File>>,
}

impl Kept {
    /// Opens a file, or begins it.
    pub fn open(bench: &str, path: Option<&Path>) -> anyhow::Result<Self> {
        Self::open_for(bench, path, program)
    }

    /// The same for parts that depend on less than the whole program: `depends` digests what.
    pub fn open_for(
        bench: &str,
        path: Option<&Path>,
        depends: impl FnOnce() -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        match path {
            Some(path) => Self::begin(bench, &depends()?, path),
            None => Ok(Self { done: BTreeMap::new(), file: None }),
        }
    }

    fn begin(bench: &str, program: &str, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let head = Head { bench: bench.to_owned(), program: program.to_owned() };
        let mut done = BTreeMap::new();
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .with_context(|| format!("{shown} can't be written"))?;
        let mut lines = BufReader::new(&file).lines();
        match lines.next().transpose().with_context(|| format!("{shown} can't be read"))? {
            None => writeln!(file, "{}", serde_json::to_string(&head)?)?,
            Some(line) => {
                if serde_json::from_str::<Head>(&line).ok().as_ref() != Some(&head) {
                    bail!(
                        "{shown} holds parts of another benchmark or of another build: name another file, or remove it"
                    );
                }
                for line in lines {
                    // The last line may have been cut off.
                    let line = line.with_context(|| format!("{shown} can't be read"))?;
                    if let Ok(part) = serde_json::from_str::<Part>(&line) {
                        done.insert(part.key, part.answer);
                    }
                }
                writeln!(file)?;
            }
        }
        Ok(Self { done, file: Some(Mutex::new(file)) })
    }

    /// The part of this name: as kept, or computed now and kept.
    pub fn part<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        compute: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if let Some(answer) = self.done.get(key) {
            return T::deserialize(answer).with_context(|| format!("the part {key} as kept"));
        }
        let answer = compute()?;
        if let Some(file) = &self.file {
            let part = Part { key: key.to_owned(), answer: serde_json::to_value(&answer)? };
            let mut line = serde_json::to_string(&part)?;
            line.push('\n');
            let mut file = file.lock().map_err(|_| anyhow::anyhow!("a part panicked"))?;
            file.write_all(line.as_bytes()).context("a part can't be kept")?;
        }
        Ok(answer)
    }
}

/// Which program this is, by its bytes.
fn program() -> anyhow::Result<String> {
    Ok(digest([&std::fs::read(std::env::current_exe()?).context("this program can't be read")?]))
}

/// Tells bytes from others.
pub fn digest<B: AsRef<[u8]>>(parts: impl IntoIterator<Item = B>) -> String {
    let mut hasher = SipHasher13::new();
    parts.into_iter().for_each(|part| hasher.write(part.as_ref()));
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_cut_off_computes_only_what_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.jsonl");
        let open = |program| Kept::begin("toy", program, &path);
        let kept = open("a").expect("a new file");
        assert_eq!(kept.part("one", || Ok(0.1 + 0.2)).expect("computed"), 0.1 + 0.2);
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(br#"{"key":"two","ans"#).expect("written");
        let kept = open("a").expect("the same file");
        let again: f64 = kept.part("one", || bail!("it was kept")).expect("kept");
        assert_eq!(again, 0.1 + 0.2, "bit for bit");
        assert_eq!(kept.part("two", || Ok(2)).expect("cut off, so computed"), 2);
        let kept = open("a").expect("the same file");
        assert_eq!(kept.part("two", || Ok(3)).expect("kept"), 2);
        assert!(open("b").is_err(), "another build");
    }
}
