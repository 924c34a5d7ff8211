//! `pointsman keys`: who may ask the server, kept in its store as hashes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use payments::Timestamp;

use super::{Exit, Format, configured, store_of};
use crate::config;
use crate::http::is_name;
use crate::http::who::Role;
use crate::people::key::{Wanted, detail};
use crate::serve::clock::wall;
use crate::wire::Key;

/// `keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman keys create --role viewer
  pointsman keys create --scope events,route --for 90d
  pointsman keys list
  pointsman keys revoke k_0123456789abcdef

A key is printed once and stored as a hash. With the first key, everybody needs one. A running server reads changes within
seconds.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The configuration, for store.url
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a key and print it, once
    Create {
        /// A person's role
        #[arg(long, value_enum, required_unless_present = "scope", conflicts_with = "scope")]
        role: Option<Role>,
        /// A machine's scopes: events, route
        #[arg(long, value_delimiter = ',', value_parser = ["events", "route"])]
        scope: Vec<String>,
        /// What it is for
        #[arg(long, default_value = "")]
        name: String,
        /// Whose it is, server.tenant if not given
        #[arg(long)]
        tenant: Option<String>,
        /// How long it is good, e.g. 90d; for ever if not given
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<String>,
        /// For whom
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// List keys, without their secrets
    List {
        /// For whom
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Revoke a key
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(serde::Serialize)]
struct Made<'a> {
    id: &'a str,
    key: &'a str,
}

/// Makes, lists, revokes.
pub fn run(args: &Args) -> Result<Exit> {
    let Some((runtime, store)) = store_of(args.config.as_deref())? else { return Ok(Exit::Input) };
    let store: &dyn store::Store = &store;
    runtime.block_on(async {
        match &args.what {
            What::Create { role, scope, name, tenant, lasts, format } => {
                if !is_name(name) {
                    bail!("--name: at most 128 characters on one line, and no card number");
                }
                let Some(settings) = configured(args.config.as_deref()) else {
                    return Ok(Exit::Input);
                };
                let wanted = Wanted {
                    name: name.clone(),
                    role: *role,
                    scopes: scope.clone(),
                    expires_at: lasts.as_deref().map(end).transpose()?,
                    tenant: tenant.clone().unwrap_or_else(|| settings.tenant().to_owned()),
                    made_by: user(),
                };
                create(store, wanted, *format).await
            }
            What::List { format } => list(store, *format).await,
            What::Revoke { id } => {
                let mut work = store.begin().await?;
                if !work.revoke_key(id, wall()).await? {
                    bail!("there is no key {} that isn't revoked", crate::read::visible(id));
                }
                work.append_audit(wall(), &user(), "revoke", id, "{}").await?;
                work.commit().await?;
                println!("revoked");
                Ok(Exit::Ok)
            }
        }
    })
}

fn end(lasts: &str) -> Result<Timestamp> {
    match config::span(lasts).filter(|ms| *ms > 0) {
        Some(ms) => Ok(wall().plus_millis(ms)),
        None => {
            bail!("--for {}: want a length of time such as 12h or 90d", crate::read::visible(lasts))
        }
    }
}

async fn create(store: &dyn store::Store, wanted: Wanted, format: Format) -> Result<Exit> {
    let what = wanted.role.map_or_else(|| wanted.scopes.join(","), |role| role.as_str().to_owned());
    let (row, key) = wanted.make().context("the operating system gives no entropy")?;
    let id = row.id.clone();
    let mut work = store.begin().await?;
    work.add_key(&row).await?;
    work.append_audit(wall(), &user(), "create_key", &id, &detail(&row)).await?;
    work.commit().await?;
    match format {
        Format::Json => println!("{}", serde_json::to_string(&Made { id: &id, key: &key })?),
        Format::Text => {
            println!("{key}");
            eprintln!("key {id} for {what}; this is the only time it is shown");
        }
    }
    Ok(Exit::Ok)
}

async fn list(store: &dyn store::Store, format: Format) -> Result<Exit> {
    let keys: Vec<Key> = store.keys().await?.into_iter().map(Key::from).collect();
    if format == Format::Json {
        println!("{}", serde_json::to_string(&keys)?);
        return Ok(Exit::Ok);
    }
    for key in &keys {
        let what = key.role.clone().unwrap_or_else(|| key.scopes.join(","));
        let state = match (&key.revoked_at, &key.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "without end".into(),
        };
        println!("{}  {what}  made {} by {}, {state}", key.id, key.created_at, key.created_by);
    }
    Ok(Exit::Ok)
}

/// Whoever runs the command, as the operating system calls them.
fn user() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    format!("cli:{}", name.unwrap_or_else(|_| "unknown".into()))
}
