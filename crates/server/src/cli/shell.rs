//! Completions and the manual page.

use std::io::{self, Write};

use super::Exit;

/// `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman completions bash > ~/.local/share/bash-completion/completions/pointsman
  pointsman completions zsh > \"${fpath[1]}/_pointsman\"
  pointsman completions fish > ~/.config/fish/completions/pointsman.fish")]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman man | man -l -
  pointsman man > /usr/local/share/man/man1/pointsman.1
  pointsman man backtest | man -l -")]
pub struct ManArgs {
    /// The command to describe; all of them in short without it
    command: Option<String>,
}

/// Prints completions.
pub fn completions(args: &CompletionsArgs, command: &mut clap::Command) -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, command, "pointsman", &mut out);
    io::stdout().write_all(&out)?;
    Ok(Exit::Ok)
}

/// Prints the manual page.
pub fn man(args: &ManArgs, mut command: clap::Command) -> anyhow::Result<Exit> {
    command.build();
    let page = match &args.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(sub) => sub.clone(),
            None => {
                super::complain(&format!("there is no command `{}`", crate::read::visible(name)));
                return Ok(Exit::Usage);
            }
        },
    };
    let mut out = Vec::new();
    clap_mangen::Man::new(page).render(&mut out)?;
    io::stdout().write_all(&out)?;
    Ok(Exit::Ok)
}
