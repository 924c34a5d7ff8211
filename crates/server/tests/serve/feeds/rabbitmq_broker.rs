//! A real RabbitMQ from the system's package, with a name server of its own; both stopped by their process ids.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use tempfile::TempDir;

use super::{PATIENCE, free_ports, skip};

const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// How long an answer to a connection may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A running broker; it goes with its value.
pub struct Broker {
    names: Child,
    node: Child,
    dir: TempDir,
    ports: [u16; 3],
}

impl Broker {
    /// Starts one, or says why that is skipped.
    pub fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip(
                "the feed from RabbitMQ, it isn't installed",
                "apt-get install --yes --no-install-recommends rabbitmq-server",
            );
            return None;
        }
        let dir = tempfile::Builder::new().prefix("rmq").tempdir_in("/tmp").expect("a directory");
        for (name, text) in [("rabbitmq.conf", ""), ("none", ""), ("plugins", "[].\n")] {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let ports = free_ports();
        // Erlang would start a shared one that outlives us.
        let names = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &ports[1].to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("epmd runs");
        let node = spawn(dir.path(), ports);
        let broker = Self { names, node, dir, ports };
        broker.wait();
        Some(broker)
    }

    /// Where it listens, with its password.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports[0])
    }

    /// `kill -9`; what is durable stays.
    pub fn stop(&mut self) {
        self.node.kill().expect("killed");
        self.node.wait().expect("gone");
    }

    /// Starts it again on its data.
    pub fn start_again(&mut self) {
        self.node = spawn(self.dir.path(), self.ports);
        self.wait();
    }

    fn wait(&self) {
        let since = Instant::now();
        // One that is just starting may take a connection and never answer on it.
        let connect = || async {
            let url = self.url();
            let connection = Connection::connect(&url, ConnectionProperties::default());
            matches!(tokio::time::timeout(ANSWER_MAX, connection).await, Ok(Ok(_)))
        };
        while !runtime().block_on(connect()) {
            let log = || std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default();
            assert!(since.elapsed() < PATIENCE, "RabbitMQ doesn't start: {}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Sends messages to a queue, which is made, and waits until the broker has them.
    pub fn send(&self, queue: &str, bodies: &[String], headers: &[(&str, &str)]) {
        runtime().block_on(async {
            let url = self.url();
            let connection = Connection::connect(&url, ConnectionProperties::default());
            let connection = connection.await.expect("connected");
            let channel = connection.create_channel().await.expect("a channel");
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            let none = FieldTable::default();
            channel.queue_declare(queue.into(), durable, none).await.expect("declared");
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
            let mut table = FieldTable::default();
            for (key, value) in headers {
                table.insert((*key).into(), AMQPValue::LongString((*value).into()));
            }
            let mut sent = Vec::new();
            for body in bodies {
                let properties =
                    BasicProperties::default().with_delivery_mode(2).with_headers(table.clone());
                let options = BasicPublishOptions::default();
                let body = body.as_bytes();
                let one = channel.basic_publish("".into(), queue.into(), options, body, properties);
                sent.push(one.await.expect("published"));
            }
            for one in sent {
                assert!(one.await.expect("confirmed").is_ack());
            }
            connection.close(200, "sent".into()).await.expect("closed");
        });
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        for child in [&mut self.node, &mut self.names] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

fn spawn(dir: &Path, [port, names, distribution]: [u16; 3]) -> Child {
    let out = std::fs::File::create(dir.join("out")).expect("a log");
    let within = |name: &str| dir.join(name);
    Command::new(PROGRAM)
        .current_dir(dir)
        .env("HOME", dir)
        .env("ERL_EPMD_PORT", names.to_string())
        // So that the process is the node itself, not a script around it.
        .env("RABBITMQ_ALLOW_INPUT", "1")
        .env("RABBITMQ_SERVER_START_ARGS", "-noinput")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false")
        .env("RABBITMQ_NODENAME", format!("t{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", within("data"))
        .env("RABBITMQ_LOG_BASE", within("log"))
        .env("RABBITMQ_PID_FILE", within("pid"))
        .env("RABBITMQ_CONFIG_FILE", within("rabbitmq"))
        .env("RABBITMQ_CONF_ENV_FILE", within("none"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", within("plugins"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", within("generated"))
        .stdout(out.try_clone().expect("a log"))
        .stderr(out)
        .spawn()
        .expect("RabbitMQ runs")
}
