//! Child processes whose output streams through, with the parent's cargo left out of their view.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// A command in the repository, as if it had been typed there: the variables that `cargo run` sets
/// for this program would make the build scripts of its children believe that they changed.
pub fn command(root: &Path, program: impl Into<OsString>) -> Command {
    let mut command = Command::new(program.into());
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(&*name);
        }
    }
    command
}

/// `cargo` with these arguments.
pub fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = command(root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether the command runs and ends well, in silence.
pub fn works(mut command: Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs the command with its output shown; says what failed if it did.
pub fn succeeds(mut command: Command) -> bool {
    match command.status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            println!("{} ended with {status}", described(&command));
            false
        }
        Err(error) => {
            println!("{} did not start: {error}", described(&command));
            false
        }
    }
}

/// Runs the command with its output shown, and hands each line of stdout to `each` as it comes.
pub fn succeeds_line_by_line(mut command: Command, mut each: impl FnMut(&str)) -> bool {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("{} did not start: {error}", described(&command));
            return false;
        }
    };
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout was piped"));
    let mut line = Vec::new();
    // Bytes, not `lines()`: what a test prints needn't be UTF-8, and must not end the run.
    while stdout.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        each(text.trim_end());
        line.clear();
    }
    drop(stdout);
    match child.wait() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            println!("{} ended with {status}", described(&command));
            false
        }
        Err(error) => {
            println!("{} was lost: {error}", described(&command));
            false
        }
    }
}

fn described(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_whatever_their_bytes() {
        let mut shell = command(Path::new("."), "sh");
        shell.args(["-c", r"printf 'one\n\377two\nlast'; exit 3"]);
        let mut lines = Vec::new();
        assert!(!succeeds_line_by_line(shell, |line| lines.push(line.to_owned())));
        assert_eq!(lines, ["one", "\u{fffd}two", "last"]);
    }

    #[test]
    fn a_program_that_is_not_there_does_not_work() {
        assert!(!works(command(Path::new("."), "pointsman-no-such-program")));
        assert!(!succeeds(command(Path::new("."), "pointsman-no-such-program")));
    }
}
