//! The files of the repository as the rules see them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Text files by path relative to the root, with `/` between the parts.
#[derive(Debug, Default)]
pub struct Repository {
    files: BTreeMap<String, String>,
    others: Vec<String>,
}

impl Repository {
    /// Reads everything below `root` that belongs to the repository. It walks the directory and
    /// doesn't ask git: a rule should speak before a file is added, and in an unpacked archive.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut repository = Self::default();
        repository.walk(root, "")?;
        Ok(repository)
    }

    fn walk(&mut self, directory: &Path, prefix: &str) -> io::Result<()> {
        // Build directories say that they are one.
        if directory.join("CACHEDIR.TAG").exists() {
            return Ok(());
        }
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let is_foreign = [".git", "target", "node_modules"].contains(&name.as_str())
                    || ["fuzz/corpus", "fuzz/artifacts", "web/dist"].contains(&path.as_str());
                if !is_foreign {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() {
                match String::from_utf8(std::fs::read(entry.path())?) {
                    Ok(text) => drop(self.files.insert(path, text)),
                    Err(_) => self.others.push(path),
                }
            }
        }
        Ok(())
    }

    /// Every text file.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Text files whose name ends so.
    pub fn ending(&self, suffix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| path.ends_with(suffix))
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a file or directory of that path exists.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        path.is_empty()
            || self.files.keys().chain(&self.others).any(|p| p == path || p.starts_with(&inside))
    }

    /// A repository made of these files.
    #[cfg(test)]
    pub fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        Self { files: files.into(), others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_directories_by_what_they_hold() {
        let repository = Repository::of([("docs/adr/0001-a.md", "")]);
        assert!(repository.has("docs/adr/0001-a.md"));
        assert!(repository.has("docs/adr/"));
        assert!(repository.has("docs"));
        assert!(!repository.has("docs/ad"));
    }
}
