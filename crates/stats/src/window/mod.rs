//! Event time: watermark, ticks, duplicates.
//!
//! **Problem.** Attempts arrive late, twice, out of order, or dated in the future, in batches of any size. What is judged
//! must depend on the events alone, so that a recorded hour replays to the same findings.
//!
//! **Method.** The watermark of the dataflow model (Akidau et al. 2015, VLDB 8(12)) in its simplest, bounded-lateness form:
//! the largest event time seen, less an allowed lateness. Time is cut into ticks on a fixed grid (multiples of the tick's length
//! since the epoch). A tick closes when the watermark passes its end, and only then is it judged.
//!
//! **Guarantee.** Every tick closes once, in order, and what it holds when it closes depends on the sequence of
//! events alone, not on how it was cut into batches: the watermark moves, and ticks close, event by event. Permuting events that
//! all arrive within the lateness changes nothing that is counted. An event whose tick is closed is `Late`: it is counted and handed to
//! the tick that is open now, and rewrites none that has been judged.
//!
//! **Cost.** A few comparisons per event; a duplicate check is one hash and two look-ups (about 100 ns, 16 to 32 bytes per id kept).

mod duplicates;
mod fingerprints;
mod ticks;

pub use duplicates::{Duplicates, Outcome, Seen, fingerprint, fingerprint_of_bytes};
pub use ticks::{Arrival, ArrivalCounts, Ticks};
