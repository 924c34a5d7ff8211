//! `pointsman audit`: the log of what was decided, changed and allowed, and whether it is whole.

use std::path::PathBuf;

use anyhow::{Context, Result};
use store::{AuditEntry, audit_verify};

use super::{Exit, Format, complain, store_of};

/// Entries read at once.
const CHUNK: u32 = 1_000;

/// `audit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman audit list
  pointsman audit anchor > anchor.json          keep it where the store's owner can't write
  pointsman audit verify --anchor anchor.json   exits 1 if anything was edited, deleted, reordered or cut off")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The configuration, for store.url
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the log, oldest first
    List {
        /// For whom
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print the last entry's number and hash
    Anchor,
    /// Check every entry against the one before it
    Verify {
        /// What `audit anchor` printed before: the log may only have grown since
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Anchor {
    seq: i64,
    hash: String,
}

#[derive(serde::Serialize)]
struct Listed<'a> {
    seq: i64,
    at: String,
    actor: &'a str,
    action: &'a str,
    object: &'a str,
    detail: Box<serde_json::value::RawValue>,
    hash: &'a str,
}

/// Lists, anchors, verifies.
pub fn run(args: &Args) -> Result<Exit> {
    let Some((runtime, store)) = store_of(args.config.as_deref())? else { return Ok(Exit::Input) };
    let entries = runtime.block_on(async {
        let store: &dyn store::Store = &store;
        let mut entries: Vec<AuditEntry> = Vec::new();
        loop {
            let more = store.audit(entries.last().map_or(0, |e| e.seq), CHUNK).await?;
            if more.is_empty() {
                return anyhow::Ok(entries);
            }
            entries.extend(more);
        }
    })?;
    match &args.what {
        What::List { format } => list(&entries, *format),
        What::Anchor => {
            let last = entries.last();
            let (seq, hash) = last.map_or((0, String::new()), |e| (e.seq, e.hash.clone()));
            println!("{}", serde_json::to_string(&Anchor { seq, hash })?);
            Ok(Exit::Ok)
        }
        What::Verify { anchor } => verify(&entries, anchor.as_deref()),
    }
}

fn list(entries: &[AuditEntry], format: Format) -> Result<Exit> {
    for entry in entries {
        let at = crate::wire::rfc3339(entry.at);
        if format == Format::Text {
            let said = [&entry.actor, &entry.action, &entry.object, &entry.detail];
            let [actor, action, object, detail] = said.map(|text| crate::read::visible(text));
            println!("{:>6}  {at}  {actor}  {action}  {object}  {detail}", entry.seq);
            continue;
        }
        let detail = serde_json::value::RawValue::from_string(entry.detail.clone())?;
        let (actor, action, object) = (&entry.actor, &entry.action, &entry.object);
        let listed =
            Listed { seq: entry.seq, at, actor, action, object, detail, hash: &entry.hash };
        println!("{}", serde_json::to_string(&listed)?);
    }
    Ok(Exit::Ok)
}

fn verify(entries: &[AuditEntry], anchor: Option<&std::path::Path>) -> Result<Exit> {
    if let Err(fault) = audit_verify(None, entries) {
        complain(&fault.to_string());
        return Ok(Exit::Differs);
    }
    if let Some(path) = anchor {
        let name = crate::read::visible(&path.to_string_lossy());
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{name} can't be read"))?;
        let anchor: Anchor = serde_json::from_str(&text)
            .with_context(|| format!("{name}: want what `pointsman audit anchor` printed"))?;
        let found = entries.iter().find(|entry| entry.seq == anchor.seq);
        if anchor.seq > 0 && found.is_none_or(|entry| entry.hash != anchor.hash) {
            complain(&format!(
                "entry {} isn't what the anchor says: the log was cut off or written anew",
                anchor.seq
            ));
            return Ok(Exit::Differs);
        }
    }
    println!("{} entries, whole", entries.len());
    Ok(Exit::Ok)
}
