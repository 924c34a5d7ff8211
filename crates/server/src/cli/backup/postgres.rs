//! A store in PostgreSQL: its own tools, which know its versions, do the work.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{made, named, runtime};

/// Writes a dump of one moment.
pub fn backup(url: &str, to: &Path) -> Result<()> {
    // Made first, so that nobody else can read it at any time.
    let file = made(to)?;
    run(tool("pg_dump", url)?.args(["--format=custom", "--no-owner", "--file"]).arg(to))?;
    Ok(file.sync_all()?)
}

/// Fills an empty database.
pub fn restore(from: &Path, url: &str) -> Result<()> {
    ensure!(from.exists(), "{}: there is no such file", named(from));
    let seen = runtime()?.block_on(store::inspect(url))?;
    ensure!(
        seen.schema.is_none(),
        "store.url {}: the database holds a store, and that is not overwritten; name an empty one",
        store::shown(url)
    );
    let all_or_nothing = ["--single-transaction", "--exit-on-error", "--no-owner"];
    run(tool("pg_restore", url)?.args(all_or_nothing).arg(from))
}

/// A tool that speaks to the database; the password goes by the environment, where other users don't see it.
fn tool(name: &str, url: &str) -> Result<Command> {
    let mut address = Url::parse(url).context("store.url is no URL")?;
    let mut command = Command::new(name);
    if let Some(password) = address.password() {
        let password = percent_decode_str(password).decode_utf8().context("store.url: password")?;
        command.env("PGPASSWORD", &*password);
        let _ = address.set_password(None);
    }
    command.arg("--dbname").arg(address.as_str());
    Ok(command)
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "{name} isn't installed; to get it: apt-get install postgresql-client (of the server's version or newer)"
        ),
        Err(error) => return Err(error).context(name),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}", said.trim());
    Ok(())
}
