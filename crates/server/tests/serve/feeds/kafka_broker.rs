//! A real Apache Kafka (KRaft, one node), from the jars that `cargo xtask setup` fetches; stopped by its process id.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tempfile::TempDir;

use super::{free_ports, skip};

/// The version that `xtask` fetches.
const VERSION: &str = "4.1.1";

/// A running broker; it goes with its value.
pub struct Broker {
    child: Mutex<Child>,
    dir: TempDir,
    jars: PathBuf,
    port: u16,
}

/// The broker that tests share while any of them needs it.
pub fn shared() -> Option<Arc<Broker>> {
    static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(broker) = shared.upgrade() {
        return Some(broker);
    }
    let broker = Arc::new(Broker::start()?);
    *shared = Arc::downgrade(&broker);
    Some(broker)
}

impl Broker {
    /// Starts one, or says why that is skipped.
    pub fn start() -> Option<Self> {
        let Some(jars) = jars() else {
            skip(
                "the feed from Kafka, its jars or Java aren't there",
                "cargo xtask setup (needs java and mvn)",
            );
            return None;
        };
        let dir = tempfile::Builder::new().prefix("kafka").tempdir_in("/tmp").expect("a directory");
        let [port, controller] = free_ports();
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs={}\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\nnum.partitions=3\n",
            dir.path().join("data").display()
        );
        std::fs::write(dir.path().join("server.properties"), properties).expect("written");
        let id = "cG9pbnRzbWFudGVzdHMwMQ";
        let formatted = java(&jars, dir.path())
            .args(["kafka.tools.StorageTool", "format", "-t", id, "-c", "server.properties"])
            .output()
            .expect("java runs");
        assert!(formatted.status.success(), "{formatted:?}");
        let child = Mutex::new(spawn(&jars, dir.path()));
        let broker = Self { child, dir, jars, port };
        broker.wait();
        Some(broker)
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process.
    #[allow(dead_code, reason = "a benchmark asks what it costs")]
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Stops it; its data stays.
    pub fn stop(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Starts it again on its data.
    pub fn start_again(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        *child = spawn(&self.jars, self.dir.path());
        drop(child);
        self.wait();
    }

    fn wait(&self) {
        let since = Instant::now();
        let client: BaseConsumer = self.client().create().expect("a client");
        while client
            .fetch_metadata(None, Duration::from_secs(1))
            .is_ok_and(|metadata| !metadata.brokers().is_empty())
            .eq(&false)
        {
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(since.elapsed() < super::PATIENCE, "Kafka doesn't start: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address()).set("log_level", "2");
        config
    }

    /// Makes a topic of so many partitions; by itself it would be made with several.
    pub fn create(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("a client");
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let topics = [topic];
        let options = AdminOptions::new();
        let made = runtime.block_on(admin.create_topics(&topics, &options)).expect("asked");
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    /// Sends messages, and waits until the broker has them. Several partitions.
    pub fn send(&self, topic: &str, bodies: &[String]) {
        self.send_with(topic, bodies, &[]);
    }

    /// The same with headers.
    pub fn send_with(&self, topic: &str, bodies: &[String], headers: &[(&str, &str)]) {
        let producer: ThreadedProducer<_> = self
            .client()
            .set("linger.ms", "20")
            .set("sticky.partitioning.linger.ms", "0")
            .create()
            .expect("a producer");
        for body in bodies {
            let mut own = OwnedHeaders::new();
            for (key, value) in headers {
                own = own.insert(Header { key, value: Some(*value) });
            }
            let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(body.as_bytes());
            record = record.headers(own);
            while let Err((_, again)) = producer.send(record) {
                record = again;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        producer.flush(super::PATIENCE).expect("sent");
    }

    /// Another member of a group: it takes partitions and commits nothing. How many it got.
    pub fn join_and_leave(&self, topic: &str, group: &str) -> usize {
        let member: BaseConsumer = self
            .client()
            .set("group.id", group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .create()
            .expect("a consumer");
        member.subscribe(&[topic]).expect("subscribed");
        let since = Instant::now();
        let mut got = 0;
        while got == 0 && since.elapsed() < super::PATIENCE {
            let _ = member.poll(Duration::from_millis(200));
            got = member.assignment().expect("an assignment").count();
        }
        for _ in 0..20 {
            let _ = member.poll(Duration::from_millis(50));
        }
        got
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn java(jars: &std::path::Path, dir: &std::path::Path) -> Command {
    let mut command = Command::new("java");
    command
        .current_dir(dir)
        .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(format!("{}/*", jars.display()));
    command
}

fn spawn(jars: &std::path::Path, dir: &std::path::Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log"));
    java(jars, dir)
        .args(["kafka.Kafka", "server.properties"])
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("java runs")
}

/// Where `xtask setup` puts them.
fn jars() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("POINTSMAN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("pointsman")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/pointsman")))?;
    let jars = cache.join(format!("kafka-{VERSION}/lib"));
    let has_java = Command::new("java").arg("-version").output().is_ok_and(|o| o.status.success());
    (has_java && jars.join(format!("kafka_2.13-{VERSION}.jar")).exists()).then_some(jars)
}
