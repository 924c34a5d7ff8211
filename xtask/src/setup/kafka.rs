//! Apache Kafka for tests: its jars, from Maven Central into the cache. There is no other way to a broker that needs neither a download
//! page nor a container.

use std::path::{Path, PathBuf};

use super::cache_dir;
use crate::process::{command, succeeds};

/// The version that `crates/server/tests/serve/feeds/kafka_broker.rs` starts.
const VERSION: &str = "4.1.1";

fn dir() -> Option<PathBuf> {
    cache_dir().map(|dir| dir.join(format!("kafka-{VERSION}")))
}

/// Whether they are there.
pub fn is_there() -> bool {
    dir().is_some_and(|dir| dir.join(format!("lib/kafka_2.13-{VERSION}.jar")).exists())
}

/// The one line that gets them; `setup` itself writes the description first, which Maven wants as a file.
pub fn install_line() -> String {
    format!("cargo xtask setup (fetches the jars of kafka {VERSION} from Maven Central, 43 MB)")
}

/// Fetches them.
pub fn install(root: &Path) -> bool {
    let Some(dir) = dir() else {
        println!("neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place to install to");
        return false;
    };
    let pom = dir.join("pom.xml");
    let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&pom, description()));
    if let Err(error) = written {
        println!("{} can't be written: {error}", pom.display());
        return false;
    }
    let mut maven = command(root, "mvn");
    maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom).args([
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        "-DoutputDirectory=lib",
    ]);
    succeeds(maven)
}

/// The broker, and something that writes its log.
fn description() -> String {
    let parts =
        [("org.apache.kafka", "kafka_2.13", VERSION), ("org.slf4j", "slf4j-simple", "1.7.36")];
    let dependencies: String = parts
        .iter()
        .map(|(group, name, version)| {
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>\n"
            )
        })
        .collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n<modelVersion>4.0.0</modelVersion>\n\
         <groupId>pointsman</groupId><artifactId>broker</artifactId><version>1</version>\n\
         <dependencies>\n{dependencies}</dependencies>\n</project>\n"
    )
}
