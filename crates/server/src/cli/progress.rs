//! A progress bar on standard error, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is being done, and how far it is.
pub struct Progress(ProgressBar);

impl Progress {
    /// Bytes or rows; nothing is drawn for work done within a moment.
    pub fn new(what: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        bar.set_message(what);
        Self(bar)
    }

    /// This much of `total` (0: not known) is done.
    pub fn bytes(&self, done: u64, total: u64) {
        self.set(
            done,
            total,
            "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
            "{msg} {spinner} {bytes} {bytes_per_sec}",
        );
    }

    /// This many rows of `total` are done.
    pub fn rows(&self, done: u64, total: u64) {
        self.set(
            done,
            total,
            "{msg} {bar:30} {human_pos}/{human_len} rows {eta} left",
            "{msg} {spinner} {human_pos} rows",
        );
    }

    /// This share is done.
    pub fn share(&self, done: f64) {
        const WHOLE: u64 = 1_000;
        let done = (done * WHOLE as f64) as u64;
        self.set(done, WHOLE, "{msg} {bar:30} {percent} % {eta} left", "{msg} {spinner}");
    }

    fn set(&self, done: u64, total: u64, with_end: &str, without: &str) {
        if self.0.position() == 0 {
            let style = if total > 0 { with_end } else { without };
            if let Ok(style) = ProgressStyle::with_template(style) {
                self.0.set_style(style);
            }
            if total > 0 {
                self.0.set_length(total);
            }
        }
        self.0.set_position(done.max(1));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
