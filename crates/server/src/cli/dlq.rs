//! `pointsman dlq`: messages of feeds that could not be taken, and why; back with them once the reason is gone.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::{Exit, Format, complain, configured};
use crate::config::{Kafka, RabbitMq, Sources};
use crate::feeds::{Dead, kafka, rabbitmq};
use crate::read::visible;

/// `dlq`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman dlq list                         what was refused, oldest first, with the reason
  pointsman dlq list --format json --limit 10
  pointsman dlq replay                       back to where it came from, once the reason is gone
  pointsman dlq replay --source rabbitmq

What has been replayed is not listed again. A message that held a card number was put there without its body and can't be
replayed. Exit code 4 if the broker can't be reached.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The configuration, for sources.*
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Of which feed; needed where there are two
    #[arg(long, value_enum, global = true)]
    source: Option<Source>,
}

/// A feed with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// sources.kafka.dlq_topic
    Kafka,
    /// The queue sources.rabbitmq.queue with .dlq behind it
    Rabbitmq,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List what was refused and not replayed
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// For whom
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Send it to where it came from
    Replay {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = usize::MAX)]
        limit: usize,
    },
}

/// Where dead letters lie.
enum Place {
    Kafka(Kafka),
    RabbitMq(RabbitMq),
}

/// Lists or replays.
pub fn run(args: &Args) -> Result<Exit> {
    let Some(settings) = configured(args.config.as_deref()) else { return Ok(Exit::Input) };
    let place = match place(settings.sources(), args.source) {
        Ok(place) => place,
        Err(why) => {
            complain(&why);
            return Ok(Exit::Input);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match (&args.what, &place) {
            (What::List { limit, format }, Place::Kafka(kafka)) => {
                let found = tokio::task::block_in_place(|| kafka::list(kafka, *limit))?;
                print(&found, *format)
            }
            (What::List { limit, format }, Place::RabbitMq(rabbitmq)) => {
                print(&rabbitmq::list(rabbitmq, *limit).await?, *format)
            }
            (What::Replay { limit }, Place::Kafka(kafka)) => {
                told(kafka::replay(kafka, *limit).await?)
            }
            (What::Replay { limit }, Place::RabbitMq(rabbitmq)) => {
                told(rabbitmq::replay(rabbitmq, *limit).await?)
            }
        }
    });
    match done {
        Ok(()) => Ok(Exit::Ok),
        Err(error) => {
            complain(&format!("{error:#}"));
            Ok(Exit::Unreachable)
        }
    }
}

fn place(sources: &Sources, wanted: Option<Source>) -> Result<Place, String> {
    let is_wanted = |source: Source| wanted.is_none_or(|wanted| wanted == source);
    let kafka = sources.kafka.clone().filter(|_| is_wanted(Source::Kafka));
    let rabbitmq = sources.rabbitmq.clone().filter(|_| is_wanted(Source::Rabbitmq));
    match (kafka, rabbitmq) {
        (Some(kafka), None) => Ok(Place::Kafka(kafka)),
        (None, Some(rabbitmq)) => Ok(Place::RabbitMq(rabbitmq)),
        (Some(_), Some(_)) => Err("two feeds are configured; say which by --source kafka or --source rabbitmq".into()),
        (None, None) => Err("no such feed is configured: set sources.kafka.* or sources.rabbitmq.* in pointsman.toml, or name the file by --config".into()),
    }
}

fn told((sent, withheld): (usize, usize)) -> Result<()> {
    println!("{sent} replayed");
    if withheld > 0 {
        println!("{withheld} passed over: they held a card number and were put there without it");
    }
    Ok(())
}

fn print(found: &[Dead], format: Format) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if format == Format::Json {
        writeln!(out, "{}", serde_json::to_string(found)?)?;
        return Ok(());
    }
    for dead in found {
        let at = dead.at.as_deref().unwrap_or("(no time)");
        let attempt = dead.attempt_id.as_deref().map_or("(no id)".into(), visible);
        writeln!(out, "{at}  {}  {attempt}, {} bytes", visible(&dead.from), dead.bytes)?;
        let withheld = if dead.withheld { "; body withheld" } else { "" };
        writeln!(out, "    {} (tries: {}){withheld}", visible(&dead.reason), visible(&dead.tries))?;
    }
    writeln!(out, "{} not replayed", found.len())?;
    Ok(())
}
